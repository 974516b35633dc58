package sequencer

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// Disclosure says how much of the payload a receipt gives away.
type Disclosure int

// The disclosures. Giving the salt lets the holder test guesses of the payload; giving the payload tells it.
const (
	DiscloseNothing Disclosure = iota
	DiscloseSalt
	DisclosePayload
)

// Receipt returns the receipt's file of a record. While the record is not anchored it returns plinth.ErrConflict.
func (s *Sequencer) Receipt(ctx context.Context, id uuid.UUID, d Disclosure) ([]byte, error) {
	o, index, err := s.store.Locate(ctx, id)
	if err != nil {
		return nil, err
	}
	a, err := s.covering(ctx, o, index)
	if errors.Is(err, plinth.ErrNotFound) {
		return nil, plinth.Errorf(plinth.ErrConflict, "%w", errNotAnchored)
	}
	if err != nil {
		return nil, err
	}
	l, err := s.Log(o)
	if err != nil {
		return nil, err
	}
	r := ledger.Receipt{Index: index, Checkpoint: a.Note, Attestation: a.Attestation}
	if r.Entry, err = l.Entry(index); err != nil {
		return nil, err
	}
	if r.Path, err = l.ProveRecord(a.Size, index); err != nil {
		return nil, err
	}
	if err := s.disclose(ctx, &r, id, d); err != nil {
		return nil, err
	}
	return r.Encode()
}

func (s *Sequencer) disclose(ctx context.Context, r *ledger.Receipt, id uuid.UUID, d Disclosure) error {
	if d == DiscloseNothing {
		return nil
	}
	record, err := s.store.Record(ctx, id)
	if err != nil {
		return err
	}
	if r.Salt, err = s.keys.Salt(record); err != nil {
		return err
	}
	if d == DisclosePayload {
		r.Payload = record.Payload
	}
	return nil
}
