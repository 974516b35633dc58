package sequencer_test

import (
	"crypto/x509"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/sequencer"
	"plinth/ledger/twin"
)

// verifyTwin checks the receipt of each record by each tree and by both, and that its checkpoints belong together.
func (h *house) verifyTwin(s *sequencer.Sequencer, ids []uuid.UUID) {
	h.t.Helper()
	p := h.trust()
	p.LogKeys = s.LogKeys()
	for i, id := range ids {
		for _, form := range []sequencer.Form{sequencer.FormText, sequencer.FormCOSE} {
			file, err := s.ReceiptAs(h.t.Context(), id, sequencer.Wanted{Form: form})
			if err != nil {
				h.t.Fatal(err)
			}
			for _, hash := range []ledger.Hash{ledger.HashDefault, ledger.HashBoth, ledger.HashSHA256, ledger.HashSM3} {
				p.Hash = hash
				v, err := ledger.VerifyReceipt(file, p)
				if err != nil || v.Word != ledger.Proven || v.Entry.ID != id {
					h.t.Fatalf("record %d by %q: %s, %v", i, hash, v.Word, err)
				}
				if hash == ledger.HashBoth && (v.Twin.Size != v.Checkpoint.Size || v.Twin.Origin != twin.Origin(v.Checkpoint.Origin)) {
					h.t.Fatalf("record %d: %v beside %v", i, v.Twin, v.Checkpoint)
				}
			}
		}
	}
}

func TestReceiptsOfALogWithTwinAreProvenByEachTree(t *testing.T) {
	h := newHouse(t)
	h.twin = true
	s, stop := h.run()
	var ids []uuid.UUID
	for range 3 {
		some := h.write(3)
		h.wait("anchored", some...)
		h.verifyTwin(s, some)
		ids = append(ids, some...)
	}
	h.verify(s, ids)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s, _ = h.run()
	h.verifyTwin(s, ids)
}

// TestTwinTurnedOnLaterProvesOlderRecords begins without a twin: receipts have none. When a checkpoint is anchored with
// the twin, the older records are under it too.
func TestTwinTurnedOnLaterProvesOlderRecords(t *testing.T) {
	h := newHouse(t)
	s, stop := h.run()
	old := h.write(3)
	h.wait("anchored", old...)
	before := h.receipt(s, old[0])
	if r, err := ledger.ParseReceipt(before); err != nil || r.Twin != nil {
		t.Fatalf("without a twin: %v, %v", r.Twin, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	h.twin = true
	s, _ = h.run()
	if r, err := ledger.ParseReceipt(h.receipt(s, old[0])); err != nil || r.Twin != nil {
		t.Fatalf("before the twin is anchored: %v, %v", r.Twin, err)
	}
	h.wait("anchored", h.write(2)...)
	h.verifyTwin(s, old)
	p := h.trust()
	p.LogKeys = s.LogKeys()
	if v, err := ledger.Verify(before, p); err != nil || v.Word != ledger.Proven {
		t.Errorf("the receipt from before: %s, %v", v.Word, err)
	}
}

// TestStampedReceiptHasItsTwinStampedToo lets the peers' certificates expire: each tree outlives them.
func TestStampedReceiptHasItsTwinStampedToo(t *testing.T) {
	h := newHouse(t)
	tsa := ledgertest.NewTSA()
	server := httptest.NewServer(tsa)
	defer server.Close()
	h.twin, h.timestamper, h.tsaRoots = true, sequencer.HTTPTimestamper{URL: server.URL}, []*x509.Certificate{tsa.Root}
	s, _ := h.run()
	ids := h.write(1)
	h.wait("anchored", ids...)
	var r ledger.Receipt
	var file []byte
	for deadline := time.Now().Add(30 * time.Second); r.Timestamp == nil; time.Sleep(10 * time.Millisecond) {
		var err error
		file = h.receipt(s, ids[0])
		if r, err = ledger.ParseReceipt(file); err != nil || time.Now().After(deadline) {
			t.Fatalf("not stamped: %v", err)
		}
	}
	p := h.trust()
	p.LogKeys, p.TimestampRoots, p.At = s.LogKeys(), h.tsaRoots, ledgertest.End.AddDate(1, 0, 0)
	for _, p.Hash = range []ledger.Hash{ledger.HashBoth, ledger.HashSHA256, ledger.HashSM3} {
		if v, err := ledger.Verify(file, p); err != nil {
			t.Errorf("by %q: %s, %v", p.Hash, v.Word, err)
		}
	}
}
