package main

import (
	"os"
	"slices"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"plinth/ledger"
)

// cmdBend: bend FILE omit|reading N OUT copies a device file without its N-th segment, or with a bit of its N-th
// reading's value changed.
func cmdBend(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: bend FILE omit|reading N OUT")
	}
	f, err := ledger.ParseDeviceFile([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	switch args[1] {
	case "omit":
		f.Segments = slices.Delete(f.Segments, n-1, n)
	case "reading":
		leaf := f.Readings[n-1].Leaf
		leaf[len(leaf)-1] ^= 1
	default:
		ts.Fatalf("bend knows omit and reading, not %q", args[1])
	}
	b, err := f.Encode()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), b, 0o600))
}
