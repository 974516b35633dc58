// Package ledger is what an auditor must trust: the record, the entry, the leaf, the checkpoint, the receipt and
// their verification. It is pure: no I/O, no clock, no database. The service that writes the log is ledger/sequencer,
// the chain is reached by ledger/fabric.
package ledger

import (
	"time"

	"github.com/google/uuid"
)

// Origin names one log. The checkpoint's first line is the origin's name under the deployment's prefix.
type Origin string

// The two logs of a deployment.
const (
	Authz  Origin = "authz"  // registration, authorisation, sharing, demand and risk steps
	Device Origin = "device" // segments of readings
)

// Relation says how a record's entity came to be (W3C PROV-O).
type Relation string

// The relations of PROV-O that records use.
const (
	Generated   Relation = "wasGeneratedBy"
	Used        Relation = "used"
	Derived     Relation = "wasDerivedFrom"
	Attributed  Relation = "wasAttributedTo"
	Invalidated Relation = "wasInvalidatedBy"
)

// Record is a fact for the log, written by a room in the transaction of the fact itself. The sequencer makes the
// entry of it. Payload is stored verbatim and never leaves the house; the entry commits to it with a salt.
type Record struct {
	ID         uuid.UUID // chosen by the writer; a second record of the same ID is the same record
	Origin     Origin
	Kind       string // "object.verb", e.g. "grant.created"; at most 48 bytes
	Org        string // the organisation that acts, e.g. the department's id
	Subject    string // what it is about, e.g. "dataset:ds_1"; numbered without gaps per subject
	Case       string // the procedure that it is a step of, e.g. "request:rq_1"; "" when none. Steps go on the chain too
	From, To   time.Time
	Count      uint64 // facts covered: 1, or a segment's readings
	Payload    []byte
	Relation   Relation
	Inputs     []uuid.UUID // records this one was made from
	Supersedes uuid.UUID   // zero when none

	// What the store adds when a record is read; writers leave both empty.
	Salt     []byte // opens the entry's commitment; nil when it derives from the deployment's key, as it did before
	Shredded bool   // the subject's key was destroyed: payload and salt are gone for good
}
