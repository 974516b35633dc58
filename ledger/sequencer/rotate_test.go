package sequencer_test

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/sequencer"
)

// ring reads the keys of the house's log as another process does.
func (h *house) ring() *sequencer.Ring {
	h.t.Helper()
	r, err := sequencer.LoadRing(filepath.Join(h.dir, "keys"), "authz", origin)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// TestKeyIsRotatedUnderARunningLog rotates twice beside the running service: all receipts, old and new, stay proven
// by the keys that the service then names, and every key signs its own sizes.
func TestKeyIsRotatedUnderARunningLog(t *testing.T) {
	h := newHouse(t)
	ids := h.write(5)
	s, stop := h.run()
	h.wait("anchored", ids...)
	for range 2 {
		r, err := sequencer.RotateKey(t.Context(), h.chain, h.ring())
		if err != nil || !r.Done || r.Old.UntilSize+1 != r.Key.FromSize {
			t.Fatalf("got %+v, %v", r, err)
		}
		ids = append(ids, h.write(5)...)
		h.wait("anchored", ids...)
	}
	h.verify(s, ids)
	keys := s.LogKeys()
	if len(keys) != 4 { // three of authz, one of device
		t.Errorf("the service names %q", keys)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s, _ = h.run()
	ids = append(ids, h.write(5)...)
	h.wait("anchored", ids...)
	h.verify(s, ids)
}

// TestRotationStoppedAnywhereComesToOneEnd has each call to the chain fail, before and after it took effect, and runs
// the rotation again until it says that it is done.
func TestRotationStoppedAnywhereComesToOneEnd(t *testing.T) {
	away := plinth.Errorf(plinth.ErrUnavailable, "away")
	for name, fault := range map[string]ledgertest.Fault{
		"not asked":       {Call: "LogKeys", Err: away},
		"not sent":        {Call: "RotateKey", Err: away},
		"answer lost":     {Call: "RotateKey", After: true, Err: ledger.ErrUnknownOutcome},
		"away afterwards": {Call: "RotateKey", After: true, Err: away},
	} {
		h := newHouse(t)
		ids := h.write(3)
		s, stop := h.run()
		h.wait("anchored", ids...)
		h.chain.Fail(fault)
		tries := 0
		for ; tries < 3; tries++ {
			if _, err := sequencer.RotateKey(t.Context(), h.chain, h.ring()); err == nil {
				break
			}
		}
		known, err := h.chain.LogKeys(t.Context(), origin)
		if err != nil || len(known) != 2 || tries > 1 {
			t.Errorf("%s: %d keys after %d tries, %v", name, len(known), tries+1, err)
		}
		ids = append(ids, h.write(3)...)
		h.wait("anchored", ids...)
		h.verify(s, ids)
		stop()
	}
}

// TestServiceFinishesARotationThatItsOperatorDidNot commits the rotation and forgets everything but the key's file.
func TestServiceFinishesARotationThatItsOperatorDidNot(t *testing.T) {
	h := newHouse(t)
	ids := h.write(3)
	_, stop := h.run()
	h.wait("anchored", ids...)
	stop()
	h.chain.Fail(ledgertest.Fault{Call: "RotateKey", After: true, Err: plinth.Errorf(plinth.ErrUnavailable, "away")})
	if _, err := sequencer.RotateKey(t.Context(), h.chain, h.ring()); err == nil {
		t.Fatal("the fault did not strike")
	}
	s, _ := h.run()
	ids = append(ids, h.write(3)...)
	h.wait("anchored", ids...)
	h.verify(s, ids)
	if known := h.ring().Known(); len(known) != 2 {
		t.Errorf("the folder knows %v", known)
	}
}

// TestLogWithAKeyThatTheChainDoesNotKnowIsNotStarted has someone else rotate the key.
func TestLogWithAKeyThatTheChainDoesNotKnowIsNotStarted(t *testing.T) {
	h := newHouse(t)
	ids := h.write(3)
	_, stop := h.run()
	h.wait("anchored", ids...)
	stop()
	elsewhere := newHouse(t)
	elsewhere.chain, elsewhere.dir = h.chain, t.TempDir()
	copyKeys(t, h.dir, elsewhere.dir)
	if _, err := sequencer.RotateKey(t.Context(), h.chain, elsewhere.ring()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.open(); !errors.Is(err, sequencer.ErrUnknownKey) {
		t.Errorf("got %v, want ErrUnknownKey", err)
	}
	// While the chain is away nobody can know: records are taken, and anchoring waits.
	away := plinth.Errorf(plinth.ErrUnavailable, "away")
	h.chain.Fail(ledgertest.Fault{Call: "Head", Err: away}, ledgertest.Fault{Call: "Head", Err: away})
	s, err := h.open()
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestOnlyTheKeyInForceNamesItsSuccessor(t *testing.T) {
	h := newHouse(t)
	ids := h.write(3)
	_, stop := h.run()
	h.wait("anchored", ids...)
	stop()
	thief, thiefKey, err := note.GenerateKey(nil, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(thief)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := note.Sign(&note.Note{Text: ledger.KeyRotation(origin, thiefKey)}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.chain.RotateKey(t.Context(), origin, thiefKey, proof); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("got %v, want a refusal", err)
	}
}
