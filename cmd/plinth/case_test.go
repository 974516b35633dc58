package main

import (
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"plinth/ledger"
)

// cmdBendcase: bendcase FILE omit|swap N OUT copies a case file without its N-th step, or with that and the next one
// exchanged.
func cmdBendcase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: bendcase FILE omit|swap N OUT")
	}
	f, err := ledger.ParseCaseFile([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	switch args[1] {
	case "omit":
		f.Steps = slices.Delete(f.Steps, n-1, n)
	case "swap":
		f.Steps[n-1], f.Steps[n] = f.Steps[n], f.Steps[n-1]
	default:
		ts.Fatalf("bendcase knows omit and swap, not %q", args[1])
	}
	b, err := f.Encode()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), b, 0o600))
}

// cmdFetch: fetch SECONDS LOGIN PATH OUT keeps a file that is not made at once, while the answer is 404 or 409.
func cmdFetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: fetch SECONDS LOGIN PATH OUT")
	}
	seconds, err := strconv.Atoi(args[0])
	ts.Check(err)
	h := ts.Value(runningKey{}).(*running)
	for deadline := time.Now().Add(time.Duration(seconds) * time.Second); ; time.Sleep(100 * time.Millisecond) {
		status, answer, err := h.as(args[1], "GET", args[2], nil)
		ts.Check(err)
		if status == 200 {
			ts.Check(os.WriteFile(ts.MkAbs(args[3]), answer, 0o600))
			return
		}
		if status != 404 && status != 409 || time.Now().After(deadline) {
			ts.Fatalf("%s as %s: %d %.1000s", args[2], args[1], status, answer)
		}
	}
}
