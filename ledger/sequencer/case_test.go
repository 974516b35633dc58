package sequencer_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/internal/postgres"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// step commits one record of a case.
func (h *house) step(kind, in string) ledger.Record {
	h.t.Helper()
	return h.record(ledger.Record{Kind: kind, Subject: "subject:" + in, Case: in, Payload: []byte(`{"kind":"` + kind + `"}`)})
}

// record commits one record, of which empty fields are filled.
func (h *house) record(r ledger.Record) ledger.Record {
	h.t.Helper()
	r.ID, r.Origin, r.Org, r.From, r.To, r.Count = uuid.New(), ledger.Authz, "civil", when, when, 1
	if r.Subject == "" {
		r.Subject = "grant:g"
	}
	if r.Relation == "" {
		r.Relation = ledger.Generated
	}
	if err := h.db.InTx(h.t.Context(), func(tx pgx.Tx) error { return h.db.AppendRecord(h.t.Context(), tx, r) }); err != nil {
		h.t.Fatal(err)
	}
	return r
}

func TestEntryNamesItsCaseAndShortCodeFindsTheRecord(t *testing.T) {
	h := newHouse(t)
	in, out := h.step("request.created", "request:rq_1"), h.write(1)[0]
	s, _ := h.run()
	h.wait("anchored", in.ID, out)
	store := postgres.NewLedger(h.db)
	for id, want := range map[uuid.UUID]bool{in.ID: true, out: false} {
		file, err := s.Receipt(t.Context(), id, sequencer.DiscloseNothing)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ledger.ParseReceipt(file)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ledger.ParseEntry(r.Entry)
		if err != nil || (e.Case != ledger.Tag{}) != want {
			t.Errorf("%s: case %s, %v", id, e.Case, err)
		}
		if got, err := store.ByCode(t.Context(), ledger.ShortCode(id)); err != nil || got != id {
			t.Errorf("by its code: %s, %v; want %s", got, err, id)
		}
	}
	if _, err := store.ByCode(t.Context(), ledger.ShortCode(uuid.New())); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("an unknown code: got %v, want ErrNotFound", err)
	}
	if _, err := store.ByCode(t.Context(), "a"); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("a bad code: got %v, want ErrInvalid", err)
	}
}
