package sequencer

import (
	"context"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// ProvenanceStore finds sealed records and what links them. The records come without payloads.
type ProvenanceStore interface {
	// About returns the newest sealed records about a subject, at most limit.
	About(ctx context.Context, subject string, limit int) ([]ledger.Record, error)
	// Linked returns the newest sealed records that the given ones were made from or supersede, and those made from or
	// superseding them, without the given ones, at most limit.
	Linked(ctx context.Context, ids []uuid.UUID, limit int) ([]ledger.Record, error)
}

// Limits of a provenance graph.
const (
	MaxProvenanceRecords = 400
	MaxProvenanceDepth   = 8
)

// Provenance tells where things come from and where they went, out of sealed records.
type Provenance struct{ Store ProvenanceStore }

// Of returns the graph around a subject, e.g. "dataset:ds_1", "grant:gr_1" or "device:wq-7": its newest records and,
// over depth steps, those they were made from and those made from them. At most MaxProvenanceRecords are in it; Cut
// tells when there are more. It fails with plinth.ErrNotFound when nothing about the subject is sealed.
func (p Provenance) Of(ctx context.Context, subject string, depth int) (ledger.Graph, error) {
	if subject == "" || len(subject) > ledger.MaxSubject {
		return ledger.Graph{}, plinth.Invalid("subject", "must have 1 to %d bytes, as dataset:ds_1", ledger.MaxSubject)
	}
	if depth < 1 || depth > MaxProvenanceDepth {
		return ledger.Graph{}, plinth.Invalid("depth", "must be 1 to %d", MaxProvenanceDepth)
	}
	all, err := p.Store.About(ctx, subject, MaxProvenanceRecords)
	if err != nil {
		return ledger.Graph{}, err
	}
	if len(all) == 0 {
		return ledger.Graph{}, plinth.Errorf(plinth.ErrNotFound, "no sealed record is about %.200q", subject)
	}
	if all, err = p.spread(ctx, all, depth); err != nil {
		return ledger.Graph{}, err
	}
	g := ledger.NewGraph(all)
	g.Cut = g.Cut || len(all) >= MaxProvenanceRecords
	return g, nil
}

// spread adds what is linked, step by step, as long as there is room.
func (p Provenance) spread(ctx context.Context, all []ledger.Record, depth int) ([]ledger.Record, error) {
	ids := make([]uuid.UUID, 0, MaxProvenanceRecords)
	for range depth {
		for _, r := range all[len(ids):] {
			ids = append(ids, r.ID)
		}
		room := MaxProvenanceRecords - len(all)
		if room == 0 {
			break
		}
		more, err := p.Store.Linked(ctx, ids, room)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			break
		}
		all = append(all, more...)
	}
	return all, nil
}
