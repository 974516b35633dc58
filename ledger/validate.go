package ledger

import (
	"math"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"plinth"
)

// Limits of a record. They are chosen so that every valid record makes an entry of at most MaxEntry bytes.
const (
	MaxKind    = 30
	MaxOrg     = 30
	MaxSubject = 200
	MaxCase    = 64
	MaxInputs  = 1024
	MaxPayload = 1 << 20

	maxCount = math.MaxUint32
	maxMilli = 253402300799999 // the end of the year 9999
)

// Validate tells what makes the record unfit for the log, naming the field. A record is checked when it is written,
// in the transaction of its fact: the sequencer cannot refuse what is committed.
func (r Record) Validate() error {
	switch {
	case r.ID == uuid.Nil:
		return plinth.Invalid("id", "a record needs an id")
	case r.Origin != Authz && r.Origin != Device:
		return plinth.Invalid("origin", "there is no log %q", r.Origin)
	case !validKind(r.Kind):
		return plinth.Invalid("kind", "must be words of small letters joined by dots, at most %d bytes", MaxKind)
	case !validOrg(r.Org):
		return plinth.Invalid("org", "must be 1 to %d bytes of printable text without spaces", MaxOrg)
	case !validText(r.Subject, MaxSubject):
		return plinth.Invalid("subject", "must be 1 to %d bytes of printable text without spaces", MaxSubject)
	case r.Case != "" && (r.Origin != Authz || !validText(r.Case, MaxCase)):
		return plinth.Invalid("case", "must be 1 to %d bytes of printable text without spaces, in the log %s", MaxCase, Authz)
	case !validTime(r.From) || !validTime(r.To) || r.To.Before(r.From):
		return plinth.Invalid("from", "the time range must lie between 1970 and 9999 and not run backwards")
	case r.Count == 0 || r.Count > maxCount:
		return plinth.Invalid("count", "must be between 1 and %d", uint64(maxCount))
	case len(r.Payload) > MaxPayload:
		return plinth.Invalid("payload", "has %d bytes, at most %d are allowed", len(r.Payload), MaxPayload)
	case !slices.Contains(relations, r.Relation):
		return plinth.Invalid("relation", "is not one of %v", relations[1:])
	case len(r.Inputs) > MaxInputs:
		return plinth.Invalid("inputs", "has %d records, at most %d are allowed", len(r.Inputs), MaxInputs)
	}
	return nil
}

var kindForm = regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)+$`)

func validKind(s string) bool { return len(s) <= MaxKind && kindForm.MatchString(s) }

func validOrg(s string) bool { return validText(s, MaxOrg) }

func validText(s string, limit int) bool {
	if len(s) == 0 || len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if !unicode.IsPrint(c) || c == ' ' {
			return false
		}
	}
	return true
}

func validTime(t time.Time) bool { return t.UnixMilli() >= 0 && t.UnixMilli() <= maxMilli }
