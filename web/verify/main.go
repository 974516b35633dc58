//go:build js

// Command verify is the receipt verifier for browsers, built as WebAssembly. It is the same code as plinth-verify and
// asks nobody: the page gives it the receipt and the roots to trust.
package main

import (
	"encoding/json"
	"errors"
	"syscall/js"
	"time"

	"plinth/ledger"
)

func main() {
	js.Global().Set("plinthVerify", js.FuncOf(verify))
	select {}
}

// verify is plinthVerify(receiptText, rootsJSON) → JSON of a ledger.Report.
func verify(_ js.Value, args []js.Value) any {
	var v ledger.Verdict
	err := errors.New("call plinthVerify(receiptText, rootsJSON)")
	v.Word = ledger.UsageError
	if len(args) == 2 && args[0].Type() == js.TypeString && args[1].Type() == js.TypeString {
		v, err = run(args[0].String(), args[1].String())
	}
	b, _ := json.Marshal(v.Report(err)) // plain data
	return string(b)
}

func run(receipt, roots string) (ledger.Verdict, error) {
	trust, err := ledger.ParseTrust([]byte(roots))
	if err != nil {
		return ledger.Verdict{Word: ledger.UsageError}, err
	}
	p, err := trust.Policy()
	if err != nil {
		return ledger.Verdict{Word: ledger.UsageError}, err
	}
	p.At = time.Now()
	return ledger.Verify([]byte(receipt), p)
}
