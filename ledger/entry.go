package ledger

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxEntry is the most bytes that an entry has. Every valid Record fits.
const MaxEntry = 256

const entryVersion = 1

// Entry is the public side of a record: what the log's leaves are hashes of. It says who did what kind of thing when
// and in which order, and commits to the payload without telling it.
type Entry struct {
	ID         uuid.UUID
	Kind       string
	Org        string
	Tag        Tag    // the subject, for those who hold the tenant key
	Seq        uint64 // position among the entries of the subject, from 1: gaps show
	Prev       int64  // index of the subject's entry before; -1 when Seq is 1
	From, To   time.Time
	Count      uint64
	Commitment Commitment
	Relation   Relation
	Inputs     []uuid.UUID
	InputsRoot tlog.Hash // RFC 6962 root over the inputs' ids, used in their place when they do not fit
	Supersedes uuid.UUID
	Case       Tag // the case that it is a step of, under the tenant key; zero when none
}

// wireEntry is the entry's CBOR map. Keys are never used again for another meaning; 14 was kept for the transaction
// of a step that is also on the chain, which comes after the entry and names it instead.
type wireEntry struct {
	Version    uint8    `cbor:"1,keyasint"`
	Kind       string   `cbor:"2,keyasint"`
	ID         []byte   `cbor:"3,keyasint"`
	Org        string   `cbor:"4,keyasint"`
	Tag        []byte   `cbor:"5,keyasint"`
	Seq        uint64   `cbor:"6,keyasint"`
	Prev       *int64   `cbor:"7,keyasint,omitempty"`
	From       int64    `cbor:"8,keyasint"` // milliseconds since 1970, UTC
	To         int64    `cbor:"9,keyasint"`
	Count      uint64   `cbor:"10,keyasint"`
	Commitment []byte   `cbor:"11,keyasint"`
	Inputs     [][]byte `cbor:"12,keyasint,omitempty"`
	Relation   uint8    `cbor:"13,keyasint,omitempty"`
	Supersedes []byte   `cbor:"15,keyasint,omitempty"`
	InputsRoot []byte   `cbor:"16,keyasint,omitempty"`
	Case       []byte   `cbor:"17,keyasint,omitempty"`
}

// relations are numbered by their place; 0 is none.
var relations = []Relation{"", Generated, Used, Derived, Attributed, Invalidated}

// Encode returns the entry's bytes. When inputs make it too long their root takes their place.
func (e Entry) Encode() ([]byte, error) {
	w := e.wire()
	b, err := encoding.Marshal(w)
	if err == nil && len(b) > MaxEntry && len(e.Inputs) > 0 {
		root := InputsRoot(e.Inputs)
		w.Inputs, w.InputsRoot = nil, root[:]
		b, err = encoding.Marshal(w)
	}
	if err != nil {
		return nil, fmt.Errorf("entry %s: %w", e.ID, err)
	}
	if _, err := ParseEntry(b); err != nil {
		return nil, fmt.Errorf("entry %s: %w", e.ID, err)
	}
	return b, nil
}

func (e Entry) wire() wireEntry {
	w := wireEntry{
		Version: entryVersion, Kind: e.Kind, ID: e.ID[:], Org: e.Org, Tag: e.Tag[:], Seq: e.Seq,
		From: e.From.UnixMilli(), To: e.To.UnixMilli(), Count: e.Count, Commitment: e.Commitment[:],
		Relation: uint8(max(0, slices.Index(relations, e.Relation))),
	}
	if e.Prev >= 0 {
		w.Prev = &e.Prev
	}
	for _, id := range e.Inputs {
		w.Inputs = append(w.Inputs, id[:])
	}
	if e.Supersedes != uuid.Nil {
		w.Supersedes = e.Supersedes[:]
	}
	if e.InputsRoot != (tlog.Hash{}) {
		w.InputsRoot = e.InputsRoot[:]
	}
	if e.Case != (Tag{}) {
		w.Case = e.Case[:]
	}
	return w
}

// ParseEntry reads an entry and refuses any bytes that Encode would not write.
func ParseEntry(b []byte) (Entry, error) {
	if len(b) > MaxEntry {
		return Entry{}, fmt.Errorf("entry has %d bytes, at most %d are allowed", len(b), MaxEntry)
	}
	var w wireEntry
	if err := decode(b, &w); err != nil {
		return Entry{}, fmt.Errorf("entry: %w", err)
	}
	if err := w.check(); err != nil {
		return Entry{}, fmt.Errorf("entry: %w", err)
	}
	return w.entry(), nil
}

func (w wireEntry) check() error {
	for _, f := range []struct {
		bad  bool
		rule string
	}{
		{w.Version != entryVersion, "version is not 1"},
		{!validKind(w.Kind), "kind is not object.verb"},
		{len(w.ID) != 16 || uuid.UUID(w.ID) == uuid.Nil, "record id is not 16 bytes, or zero"},
		{!validOrg(w.Org), "organisation is not valid"},
		{len(w.Tag) != len(Tag{}), "subject tag is not 16 bytes"},
		{w.Seq == 0 || w.Seq > maxCount, "sequence is out of range"},
		{(w.Seq == 1) != (w.Prev == nil), "previous index does not fit the sequence"},
		{w.Prev != nil && *w.Prev < 0, "previous index is negative"},
		{w.From < 0 || w.To < w.From || w.To > maxMilli, "time range is not valid"},
		{w.Count == 0 || w.Count > maxCount, "count is out of range"},
		{len(w.Commitment) != len(Commitment{}), "commitment is not 32 bytes"},
		{int(w.Relation) >= len(relations), "relation is not known"},
		{w.Supersedes != nil && len(w.Supersedes) != 16, "superseded id is not 16 bytes"},
		{w.Case != nil && (len(w.Case) != len(Tag{}) || Tag(w.Case) == Tag{}), "case tag is not 16 bytes, or zero"},
		{w.InputsRoot != nil && len(w.InputsRoot) != tlog.HashSize, "root of inputs is not 32 bytes"},
		{w.InputsRoot != nil && w.Inputs != nil, "inputs are given twice"},
		{slices.ContainsFunc(w.Inputs, func(id []byte) bool { return len(id) != 16 }), "input id is not 16 bytes"},
	} {
		if f.bad {
			return fmt.Errorf("%s", f.rule)
		}
	}
	return nil
}

func (w wireEntry) entry() Entry {
	e := Entry{
		ID: uuid.UUID(w.ID), Kind: w.Kind, Org: w.Org, Tag: Tag(w.Tag), Seq: w.Seq, Prev: -1,
		From: time.UnixMilli(w.From).UTC(), To: time.UnixMilli(w.To).UTC(), Count: w.Count,
		Commitment: Commitment(w.Commitment), Relation: relations[w.Relation],
	}
	if w.Prev != nil {
		e.Prev = *w.Prev
	}
	for _, id := range w.Inputs {
		e.Inputs = append(e.Inputs, uuid.UUID(id))
	}
	if w.Supersedes != nil {
		e.Supersedes = uuid.UUID(w.Supersedes)
	}
	if w.InputsRoot != nil {
		e.InputsRoot = tlog.Hash(w.InputsRoot)
	}
	if w.Case != nil {
		e.Case = Tag(w.Case)
	}
	return e
}

// Leaf returns the leaf hash of an entry's bytes (RFC 6962 §2.1).
func Leaf(entry []byte) tlog.Hash { return tlog.RecordHash(entry) }

// InputsRoot returns the RFC 6962 root over the ids, in their order; zero for none.
func InputsRoot(ids []uuid.UUID) tlog.Hash {
	if len(ids) == 0 {
		return tlog.Hash{}
	}
	if len(ids) == 1 {
		return tlog.RecordHash(ids[0][:])
	}
	half := 1
	for half*2 < len(ids) {
		half *= 2
	}
	return tlog.NodeHash(InputsRoot(ids[:half]), InputsRoot(ids[half:]))
}
