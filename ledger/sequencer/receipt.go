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

// Form is one of the forms of a receipt. Each proves the same.
type Form string

// The forms.
const (
	FormText      Form = ""          // C2SP tlog-proof
	FormReference Form = "reference" // the same with certificates by reference
	FormCOSE      Form = "cose"      // RFC 9942
)

// Wanted says what a receipt shall look like and give away.
type Wanted struct {
	Form       Form
	Disclosure Disclosure
	Fields     []string // open these fields of the payload and withhold the others; with DiscloseNothing alone
}

// Receipt returns the receipt's file of a record. While the record is not anchored it returns plinth.ErrConflict.
func (s *Sequencer) Receipt(ctx context.Context, id uuid.UUID, d Disclosure) ([]byte, error) {
	return s.ReceiptAs(ctx, id, Wanted{Disclosure: d})
}

// ReceiptAs returns the receipt's file of a record as it is wanted. While the record is not anchored it returns
// plinth.ErrConflict.
func (s *Sequencer) ReceiptAs(ctx context.Context, id uuid.UUID, w Wanted) ([]byte, error) {
	o, index, err := s.store.Locate(ctx, id)
	if err != nil {
		return nil, err
	}
	l, err := s.Log(o)
	if err != nil {
		return nil, err
	}
	a, second, err := s.coveringBoth(ctx, l, o, index)
	if errors.Is(err, plinth.ErrNotFound) {
		return nil, plinth.Errorf(plinth.ErrConflict, "%w", errNotAnchored)
	}
	if err != nil {
		return nil, err
	}
	r := ledger.Receipt{Index: index, Checkpoint: a.Note, Attestation: a.Attestation, Timestamp: a.Timestamp}
	if r.Entry, err = l.Entry(index); err != nil {
		return nil, err
	}
	if r.Path, err = l.ProveRecord(a.Size, index); err != nil {
		return nil, err
	}
	if second != nil {
		if r.Twin, err = l.twinProof(*second, index); err != nil {
			return nil, err
		}
	}
	if err := s.disclose(ctx, &r, id, w.Disclosure); err != nil {
		return nil, err
	}
	if err := s.open(ctx, &r, id, w.Fields); err != nil {
		return nil, err
	}
	return l.encode(r, w.Form)
}

// encode writes a receipt of the log in a form.
func (l *Log) encode(r ledger.Receipt, f Form) ([]byte, error) {
	switch f {
	case FormText:
		return r.Encode()
	case FormReference:
		return r.EncodeByReference()
	case FormCOSE:
		signer, err := l.main.keys.at(l.size())
		if err != nil {
			return nil, err
		}
		return r.COSE(signer)
	}
	return nil, plinth.Invalid("form", "must be cose or reference")
}

// open opens the named fields of a payload that was committed to as a document.
func (s *Sequencer) open(ctx context.Context, r *ledger.Receipt, id uuid.UUID, names []string) error {
	if len(names) == 0 {
		return nil
	}
	whole := ledger.Receipt{}
	if err := s.disclose(ctx, &whole, id, DisclosePayload); err != nil {
		return err
	}
	d, err := ledger.ParseDocument(whole.Payload)
	if err != nil {
		return plinth.Invalid("field", "the record's payload has no fields")
	}
	o, err := d.OpenFields(whole.Salt, names...)
	if err != nil {
		return plinth.Invalid("field", "%v", err)
	}
	e, err := ledger.ParseEntry(r.Entry)
	if err != nil {
		return err
	}
	if _, err := ledger.VerifyFields(e.Commitment, o); err != nil {
		return plinth.Invalid("field", "the record commits to its payload as a whole")
	}
	r.Openings = &o
	return nil
}

// BatchReceipt returns the batch receipt's file of a tile: all its entries that are anchored. A tile that is full and
// anchored has one checkpoint for good. While none of it is anchored it returns plinth.ErrConflict, and
// plinth.ErrNotFound where the log has no such tile.
func (s *Sequencer) BatchReceipt(ctx context.Context, o ledger.Origin, tile int64) ([]byte, error) {
	l, err := s.Log(o)
	if err != nil {
		return nil, err
	}
	if tile < 0 || tile > l.size()/tileWidth || tile*tileWidth >= l.size() {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no such tile")
	}
	first := tile * tileWidth
	a, err := s.covering(ctx, o, first+tileWidth-1)
	if errors.Is(err, plinth.ErrNotFound) {
		a, err = s.store.Newest(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	if a.Size <= first {
		return nil, plinth.Errorf(plinth.ErrConflict, "%w", errNotAnchored)
	}
	b, err := l.batch(first, min(tileWidth, a.Size-first), a.Size)
	if err != nil {
		return nil, err
	}
	b.Checkpoint, b.Attestation, b.Timestamp = a.Note, a.Attestation, a.Timestamp
	return b.Encode()
}

// batch reads a tile's leaves, entries and path under a size.
func (l *Log) batch(first, width, size int64) (ledger.Batch, error) {
	b := ledger.Batch{First: first, Entries: make(map[int64][]byte, width)}
	entries, err := l.Range(first, int(width))
	if err != nil {
		return b, err
	}
	for i, e := range entries {
		b.Entries[first+int64(i)] = e
	}
	if b.Leaves, err = l.Leaves(first, width); err != nil {
		return b, err
	}
	path, err := l.ProveRecord(size, first)
	b.Path = ledger.TilePath(path, int(width))
	return b, err
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

// Certificates returns the peers' certificates of all attestations, in DER, for receipts that refer to them.
func (s *Sequencer) Certificates(ctx context.Context) ([][]byte, error) {
	return s.store.Certificates(ctx)
}
