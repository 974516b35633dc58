package fabric_test

import (
	"crypto/rand"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/sequencer"
	"plinth/ledger/twin"
)

// rotation is a new key for the log, with the note by which its present one names it.
func (l *testLog) rotation() (next *testLog, proof []byte) {
	l.t.Helper()
	next = l.fork()
	skey, vkey, err := note.GenerateKey(rand.Reader, l.origin)
	if err != nil {
		l.t.Fatal(err)
	}
	if next.signer, err = note.NewSigner(skey); err != nil {
		l.t.Fatal(err)
	}
	next.vkey = vkey
	if proof, err = note.Sign(&note.Note{Text: ledger.KeyRotation(l.origin, vkey)}, l.signer); err != nil {
		l.t.Fatal(err)
	}
	return next, proof
}

func TestAStolenKeyIsWorthNothingAfterItsRotation(t *testing.T) {
	c := open(t, fabricConfig)
	l := newLog(t).register(c).grow(3, "leaf")
	l.mustAnchor(c, 0)
	next, proof := l.rotation()
	at, err := c.RotateKey(t.Context(), l.origin, next.vkey, proof)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.RotateKey(t.Context(), l.origin, next.vkey, proof); err != nil || again != at {
		t.Errorf("the same rotation again: %+v, %v; want %+v", again, err, at)
	}
	thief := l.fork().grow(2, "leaf")
	wantRefusal(t, anchorErr(t, c, thief, 3), "SIG")
	evil, evilProof := thief.rotation()
	_, err = c.RotateKey(t.Context(), l.origin, evil.vkey, evilProof)
	wantRefusal(t, err, "SIG")
	wantRefusal(t, c.RegisterLog(t.Context(), l.origin, l.vkey), "EXISTS")
	next.grow(2, "leaf").mustAnchor(c, 3)

	keys, err := c.LogKeys(t.Context(), l.origin)
	if err != nil || len(keys) != 2 {
		t.Fatalf("keys %+v, %v; want two", keys, err)
	}
	want := []ledger.LogKey{{VKey: l.vkey, UntilSize: 3, TxID: keys[0].TxID}, {VKey: next.vkey, FromSize: 4, TxID: at.TxID}}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Error(diff)
	}
	_, err = c.LogKeys(t.Context(), newLog(t).origin)
	wantRefusal(t, err, "LOG")
}

func TestALogAndItsTwinAreAnchoredInOneTransaction(t *testing.T) {
	c := open(t, fabricConfig)
	l := newLog(t).register(c)
	skey, vkey, err := twin.GenerateKey(rand.Reader, twin.Origin(l.origin))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := twin.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.RegisterLog(t.Context(), twin.Origin(l.origin), vkey); err != nil {
		t.Fatal(err)
	}
	// Trees of one and two leaves are proven by hand: the root is the leaf, the proof the second leaf.
	a, b := twin.Leaf([]byte("leaf 0")), twin.Leaf([]byte("leaf 1"))
	second := func(size int64, root twin.Hash) []byte {
		text := ledger.Checkpoint{Origin: twin.Origin(l.origin), Size: size, Root: tlog.Hash(root)}.String()
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	l.grow(1, "leaf")
	wantRefusal(t, anchorErr(t, c, l, 0), "TWIN")
	s := l.submission(0)
	s.TwinNote = second(1, a)
	if _, err := c.Anchor(t.Context(), l.origin, s); err != nil {
		t.Fatal(err)
	}
	l.grow(1, "leaf")
	s = l.submission(1)
	s.TwinNote, s.TwinProof = second(2, twin.Node(a, b)), [][]byte{a[:]}
	_, err = c.Anchor(t.Context(), l.origin, s)
	wantRefusal(t, err, "INCONSISTENT")
	s.TwinProof = [][]byte{b[:]}
	at, err := c.Anchor(t.Context(), l.origin, s)
	if err != nil {
		t.Fatal(err)
	}
	for origin, root := range map[string]tlog.Hash{l.origin: l.root(), twin.Origin(l.origin): tlog.Hash(twin.Node(a, b))} {
		attestation, err := c.Attest(t.Context(), origin, 2)
		if err != nil {
			t.Fatal(err)
		}
		place, err := ledger.VerifyAttestation(attestation, ledger.Checkpoint{Origin: origin, Size: 2, Root: root}, trust(t))
		if err != nil || place.TxID != at.TxID {
			t.Errorf("%s: at %+v, %v; want transaction %s", origin, place, err, at.TxID)
		}
	}
	if _, err := c.Anchor(t.Context(), l.origin, sequencer.Submission{Note: s.Note, Proof: s.Proof}); err == nil {
		t.Error("a log with a twin was answered without it")
	}
}
