package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
)

// Step is one step of a case as it stands on the chain by itself: the contract refuses a step that the case's order
// does not allow, so that a grant cannot be there before its approval, nor be used after its revocation. The record is
// sealed in a log first; the step names its place there.
type Step struct {
	Case   Tag       // SubjectTag of the record's case
	Seq    uint64    // position in the case, from 1 without a gap
	Kind   string    // the record's kind, e.g. "grant.created"
	Record uuid.UUID // a record is a step once
	Origin string    // the log's origin line, e.g. "putuo.plinth/authz"
	Index  int64     // of the record's entry in that log
	Leaf   tlog.Hash // of the entry
}

// MaxStep is the most bytes that a step's text has.
const MaxStep = 600

// maxOriginLine bounds a log's origin line, as the contract does.
const maxOriginLine = 200

// String returns the step's text: seven lines, each ended by a newline. It is what the contract takes and keeps.
func (s Step) String() string {
	return fmt.Sprintf("%x\n%d\n%s\n%s\n%s\n%d\n%s\n", s.Case[:], s.Seq, s.Kind, s.Record, s.Origin, s.Index, s.Leaf)
}

// Validate tells whether the step can be one at all; its order is NextState's to judge.
func (s Step) Validate() error {
	switch {
	case s.Case == Tag{}:
		return errors.New("step: names no case")
	case s.Seq == 0:
		return errors.New("step: seq counts from 1")
	case !validKind(s.Kind):
		return fmt.Errorf("step: kind: want words of small letters joined by dots, at most %d bytes", MaxKind)
	case s.Record == uuid.Nil:
		return errors.New("step: names no record")
	case s.Origin == "" || len(s.Origin) > maxOriginLine || strings.Contains(s.Origin, "\n"):
		return fmt.Errorf("step: origin: want 1 to %d bytes on one line", maxOriginLine)
	case s.Index < 0:
		return errors.New("step: index is below 0")
	}
	return nil
}

// ParseStep reads the text that String writes of a valid step, and refuses every other form.
func ParseStep(text string) (Step, error) {
	lines := strings.Split(text, "\n")
	if len(text) > MaxStep || len(lines) != 8 {
		return Step{}, fmt.Errorf("step: want seven lines and at most %d bytes", MaxStep)
	}
	tag, tagErr := ParseTag(lines[0])
	seq, seqErr := strconv.ParseUint(lines[1], 10, 64)
	record, recordErr := uuid.Parse(lines[3])
	index, indexErr := parseSize(lines[5])
	leaf, leafErr := parseHash(lines[6])
	if err := errors.Join(tagErr, seqErr, recordErr, indexErr, leafErr); err != nil {
		return Step{}, fmt.Errorf("step: %w", err)
	}
	s := Step{Case: tag, Seq: seq, Kind: lines[2], Record: record, Origin: lines[4], Index: index, Leaf: leaf}
	if s.String() != text {
		return Step{}, errors.New("step: not in its one canonical form")
	}
	return s, s.Validate()
}

// String returns the tag in hex.
func (t Tag) String() string { return hex.EncodeToString(t[:]) }

// ParseTag reads a tag in lower-case hex.
func ParseTag(s string) (Tag, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Tag{}) || hex.EncodeToString(b) != s {
		return Tag{}, fmt.Errorf("tag: want %d lower-case hex digits", 2*len(Tag{}))
	}
	return Tag(b), nil
}

// CaseDigest sums up a case's steps in their order: SHA-256 over the digest before and the step, zero before the
// first. Whoever holds the records of a case computes it and sees whether the attested one is the same.
type CaseDigest [sha256.Size]byte

// caseDomain keeps a digest's input from being anything else's.
const caseDomain = "plinth-case/v1\n"

// Add returns the digest with one more step: SHA-256(caseDomain, digest before, length of kind in one byte, kind,
// record id, leaf).
func (d CaseDigest) Add(s Step) CaseDigest {
	h := sha256.New()
	h.Write([]byte(caseDomain))
	h.Write(d[:])
	h.Write([]byte{byte(len(s.Kind))})
	h.Write([]byte(s.Kind))
	h.Write(s.Record[:])
	h.Write(s.Leaf[:])
	return CaseDigest(h.Sum(nil))
}

// String returns the digest in base64.
func (d CaseDigest) String() string { return tlog.Hash(d).String() }

// Keys of the chain's state that concern cases and records.

// CaseKey is where the contract keeps how a case stands: AttestCase reads it and nothing else.
func CaseKey(c Tag) string { return "case/" + c.String() }

// StepKey is where the contract keeps one step, written once.
func StepKey(c Tag, seq uint64) string { return fmt.Sprintf("step/%s/%08d", c, seq) }

// StatusKey is where the contract keeps what became of a record.
func StatusKey(record uuid.UUID) string { return "status/" + hex.EncodeToString(record[:]) }

// RedactionKey is where the contract notes that a record's payload was shredded.
func RedactionKey(record uuid.UUID) string { return "red/" + hex.EncodeToString(record[:]) }

// StepOfKey is where the contract notes which step a record is, so that it is none twice.
func StepOfKey(record uuid.UUID) string { return "stepof/" + hex.EncodeToString(record[:]) }
