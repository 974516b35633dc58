//go:build js

// Command verify is the verifier for browsers, built as WebAssembly. It is the same code as plinth-verify and asks
// nobody: the page gives it the file and the roots to trust, and gets a report as JSON.
package main

import (
	"encoding/json"
	"errors"
	"syscall/js"
	"time"

	"plinth/ledger"
)

// Files are strings or Uint8Arrays, roots the JSON of ledger.Trust, times RFC 3339.
func main() {
	export("plinthVerify", "receipt, roots", receipt)        // → ledger.Report; any form of a receipt
	export("plinthVerifyReceipt", "receipt, roots", receipt) // the same
	export("plinthVerifyBatch", "batch, roots", batch)       // → ledger.BatchReport
	export("plinthVerifyCase", "file, roots", caseFile)      // → ledger.CaseReport
	export("plinthVerifyDevice", "file, roots, device, from, to", device)
	select {}
}

// call is what a page asks: a file, a policy, and further texts.
type call struct {
	file   []byte
	policy ledger.Policy
	texts  []string
}

// export makes a function known to the page. It never throws: a wrong call gets a report that says so.
func export(name, parameters string, check func(call) any) {
	js.Global().Set(name, js.FuncOf(func(_ js.Value, args []js.Value) any {
		c, err := newCall(args)
		var out any
		if err == nil {
			out = check(c)
		} else {
			out = ledger.Verdict{Word: ledger.UsageError}.Report(errors.Join(err, errors.New("call "+name+"("+parameters+")")))
		}
		b, _ := json.Marshal(out) // plain data
		return string(b)
	}))
}

func newCall(args []js.Value) (c call, err error) {
	if len(args) < 2 || args[1].Type() != js.TypeString {
		return c, errors.New("a file and roots are wanted")
	}
	if c.file, err = bytesOf(args[0]); err != nil {
		return c, err
	}
	trust, err := ledger.ParseTrust([]byte(args[1].String()))
	if err != nil {
		return c, err
	}
	if c.policy, err = trust.Policy(); err != nil {
		return c, err
	}
	c.policy.At = time.Now()
	for _, a := range args[2:] {
		c.texts = append(c.texts, a.String())
	}
	return c, nil
}

func bytesOf(v js.Value) ([]byte, error) {
	if v.Type() == js.TypeString {
		return []byte(v.String()), nil
	}
	if !v.InstanceOf(js.Global().Get("Uint8Array")) {
		return nil, errors.New("the file is neither a string nor a Uint8Array")
	}
	b := make([]byte, v.Length())
	js.CopyBytesToGo(b, v)
	return b, nil
}

func receipt(c call) any {
	v, err := ledger.VerifyReceipt(c.file, c.policy)
	return v.Report(err)
}

func batch(c call) any {
	v, err := ledger.VerifyBatch(c.file, c.policy)
	return v.Report(err)
}

func caseFile(c call) any {
	v, err := ledger.VerifyCase(c.file, c.policy)
	return v.Report(err)
}

func device(c call) any {
	if len(c.texts) != 3 {
		return ledger.Verdict{Word: ledger.UsageError}.Report(errors.New("a device, from and to are wanted"))
	}
	from, err1 := time.Parse(time.RFC3339, c.texts[1])
	to, err2 := time.Parse(time.RFC3339, c.texts[2])
	if err := errors.Join(err1, err2); err != nil {
		return ledger.Verdict{Word: ledger.UsageError}.Report(err)
	}
	v, err := ledger.VerifyDevice(c.file, c.policy, c.texts[0], from, to)
	return v.Report(err)
}
