// Command plinth-verify checks evidence offline, against the organisations' root certificates alone. It shares nothing
// with the service but package ledger and its auditor, and uses few libraries beside Go's own: fxamacker/cbor with
// x448/float16 for CBOR, golang.org/x/mod for signed notes and Merkle proofs, protobuf's wire format for what Fabric's
// peers sign, google/uuid, and emmansun/gmsm with x/crypto's cryptobyte for the twins' SM3 and SM2.
// TestDependenciesArePinned holds this list.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"plinth/ledger"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, time.Now)) }

// command is one kind of evidence that plinth-verify can check. Its file is named after it.
type command struct {
	name  string
	args  string                            // what stands after the name, e.g. "FILE"; one word is one argument
	says  string                            // its lines in the help: what it does, and its own options
	flags func(f *flag.FlagSet, o *options) // its own options; nil when it has none. Names are unique among commands
	// check reads and checks. An error means that it was called wrongly; what is wrong with the evidence is in the
	// result.
	check func(o *options) (result, error)
}

// commands are all of them, in the order of the help.
func commands() []command {
	return []command{receiptCommand(), batchCommand(), caseCommand(), deviceCommand(), auditCommand()}
}

// result is what a command found, in the forms that can be asked for.
type result struct {
	word  ledger.Word // its exit code is the program's
	json  any         // printed with --json
	sheet sheet       // printed else
	file  []byte      // what was checked, for its digest in the printed report

	certificates []ledger.CertificateOut // of the signers, for the printed report
}

// run is the program; it returns the exit code.
func run(args []string, stdout, stderr io.Writer, now func() time.Time) int {
	c, o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, help())
		return 0
	}
	var r result
	if err == nil {
		o.now, o.stderr = now, stderr
		r, err = c.check(&o)
	}
	if err == nil && o.report != "" {
		err = writeReport(o, r)
	}
	if err != nil {
		return wrong(o, err, stdout, stderr)
	}
	if o.json {
		printJSON(r.json, stdout)
	} else {
		r.sheet.print(ledger.Lang(o.lang), stdout)
	}
	return r.word.ExitCode()
}

// wrong answers a wrong call in the form that was asked for.
func wrong(o options, err error, stdout, stderr io.Writer) int {
	if o.json {
		printJSON(ledger.Verdict{Word: ledger.UsageError}.Report(err), stdout)
	} else {
		fmt.Fprintf(stderr, "plinth-verify: %v\n\n%s", err, help())
	}
	return ledger.UsageError.ExitCode()
}

func printJSON(v any, w io.Writer) {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // plain data; when the output is gone there is nobody to tell
}
