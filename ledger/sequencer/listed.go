package sequencer

import (
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// State is how far a record has come.
type State string

// The states, in their order.
const (
	StatePending  State = "pending"  // committed with its fact, not in the log yet
	StateSealed   State = "sealed"   // in the log, under a signed checkpoint
	StateAnchored State = "anchored" // under a checkpoint that the organisations attest: there is a receipt
)

// Listed is a record as lists show it: everything but the payload. Index, Seq and Leaf are set once it is sealed, the
// fields after them once it is anchored.
type Listed struct {
	N       int64 // its place in the outbox, the key of pages
	ID      uuid.UUID
	Origin  ledger.Origin
	Kind    string
	Org     string
	Subject string
	Case    string    // the procedure that it is a step of; "" for none
	At      time.Time // the end of the time that it covers
	State   State
	Index   int64
	Seq     uint64
	Leaf    tlog.Hash
	Size    int64 // of the checkpoint that its receipt uses
	TxID    string
	Block   uint64
	// ErasedBy is the record that tells of the erasure of the payload; nil while there is a payload.
	ErasedBy uuid.NullUUID
}

// Filter chooses records; empty fields choose all.
type Filter struct {
	Origin  ledger.Origin
	Kind    string
	Subject string
	State   State
	Org     string
	Case    string
	ID      uuid.UUID
	From    time.Time // their time is not before
	To      time.Time // and before
}

// LogState is one log as the database shows it.
type LogState struct {
	Origin   ledger.Origin
	Sealed   ledger.Checkpoint
	Pending  int64
	Anchored int64 // size of the newest attested checkpoint
	TxID     string
	Block    uint64
	At       time.Time
	Oldest   time.Time // when the oldest record was written that no attested checkpoint covers; zero when all are covered
}
