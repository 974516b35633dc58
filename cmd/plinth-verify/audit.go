package main

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/audit"
)

// auditOptions are the options of audit.
type auditOptions struct {
	resume       bool
	state        string
	ordererRoots string
}

func auditCommand() command {
	return command{
		name: "audit", args: "DIR", check: checkAudit,
		says: `      a whole export, made by plinth evidence export: chain, logs, data of record   整体审计导出文件夹
      --resume             go on from the state that the audit before left, and keep a new one   增量审计
      --state FILE         that state; default DIR.audit   审计状态文件
      --orderer-roots FILE the ordering organisation's root certificates in PEM   排序组织根证书
`,
		flags: func(f *flag.FlagSet, o *options) {
			f.BoolVar(&o.audit.resume, "resume", false, "")
			f.StringVar(&o.audit.state, "state", "", "")
			f.StringVar(&o.audit.ordererRoots, "orderer-roots", "", "")
		},
	}
}

func checkAudit(o *options) (result, error) {
	if err := o.loadPolicy(); err != nil {
		return result{}, err
	}
	dir := o.args[0]
	if _, err := os.Stat(filepath.Join(dir, audit.ManifestFile)); err != nil {
		return result{}, fmt.Errorf("%s is no export: %w", dir, err)
	}
	roots, err := o.audit.roots()
	if err != nil {
		return result{}, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := audit.Run(ctx, dir, o.policy, audit.Options{Resume: o.audit.resume, State: o.audit.state, OrdererRoots: roots,
		Progress: func(p audit.Progress) { tellProgress(p, o.stderr) }})
	fmt.Fprint(o.stderr, "\r\033[K")
	if errors.Is(err, plinth.ErrInvalid) {
		return result{}, err
	}
	if err != nil {
		r.Fault = &audit.Fault{Object: dir, Reason: err.Error()}
	}
	return result{word: r.Word, json: r, sheet: auditSheet(r, ledger.Lang(o.lang))}, nil
}

func (o auditOptions) roots() ([]*x509.Certificate, error) {
	if o.ordererRoots == "" {
		return nil, nil
	}
	b, err := readFile(o.ordererRoots, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("--orderer-roots: %w", err)
	}
	certs, err := ledger.ParseCertificates(b)
	if err != nil {
		return nil, fmt.Errorf("--orderer-roots: %w", err)
	}
	return certs, nil
}

// tellProgress keeps one line of a terminal up to date.
func tellProgress(p audit.Progress, w io.Writer) {
	if p.Total > 0 {
		fmt.Fprintf(w, "\r\033[K%s %d / %d", p.Stage, p.Done, p.Total)
		return
	}
	fmt.Fprintf(w, "\r\033[K%s %d", p.Stage, p.Done)
}

// auditSheet tells an audit's report.
func auditSheet(r audit.Report, l ledger.Lang) sheet {
	s := sheet{headline: fmt.Sprintf("%s: %s", r.Word, auditWord(r.Word, l))}
	if f := r.Fault; f != nil {
		s.row(say(l, "首个问题", "first bad object"), f.Object+": "+f.Reason)
	}
	c := r.Chain
	s.row(say(l, "链上", "chain"), fmt.Sprintf(say(l, "%s，%d 个区块，%d 笔交易，%d 个签名，%s", "%s, %d blocks, %d transactions, %d signatures, %s"),
		c.Channel, c.Blocks, c.Transactions, c.Signatures, c.Head))
	for _, log := range r.Logs {
		s.row(say(l, "日志", "log"), fmt.Sprintf(say(l, "%s，%d 条（上链 %d），%d 个主体，%s", "%s, %d entries (%d on the chain), %d subjects, %s"),
			log.Origin, log.Size, log.Anchored, log.Subjects, log.Root))
	}
	s.row(say(l, "证书有效性时点", "certificates judged at"), r.At.Format(time.RFC3339))
	var done, not []string
	for _, st := range r.Stages {
		if st.Right {
			done = append(done, fmt.Sprintf("%s (%d + %d, %.1f s)", st.Stage.Say(l), st.From, st.Count, st.Seconds))
		}
	}
	for _, k := range r.NotChecked {
		text := k.Say(l)
		if k.Count > 0 {
			text = fmt.Sprintf("%s (%d)", text, k.Count)
		}
		not = append(not, text)
	}
	s.list(say(l, "已核验（此前 + 本次）", "checked (before + now)"), "✓", done)
	s.list(say(l, "未核验", "not checked"), "–", not)
	return s
}

// auditWord says the verdict of a whole export.
func auditWord(w ledger.Word, l ledger.Lang) string {
	switch w {
	case ledger.Proven:
		return say(l, "全部记录已证实", "all records are proven")
	case ledger.ProvenWithData:
		return say(l, "全部记录及其原始数据已证实", "all records and their data are proven")
	}
	return w.Say(l)
}
