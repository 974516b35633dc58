package sequencer

import (
	"context"
	"errors"
	"fmt"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/twin"
)

// coveringBoth returns the attested checkpoint that a receipt of an index uses, and the twin's of the same size. Entries
// from before the twin was turned on get the first size that both have. Without a twin, or while none is attested above
// the index, the second is nil.
func (s *Sequencer) coveringBoth(ctx context.Context, l *Log, o ledger.Origin, index int64) (Anchor, *Anchor, error) {
	if !l.HasTwin() {
		a, err := s.covering(ctx, o, index)
		return a, nil, err
	}
	second, err := s.covering(ctx, TwinOf(o), index)
	if errors.Is(err, plinth.ErrNotFound) {
		a, err := s.covering(ctx, o, index)
		return a, nil, err
	}
	if err != nil {
		return Anchor{}, nil, err
	}
	a, err := s.covering(ctx, o, second.Size-1)
	if errors.Is(err, plinth.ErrNotFound) || err == nil && a.Size != second.Size { // the log's own is not kept yet
		a, err := s.covering(ctx, o, index)
		return a, nil, err
	}
	if err != nil {
		return Anchor{}, nil, err
	}
	if second.Timestamp == nil && a.Timestamp != nil { // the twin was stamped since, as it is stamped first
		second, err = s.covering(ctx, TwinOf(o), index)
	}
	return a, &second, err
}

// twinProof is the receipt's second proof of an entry, under the twin's attested checkpoint.
func (l *Log) twinProof(a Anchor, index int64) (*ledger.TwinProof, error) {
	path, err := l.ProveTwinRecord(a.Size, index)
	if err != nil {
		return nil, err
	}
	p := &ledger.TwinProof{Checkpoint: a.Note, Attestation: a.Attestation, Timestamp: a.Timestamp}
	for _, h := range path {
		p.Path = append(p.Path, twin.Hash(h))
	}
	return p, nil
}

// stampTwin has the twin's checkpoint of a size stamped. It goes before the log's: a receipt whose log is stamped has its
// twin stamped too, or it would not outlive its certificates.
func (s *Sequencer) stampTwin(ctx context.Context, n *line, size int64) error {
	if !n.log.HasTwin() {
		return nil
	}
	a, err := s.store.Covering(ctx, TwinOf(n.origin), size-1)
	if errors.Is(err, plinth.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the twin's checkpoint to stamp: %w", err)
	}
	if a.Size != size || a.Timestamp != nil {
		return nil
	}
	return s.stampAnchor(ctx, TwinOf(n.origin), a)
}
