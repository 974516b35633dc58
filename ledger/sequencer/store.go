package sequencer

import (
	"context"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// Outbox is where records wait, each committed with its fact.
type Outbox interface {
	// Pending returns the oldest records of a log that are not projected yet, at most limit, in the order in which
	// they were written. It never misses a record for good: one that commits late comes late.
	Pending(ctx context.Context, o ledger.Origin, limit int) ([]ledger.Record, error)
}

// Projection is the database's picture of the logs. It can be rebuilt from them and is never trusted over them.
type Projection interface {
	// Projected returns the checkpoint up to which the picture is complete; size 0 when there is none.
	Projected(ctx context.Context, o ledger.Origin) (ledger.Checkpoint, error)
	// Tails returns the newest entry of each of the subjects that has one.
	Tails(ctx context.Context, o ledger.Origin, subjects []ledger.Tag) (map[ledger.Tag]Tail, error)
	// Project adds the entries below the checkpoint and takes their records out of the outbox's queue, in one
	// transaction.
	Project(ctx context.Context, o ledger.Origin, to ledger.Checkpoint, at time.Time, rows []Row) error
}

// Anchors keeps what the organisations attested.
type Anchors interface {
	// Newest returns the newest attested checkpoint, or an Anchor of size 0.
	Newest(ctx context.Context, o ledger.Origin) (Anchor, error)
	// Covering returns the oldest attested checkpoint above an index, or plinth.ErrNotFound.
	Covering(ctx context.Context, o ledger.Origin, index int64) (Anchor, error)
	// SaveAnchor keeps an attested checkpoint; the same again changes nothing.
	SaveAnchor(ctx context.Context, o ledger.Origin, a Anchor) error
	// Unstamped returns the newest attested checkpoint without a time-stamp token, or plinth.ErrNotFound.
	Unstamped(ctx context.Context, o ledger.Origin) (Anchor, error)
	// SaveTimestamp keeps the token of an attested checkpoint; the first one stays.
	SaveTimestamp(ctx context.Context, o ledger.Origin, size int64, token []byte, at time.Time) error
	// Certificates returns the peers' certificates of all attestations, in DER.
	Certificates(ctx context.Context) ([][]byte, error)
}

// Records finds a record and its place for a receipt.
type Records interface {
	// Locate returns the log and index of a record, or plinth.ErrNotFound when it is unknown or not sealed yet.
	Locate(ctx context.Context, id uuid.UUID) (ledger.Origin, int64, error)
	// Record returns a record as it was written.
	Record(ctx context.Context, id uuid.UUID) (ledger.Record, error)
}

// Store is all that the sequencer keeps outside its files. Postgres implements it; it is safe for concurrent use.
type Store interface {
	Outbox
	Projection
	Anchors
	Records
	Steps
	Eraser
}

// Tail is a subject's newest entry.
type Tail struct {
	Seq   uint64
	Index int64
}

// Row is one entry in the projection.
type Row struct {
	Index int64
	Leaf  tlog.Hash
	ledger.Entry
}

// Anchor is a checkpoint that the organisations attest, and where it is on the chain.
type Anchor struct {
	ledger.Checkpoint
	Note        []byte
	Attestation ledger.Attestation
	Place       ledger.ChainPlace
	At          time.Time // when the attestation was stored
	Timestamp   []byte    // time-stamp token; nil while there is none
}
