package sequencer_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/internal/postgres"
	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/sequencer"
)

func TestEveryFormOfAReceiptIsProven(t *testing.T) {
	h := newHouse(t)
	s, _ := h.run()
	ids := h.write(3)
	h.wait("anchored", ids...)
	p := h.trust()
	p.LogKeys = s.LogKeys()
	for form, verify := range map[sequencer.Form]func([]byte) (ledger.Verdict, error){
		sequencer.FormText:      func(b []byte) (ledger.Verdict, error) { return ledger.Verify(b, p) },
		sequencer.FormReference: func(b []byte) (ledger.Verdict, error) { return ledger.Verify(b, h.resolved(s, p)) },
		sequencer.FormCOSE:      func(b []byte) (ledger.Verdict, error) { return ledger.VerifyCOSE(b, nil, p) },
	} {
		file, err := s.ReceiptAs(t.Context(), ids[1], sequencer.Wanted{Form: form, Disclosure: sequencer.DisclosePayload})
		if err != nil {
			t.Fatal(err)
		}
		v, err := verify(file)
		if err != nil || v.Word != ledger.ProvenWithData || v.Entry.ID != ids[1] {
			t.Errorf("form %q: got %s, %v", form, v.Word, err)
		}
	}
	if _, err := s.ReceiptAs(t.Context(), ids[1], sequencer.Wanted{Form: "other"}); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("another form: %v", err)
	}
	if _, err := s.ReceiptAs(t.Context(), ids[1], sequencer.Wanted{Fields: []string{"none"}}); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("a field that is not there: %v", err)
	}
}

// resolved adds the certificates that the house knows to a policy.
func (h *house) resolved(s *sequencer.Sequencer, p ledger.Policy) ledger.Policy {
	h.t.Helper()
	all, err := s.Certificates(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	if len(all) != len(h.chain.Orgs) {
		h.t.Errorf("%d certificates are kept", len(all))
	}
	p.Certificates = all
	return p
}

func TestBatchReceiptsProveWholeTiles(t *testing.T) {
	h := newHouse(t)
	s, _ := h.run()
	h.wait("anchored", h.write(300)...)
	p := h.trust()
	p.LogKeys = s.LogKeys()
	seen := map[uuid.UUID]bool{}
	for tile := range int64(2) {
		file, err := s.BatchReceipt(t.Context(), ledger.Authz, tile)
		if err != nil {
			t.Fatal(err)
		}
		v, err := ledger.VerifyBatch(file, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range v.Records {
			seen[r.Entry.ID] = true
		}
	}
	if len(seen) != 300 {
		t.Errorf("%d records are proven", len(seen))
	}
	for _, tile := range []int64{-1, 2, 1 << 60} {
		if _, err := s.BatchReceipt(t.Context(), ledger.Authz, tile); !errors.Is(err, plinth.ErrNotFound) {
			t.Errorf("tile %d: %v", tile, err)
		}
	}
	if _, err := s.BatchReceipt(t.Context(), "other", 0); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("another log: %v", err)
	}
}

// away is an authority that can be away.
type away struct {
	sequencer.HTTPTimestamper
	gone  atomic.Bool
	calls atomic.Int64
}

func (a *away) Stamp(ctx context.Context, text []byte) ([]byte, error) {
	a.calls.Add(1)
	if a.gone.Load() {
		return nil, plinth.ErrUnavailable
	}
	return a.HTTPTimestamper.Stamp(ctx, text)
}

func TestAnAuthorityThatIsAwayNeverBlocksAReceipt(t *testing.T) {
	h := newHouse(t)
	tsa := ledgertest.NewTSA()
	server := httptest.NewServer(tsa)
	defer server.Close()
	authority := &away{HTTPTimestamper: sequencer.HTTPTimestamper{URL: server.URL}}
	authority.gone.Store(true)
	h.timestamper, h.tsaRoots = authority, []*x509.Certificate{tsa.Root}
	s, _ := h.run()
	ids := h.write(1)
	h.wait("anchored", ids...)
	p := h.trust()
	if v, err := ledger.Verify(h.receipt(s, ids[0]), p); err != nil || !v.Stamped.At.IsZero() {
		t.Fatalf("while it is away: %s, %v", v.Word, err)
	}
	authority.gone.Store(false)
	p.At = ledgertest.End.AddDate(1, 0, 0) // when the peers' certificates are long past
	p.TimestampRoots = h.tsaRoots
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err = ledger.Verify(h.receipt(s, ids[0]), p); err == nil {
			return
		}
	}
	t.Errorf("when it is back: %v", err)
}

func (h *house) receipt(s *sequencer.Sequencer, id uuid.UUID) []byte {
	h.t.Helper()
	file, err := s.Receipt(h.t.Context(), id, sequencer.DiscloseNothing)
	if err != nil {
		h.t.Fatal(err)
	}
	return file
}

func TestAnAuthorityIsBelievedOnlyWithItsRoots(t *testing.T) {
	h := newHouse(t)
	server := httptest.NewServer(ledgertest.NewTSA())
	defer server.Close()
	authority := &away{HTTPTimestamper: sequencer.HTTPTimestamper{URL: server.URL}}
	h.timestamper, h.tsaRoots = authority, []*x509.Certificate{ledgertest.NewTSA().Root}
	_, stop := h.run()
	h.wait("anchored", h.write(1)...)
	for deadline := time.Now().Add(20 * time.Second); authority.calls.Load() < 2; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the authority is not asked again")
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	a, err := postgres.NewLedger(h.db).Newest(t.Context(), ledger.Authz)
	if err != nil || a.Timestamp != nil {
		t.Errorf("a token that does not hold is kept: %v", err)
	}
}
