package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"plinth/ledger"
)

func receiptCommand() command {
	return command{
		name: "receipt", args: "FILE", check: checkReceipt,
		says: `      one record's receipt, C2SP tlog-proof or COSE (RFC 9942)   单条记录的回执
      --payload FILE     the content that was recorded   原始内容
      --hash sha256|sm3|both   by which tree; both: a twin must be there; default: the log, and its twin if there is one
                         按哪棵树核验；默认按日志，有孪生日志时两者都须成立
      --twin-only        the same as --hash sm3: by the twin (SM3, SM2) alone   仅按国密孪生日志核验
`,
		flags: receiptFlags,
	}
}

func receiptFlags(f *flag.FlagSet, o *options) {
	f.StringVar(&o.payload, "payload", "", "")
	f.Func("hash", "", func(s string) error { return o.setHash(ledger.Hash(s)) })
	f.BoolFunc("twin-only", "", func(string) error { return o.setHash(ledger.HashSM3) })
}

// setHash chooses the trees, once.
func (o *options) setHash(h ledger.Hash) error {
	if _, err := ledger.ParseHash(string(h)); err != nil || h == "" {
		return errors.New("want sha256, sm3 or both")
	}
	if o.policy.Hash != "" && o.policy.Hash != h {
		return errors.New("the trees are chosen twice")
	}
	o.policy.Hash = h
	return nil
}

func checkReceipt(o *options) (result, error) {
	if err := o.loadPolicy(); err != nil {
		return result{}, err
	}
	if o.payload != "" {
		var err error
		if o.policy.Payload, err = readFile(o.payload, ledger.MaxPayload); err != nil {
			return result{}, fmt.Errorf("--payload: %w", err)
		}
	}
	file, err := readFile(o.args[0], ledger.MaxReceipt)
	if err != nil {
		return result{}, err
	}
	v, err := ledger.VerifyReceipt(file, o.policy)
	r := v.Report(err)
	return result{word: r.Word, json: r, sheet: receiptSheet(r, ledger.Lang(o.lang)), file: file, certificates: r.Certificates}, nil
}

// receiptSheet tells a receipt's report.
func receiptSheet(r ledger.Report, l ledger.Lang) sheet {
	s := verdictSheet(r.Word, r.Fault, l)
	if p := r.Proof; p != nil {
		s.row(say(l, "记录", "record"), strings.Join([]string{p.Record, p.Kind, p.By, p.To.Format(time.RFC3339)}, " "))
		s.row(say(l, "日志", "log"), fmt.Sprintf("%s, %d / %d", p.Origin, p.Index, p.Size))
		s.place(p, l)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		s.row(say(l, "已公开字段 ", "opened field ")+name, string(r.Fields[name]))
	}
	s.times(r, l)
	s.checks(r.Checked, r.NotChecked, l)
	return s
}

// place tells where on the chain the checkpoint is and who says so.
func (s *sheet) place(p *ledger.Proof, l ledger.Lang) {
	s.row(say(l, "链上", "on chain"), fmt.Sprintf("%s, %s, %d, %s", p.Channel, p.Chaincode, p.Block, p.TxID))
	s.row(say(l, "树根", "root"), p.RootHash)
	if t := p.Twin; t != nil {
		s.row(say(l, "孪生日志", "twin"), fmt.Sprintf("%s, %d, %s", t.Origin, t.Block, t.TxID))
		s.row(say(l, "孪生树根", "twin's root"), t.RootHash)
	}
	s.row(say(l, "背书组织", "signed by"), strings.Join(p.Organisations, ", "))
}

// times tells when it was stamped and when certificates were judged.
func (s *sheet) times(r ledger.Report, l ledger.Lang) {
	if t := r.Stamped; t != nil {
		s.row(say(l, "可信时间戳", "time-stamp"), t.At.Format(time.RFC3339)+", "+t.By)
	}
	s.row(say(l, "证书有效性时点", "certificates judged at"), r.At.Format(time.RFC3339))
}
