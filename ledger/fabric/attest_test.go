package fabric_test

import (
	"errors"
	"testing"
	"time"

	"plinth"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	"plinth/ledger/fabric/network"
)

func trust(t testing.TB, logKeys ...string) ledger.Policy {
	t.Helper()
	return trustOf(t, stacktest.Fabric(t), logKeys...)
}

func trustOf(t testing.TB, path string, logKeys ...string) ledger.Policy {
	t.Helper()
	d, err := network.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := d.Trust(logKeys...)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := roots.Policy()
	if err != nil {
		t.Fatal(err)
	}
	policy.At = time.Now()
	return policy
}

// The judge is the offline verifier, which knows the organisations' roots and no network.
func TestAttestationVerifiesOffline(t *testing.T) {
	c := open(t, fabricConfig)
	l := newLog(t).register(c).grow(9, "leaf")
	a, err := c.Anchor(t.Context(), l.origin, l.submission(0))
	if err != nil {
		t.Fatal(err)
	}
	checkpoint := ledger.Checkpoint{Origin: l.origin, Size: l.size, Root: l.root()}
	l.grow(1, "leaf").mustAnchor(c, 9)

	attestation, err := c.Attest(t.Context(), l.origin, 9)
	if err != nil {
		t.Fatal(err)
	}
	place, err := ledger.VerifyAttestation(attestation, checkpoint, trust(t))
	if err != nil {
		t.Fatal(err)
	}
	if place.Block != a.Block || place.TxID != a.TxID {
		t.Errorf("attested at %+v, anchored at %+v", place, a)
	}
	checkpoint.Size++
	if _, err := ledger.VerifyAttestation(attestation, checkpoint, trust(t)); err == nil {
		t.Error("the attestation passes for another checkpoint")
	}
}

func TestAttestOfWhatIsNotAnchoredIsNotFound(t *testing.T) {
	c := open(t, fabricConfig)
	l := newLog(t).register(c)
	if _, err := c.Attest(t.Context(), l.origin, 7); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("got %v, want not found", err)
	}
}

// Peers commit a block at different moments; whoever asks right after the own peer's commit must not suffer for it.
func TestAttestRightAfterEachAnchor(t *testing.T) {
	c := open(t, fabricConfig)
	l := newLog(t).register(c)
	for range 8 {
		from := l.size
		l.grow(2, "leaf").mustAnchor(c, from)
		attestation, err := c.Attest(t.Context(), l.origin, l.size)
		if err != nil {
			t.Fatal(err)
		}
		of := ledger.Checkpoint{Origin: l.origin, Size: l.size, Root: l.root()}
		if _, err := ledger.VerifyAttestation(attestation, of, trust(t)); err != nil {
			t.Fatal(err)
		}
	}
}
