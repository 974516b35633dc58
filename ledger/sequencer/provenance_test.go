package sequencer_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/internal/postgres"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// fact commits one record about a subject, made from others.
func (h *house) fact(kind, org, subject string, rel ledger.Relation, inputs ...uuid.UUID) uuid.UUID {
	h.t.Helper()
	r := ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: kind, Org: org, Subject: subject, From: when, To: when, Count: 1,
		Payload: []byte(`{"secret":true}`), Relation: rel, Inputs: inputs}
	if rel == ledger.Invalidated {
		r.Supersedes = inputs[0]
	}
	if err := h.db.InTx(h.t.Context(), func(tx pgx.Tx) error { return h.db.AppendRecord(h.t.Context(), tx, r) }); err != nil {
		h.t.Fatal(err)
	}
	return r.ID
}

// use commits a dataset's way to a department: registered, asked for, granted, used n times, revoked.
func (h *house) use(n int) (all []uuid.UUID) {
	registered := h.fact("registration.registered", "databureau", "dataset:ds_1", ledger.Generated)
	asked := h.fact("request.created", "civil", "request:rq_1", ledger.Generated, registered)
	approved := h.fact("request.approved", "databureau", "request:rq_1", ledger.Derived, asked)
	granted := h.fact("grant.created", "databureau", "grant:gr_1", ledger.Derived, approved)
	all = []uuid.UUID{registered, asked, approved, granted}
	for range n {
		all = append(all, h.fact("decision.permit", "civil", "grant:gr_1", ledger.Used, granted, registered))
	}
	return append(all, h.fact("grant.revoked", "databureau", "grant:gr_1", ledger.Invalidated, granted))
}

func records(g ledger.Graph) (out []uuid.UUID) {
	for _, n := range g.Nodes {
		if n.Kind == ledger.ActivityNode {
			out = append(out, n.Record)
		}
	}
	return out
}

func TestProvenanceFollowsADatasetToItsUses(t *testing.T) {
	h := newHouse(t)
	all := h.use(3)
	many := slices.Clone(all)
	for range 20 { // too many to stand in an entry, which then holds their root
		many = append(many, h.fact("rule.added", "databureau", "rule:x", ledger.Generated))
	}
	list := h.fact("openlist.published", "databureau", "openlist", ledger.Generated, many...)
	pending := h.fact("request.created", "market", "request:rq_2", ledger.Generated, all[0])
	_, stop := h.run()
	h.wait("anchored", append(many, list, pending)...)
	p := sequencer.Provenance{Store: postgres.NewLedger(h.db)}
	near, err := p.Of(t.Context(), "dataset:ds_1", 1)
	if err != nil || len(records(near)) != 1+1+3+1+1 || !near.Cut {
		t.Fatalf("one step from the dataset: %d records, cut %t, %v", len(records(near)), near.Cut, err)
	}
	far, err := p.Of(t.Context(), "dataset:ds_1", 8)
	if got := records(far); err != nil || len(got) != len(many)+2 || far.Cut {
		t.Fatalf("all steps from the dataset: %d records, cut %t, %v", len(got), far.Cut, err)
	}
	var passed []string
	for _, x := range far.Passes() {
		passed = append(passed, x.From+">"+x.To)
	}
	if !slices.Contains(passed, "databureau>civil") || !slices.Contains(passed, "databureau>market") || !slices.Contains(passed, "civil>databureau") {
		t.Errorf("passes %v", passed)
	}
	if b, err := far.PROVJSON(); err != nil || strings.Contains(string(b), "secret") {
		t.Errorf("a payload is in the graph, %v", err)
	}

	// The picture is rebuilt from the log and the outbox.
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.db.Exec(t.Context(), `TRUNCATE ledger_edge, ledger_entry, ledger_log`); err != nil {
		t.Fatal(err)
	}
	h.run()
	again, err := p.Of(t.Context(), "dataset:ds_1", 8)
	if d := cmp.Diff(far, again); d != "" || err != nil {
		t.Errorf("rebuilt: %s, %v", d, err)
	}
}

func TestProvenanceIsBounded(t *testing.T) {
	h := newHouse(t)
	all := h.use(sequencer.MaxProvenanceRecords + 5)
	h.run()
	h.wait("anchored", all...)
	p := sequencer.Provenance{Store: postgres.NewLedger(h.db)}
	for _, subject := range []string{"grant:gr_1", "request:rq_1"} {
		g, err := p.Of(t.Context(), subject, 8)
		if err != nil || len(records(g)) != sequencer.MaxProvenanceRecords || !g.Cut {
			t.Errorf("%s: %d records, cut %t, %v", subject, len(records(g)), g.Cut, err)
		}
	}
	if _, err := p.Of(t.Context(), "dataset:none", 1); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("nothing sealed: got %v, want ErrNotFound", err)
	}
	for _, bad := range []struct {
		subject string
		depth   int
	}{{"", 1}, {strings.Repeat("x", 201), 1}, {"dataset:ds_1", 0}, {"dataset:ds_1", 9}} {
		if _, err := p.Of(t.Context(), bad.subject, bad.depth); !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("%.20s %d: got %v, want ErrInvalid", bad.subject, bad.depth, err)
		}
	}
}
