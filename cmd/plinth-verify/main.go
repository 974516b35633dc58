// Command plinth-verify checks receipts offline, against the organisations' root certificates alone. It shares nothing
// with the service but package ledger.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"plinth/ledger"
)

const usage = `plinth-verify checks a receipt offline.  离线核验存证回执。

  plinth-verify receipt FILE --roots DIR|FILE... [options]

  --roots DIR|FILE   organisations' root certificates: the JSON of GET /v1/evidence/roots, MSPID=file.pem, or a
                     folder of MSPID.pem; may be given more than once   各组织根证书
  --log-key KEY      a log's verifier key (name+hash+base64); may be given more than once   日志公钥
  --payload FILE     the content that was recorded   原始内容
  --org MSPID        an organisation that must have signed; default: all with a root   必须背书的组织
  --channel NAME     default evidence   通道
  --chaincode NAME   default anchor     链码
  --at TIME          when certificates must be valid, RFC 3339; default now   证书有效性时点
  --json             print the verdict as JSON
  --lang zh|en       default zh

Exit codes: 0 record-proven or record-and-data-proven, 1 untrusted, 2 policy-failed, 3 cannot-evaluate, 4 usage-error.
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, time.Now)) }

// options are what the command line asks for.
type options struct {
	file    string
	roots   []string
	payload string
	at      string
	json    bool
	lang    string
	policy  ledger.Policy
}

// run is the command; it returns the exit code.
func run(args []string, stdout, stderr io.Writer, now func() time.Time) int {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	var receipt []byte
	if err == nil {
		receipt, err = o.load(now)
	}
	if err != nil {
		return wrong(o, err, stdout, stderr)
	}
	v, err := ledger.Verify(receipt, o.policy)
	if o.json {
		return printJSON(v.Report(err), stdout)
	}
	tell(v.Report(err), ledger.Lang(o.lang), stdout)
	return v.Word.ExitCode()
}

// wrong answers a wrong call in the form that was asked for.
func wrong(o options, err error, stdout, stderr io.Writer) int {
	if o.json {
		return printJSON(ledger.Verdict{Word: ledger.UsageError}.Report(err), stdout)
	}
	fmt.Fprintf(stderr, "plinth-verify: %v\n\n%s", err, usage)
	return ledger.UsageError.ExitCode()
}

func printJSON(r ledger.Report, w io.Writer) int {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return ledger.UsageError.ExitCode()
	}
	return r.ExitCode
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("plinth-verify", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	list := func(into *[]string) func(string) error {
		return func(s string) error { *into = append(*into, s); return nil }
	}
	f.Func("roots", "", list(&o.roots))
	f.Func("log-key", "", list(&o.policy.LogKeys))
	f.Func("org", "", list(&o.policy.Orgs))
	f.StringVar(&o.payload, "payload", "", "")
	f.StringVar(&o.policy.Channel, "channel", "", "")
	f.StringVar(&o.policy.Chaincode, "chaincode", "", "")
	f.StringVar(&o.at, "at", "", "")
	f.BoolVar(&o.json, "json", false, "")
	f.StringVar(&o.lang, "lang", "zh", "")
	rest, err := interleaved(f, args)
	switch {
	case err != nil:
		return o, err
	case len(rest) == 0 || rest[0] != "receipt":
		return o, errors.New("the command is: receipt")
	case len(rest) != 2:
		return o, errors.New("give one receipt file")
	case len(o.roots) == 0:
		return o, errors.New("give --roots: a receipt is checked against roots that you trust")
	case o.lang != "zh" && o.lang != "en":
		return o, errors.New("--lang is zh or en")
	}
	o.file = rest[1]
	return o, nil
}

// interleaved parses flags that stand before, between and after the words, and further values of --roots.
func interleaved(f *flag.FlagSet, args []string) (words []string, err error) {
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		before := args[:len(args)-f.NArg()]
		args = f.Args()
		roots := len(before) >= 2 && strings.TrimLeft(before[len(before)-2], "-") == "roots"
		for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
			if roots && len(words) == 2 {
				if err := f.Set("roots", args[0]); err != nil {
					return nil, err
				}
			} else {
				words = append(words, args[0])
			}
			args = args[1:]
		}
	}
	return words, nil
}

// tell prints the verdict for people.
func tell(r ledger.Report, l ledger.Lang, w io.Writer) {
	label := func(zh, en string) string {
		if l == ledger.English {
			return en + ": "
		}
		return zh + "："
	}
	fmt.Fprintf(w, "%s: %s\n", r.Word, r.Word.Say(l))
	if f := r.Fault; f != nil {
		fmt.Fprintln(w, label("问题所在", "at fault")+strings.TrimSpace(f.Part.Say(l)+" "+f.Org)+": "+f.Reason)
	}
	if p := r.Proof; p != nil {
		fmt.Fprintln(w, label("记录", "record")+p.Record, p.Kind, p.By, p.To.Format(time.RFC3339))
		fmt.Fprintln(w, label("日志", "log")+fmt.Sprintf("%s, %d / %d", p.Origin, p.Index, p.Size))
		fmt.Fprintln(w, label("链上", "on chain")+fmt.Sprintf("%s, %s, %d, %s", p.Channel, p.Chaincode, p.Block, p.TxID))
		fmt.Fprintln(w, label("背书组织", "signed by")+strings.Join(p.Organisations, ", "))
	}
	fmt.Fprintln(w, label("证书有效性时点", "certificates judged at")+r.At.Format(time.RFC3339))
	fmt.Fprintln(w, label("已核验", "checked"))
	for _, c := range r.Checked {
		fmt.Fprintln(w, "  ✓", c.Say(l))
	}
	fmt.Fprintln(w, label("未核验", "not checked"))
	for _, c := range r.NotChecked {
		fmt.Fprintln(w, "  –", c.Say(l))
	}
}
