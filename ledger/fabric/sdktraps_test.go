package fabric_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"plinth/ledger"
	"plinth/ledger/fabric"
)

// With the SDK's own settings every second fresh client fails its first submit, waiting for a connection that another
// of its goroutines has closed. (Roots with a high s, the first of the traps, are tested in internal/stack/fabric.)
func TestSDKTrapFreshClientsSucceedAtOnce(t *testing.T) {
	first := open(t, fabricConfig)
	l := newLog(t).register(first).grow(1, "leaf")
	l.mustAnchor(first, 0)
	for range 6 {
		c := open(t, fabricConfig)
		from := l.size
		l.grow(1, "leaf").mustAnchor(c, from)
		c.Close()
	}
}

func TestDiscoveryFindsTheEndorsersOfBothOrganisations(t *testing.T) {
	c := open(t, fabric.Config{Discovery: true, Patience: 5 * time.Second})
	l := newLog(t).register(c).grow(2, "leaf") // works at once, with or without an answer of discovery
	l.mustAnchor(c, 0)
	eventually(t, 60*time.Second, func() error {
		msps, err := c.Discovered(t.Context())
		slices.Sort(msps)
		if err == nil && !slices.Equal(msps, []string{"BureauMSP", "OverseerMSP"}) {
			err = fmt.Errorf("found %v", msps)
		}
		return err
	})
	l.grow(2, "leaf").mustAnchor(c, 2)
	a, err := c.Attest(t.Context(), l.origin, 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.VerifyAttestation(a, ledger.Checkpoint{Origin: l.origin, Size: 4, Root: l.root()}, trust(t)); err != nil {
		t.Error(err)
	}
}

// Somebody who overhears a transaction and sends it once more changes nothing, and nobody is told of it.
func TestAReplayedTransactionChangesNothing(t *testing.T) {
	c := open(t, fabricConfig)
	f := newFile(newLog(t).register(c)).mustPut(c, "request.created", "request.approved", "grant.created")
	from, err := c.Height(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	use := f.next("decision.permit")
	first, second, secondErr, err := c.PutTwice(t.Context(), use)
	if err != nil {
		t.Fatal(err)
	}
	if secondErr == nil && second != first {
		t.Errorf("the replay counts as %+v, the transaction as %+v", second, first)
	}
	f.seq, f.digest = use.Seq, f.digest.Add(use)
	after := f.next("decision.permit")
	if _, err := c.PutStep(t.Context(), after); err != nil {
		t.Fatal(err)
	}
	told, done := 0, errors.New("done")
	err = c.Follow(t.Context(), from, func(e fabric.Event) error {
		switch string(e.Payload) {
		case use.String():
			told++
		case after.String():
			return done
		}
		return nil
	})
	if !errors.Is(err, done) || told != 1 {
		t.Errorf("told of the step %d times, %v; want once", told, err)
	}
	attestation, err := c.AttestCase(t.Context(), f.tag)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := ledger.VerifyCaseAttestation(attestation, trust(t))
	if err != nil || got.Count != 5 || got.Digest != f.digest.Add(after) {
		t.Errorf("attested %+v, %v; want five steps", got, err)
	}
}
