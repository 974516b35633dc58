package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/sequencer"
	"plinth/ledger/twin"
)

// TestRotateKeyTellsWhichKeyIsValid rotates keys of a log and of a twin on a chain in memory.
func TestRotateKeyTellsWhichKeyIsValid(t *testing.T) {
	keys, chain := filepath.Join(t.TempDir(), "keys"), ledgertest.NewChain()
	k, err := sequencer.LoadKeys(keys, "putuo.plinth")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.OpenTwins(keys, "putuo.plinth"); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*sequencer.Ring{k.Logs[ledger.Authz], k.Twins[ledger.Authz]} {
		if err := chain.RegisterLog(t.Context(), r.Origin, r.Known()[0].VKey); err != nil {
			t.Fatal(err)
		}
	}
	anchorOne(t, chain, k)
	for log, origin := range map[string]string{"authz": "putuo.plinth/authz", "authz-sm3": "putuo.plinth/authz/sm3"} {
		var out bytes.Buffer
		cmd := rotateKeyCmd{Log: log, out: &out}
		if err := cmd.rotate(t.Context(), chain, keys, "putuo.plinth"); err != nil {
			t.Fatal(err)
		}
		now, err := chain.LogKeys(t.Context(), origin)
		if err != nil || len(now) != 2 || !strings.Contains(out.String(), "valid:   "+now[1].String()) {
			t.Errorf("%s: %s\n%v, %v", log, out.String(), now, err)
		}
	}
	cmd := rotateKeyCmd{Log: "device"}
	if err := cmd.rotate(t.Context(), chain, keys, "putuo.plinth"); err == nil {
		t.Error("the key of a log that the chain does not know was rotated")
	}
}

// anchorOne puts one entry on the chain: a key is replaced after its first checkpoint, not before.
func anchorOne(t *testing.T, chain *ledgertest.Chain, k sequencer.Keys) {
	t.Helper()
	main, err := k.Logs[ledger.Authz].Signing()
	if err != nil {
		t.Fatal(err)
	}
	second, err := k.Twins[ledger.Authz].Signing()
	if err != nil {
		t.Fatal(err)
	}
	l, err := sequencer.OpenLog(sequencer.LogConfig{Dir: t.TempDir(), Keys: main, Twin: second})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := l.Append([][]byte{[]byte("entry")})
	if err != nil {
		t.Fatal(err)
	}
	_, signed := l.Checkpoint()
	_, twinSigned, err := l.TwinNoteAt(c.Size)
	if err != nil || l.TwinOrigin() != twin.Origin(l.Origin()) {
		t.Fatal(err)
	}
	if _, err := chain.Anchor(t.Context(), l.Origin(), sequencer.Submission{Note: signed, TwinNote: twinSigned}); err != nil {
		t.Fatal(err)
	}
}
