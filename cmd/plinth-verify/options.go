package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"plinth/ledger"
)

const helpHead = `plinth-verify checks evidence offline.  离线核验存证。

`

const helpTail = `
For all commands  通用选项:

  --roots DIR|FILE   organisations' root certificates: the JSON of GET /v1/evidence/roots, MSPID=file.pem, or a
                     folder of MSPID.pem; may be given more than once   各组织根证书
  --log-key KEY      a log's verifier key (name+hash+base64); may be given more than once   日志公钥
  --org MSPID        an organisation that must have signed; default: all with a root   必须背书的组织
  --channel NAME     default evidence   通道
  --chaincode NAME   default anchor     链码
  --at TIME          when certificates must be valid, RFC 3339; default now   证书有效性时点
  --certificates FILE  peers' certificates in PEM, for receipts that refer to them by hash   节点证书
  --tsa-roots FILE   time-stamp authorities' roots in PEM; without, time-stamps are not believed   时间戳机构根证书
  --report FILE      write the verdict as a page to print, HTML   可打印的存证核验报告
  --json             print the verdict as JSON
  --lang zh|en       default zh

Exit codes: 0 record-proven or record-and-data-proven, 1 untrusted, 2 policy-failed, 3 cannot-evaluate, 4 usage-error.
`

func help() string {
	var b strings.Builder
	b.WriteString(helpHead)
	for _, c := range commands() {
		fmt.Fprintf(&b, "  plinth-verify %s %s --roots DIR|FILE... [options]\n%s\n", c.name, c.args, c.says)
	}
	b.WriteString(helpTail)
	return b.String()
}

// options are what the command line asks for.
type options struct {
	args   []string // after the command's name
	roots  []string
	at     string
	report string
	bundle string // of certificates
	tsa    string // roots
	json   bool
	lang   string
	policy ledger.Policy

	payload string        // of receipt
	device  deviceOptions // of device
	audit   auditOptions  // of audit

	now    func() time.Time
	stderr io.Writer // for progress
}

// flags names the options of all commands.
func (o *options) flags(f *flag.FlagSet) {
	f.Func("roots", "", list(&o.roots))
	f.Func("log-key", "", list(&o.policy.LogKeys))
	f.Func("org", "", list(&o.policy.Orgs))
	f.StringVar(&o.policy.Channel, "channel", "", "")
	f.StringVar(&o.policy.Chaincode, "chaincode", "", "")
	f.StringVar(&o.at, "at", "", "")
	f.StringVar(&o.report, "report", "", "")
	f.StringVar(&o.bundle, "certificates", "", "")
	f.StringVar(&o.tsa, "tsa-roots", "", "")
	f.BoolVar(&o.json, "json", false, "")
	f.StringVar(&o.lang, "lang", "zh", "")
}

func list(into *[]string) func(string) error {
	return func(s string) error { *into = append(*into, s); return nil }
}

// parse reads the command line. Options may stand anywhere, so all commands' options are known until the command is.
func parse(args []string) (command, options, error) {
	var o options
	f := flag.NewFlagSet("plinth-verify", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	o.flags(f)
	for _, c := range commands() {
		if c.flags != nil {
			c.flags(f, &o)
		}
	}
	words, err := interleaved(f, args)
	if err != nil {
		return command{}, o, err
	}
	c, err := choose(words)
	if err != nil {
		return command{}, o, err
	}
	o.args = words[1:]
	return c, o, errors.Join(foreign(f, c), o.check())
}

// choose finds the command that the words begin with.
func choose(words []string) (command, error) {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
		if len(words) == 0 || words[0] != c.name {
			continue
		}
		if want := len(strings.Fields(c.args)); len(words)-1 != want {
			return command{}, fmt.Errorf("%s: give %d argument: %s", c.name, want, c.args)
		}
		return c, nil
	}
	return command{}, fmt.Errorf("the commands are: %s", strings.Join(names, ", "))
}

func (o *options) check() error {
	switch {
	case len(o.roots) == 0:
		return errors.New("give --roots: evidence is checked against roots that you trust")
	case o.lang != "zh" && o.lang != "en":
		return errors.New("--lang is zh or en")
	}
	return nil
}

// foreign refuses an option of another command.
func foreign(f *flag.FlagSet, c command) (err error) {
	own := flag.NewFlagSet("", flag.ContinueOnError)
	(&options{}).flags(own)
	if c.flags != nil {
		c.flags(own, &options{})
	}
	f.Visit(func(g *flag.Flag) {
		if own.Lookup(g.Name) == nil {
			err = fmt.Errorf("--%s is not an option of %s", g.Name, c.name)
		}
	})
	return err
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
			if roots && complete(words) {
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

// complete tells whether the words are a command with all its arguments.
func complete(words []string) bool {
	return len(words) > 0 && slices.ContainsFunc(commands(), func(c command) bool {
		return c.name == words[0] && len(words)-1 == len(strings.Fields(c.args))
	})
}
