package alarm

import (
	"context"
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"

	"plinth"
	"plinth/ledger"
)

// Permit allows at a site what would else be an alarm, for a while.
type Permit struct {
	ID           string // the number on it
	Kind         string // what it allows, e.g. "night_work"
	Site, Street string // the site as its devices name it
	From, To     time.Time
	Issuer       plinth.AgentID
	Revoked      bool
}

var permitKind = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// Validate tells what is wrong with p as ErrInvalid with the field.
func (p Permit) Validate() error {
	for field, s := range map[string]string{"id": p.ID, "site": p.Site} {
		if s == "" || utf8.RuneCountInString(s) > 200 || !utf8.ValidString(s) {
			return plinth.Invalid(field, "must be UTF-8 of 1 to 200 characters")
		}
	}
	switch {
	case !permitKind.MatchString(p.Kind):
		return plinth.Invalid("kind", "is 1 to 32 of a-z, 0-9 and _, and begins with a letter")
	case len(p.Street) > 200:
		return plinth.Invalid("street", "has more than 200 bytes")
	case p.From.Year() < 1970 || p.To.Year() > 2260 || !p.From.Before(p.To):
		return plinth.Invalid("from", "a permit begins before it ends, in the years 1970 to 2260")
	}
	return nil
}

// Covers tells whether p allows its kind at a moment.
func (p Permit) Covers(at time.Time) bool { return !p.Revoked && !at.Before(p.From) && at.Before(p.To) }

// PermitFilter narrows a list. Zero fields do not narrow.
type PermitFilter struct {
	Kind, Site string
	At         time.Time // in force then
	Offset     int
	Limit      int
}

// PermitStore keeps permits; a change is durable, with its ledger record, when it returns.
type PermitStore interface {
	// PutPermits adds or corrects permits, all or none, and tells how many of each. Those that stay as they are count as
	// neither. recs makes the record of one permit.
	PutPermits(ctx context.Context, ps []Permit, rec func(Permit) ledger.Record) (added, changed int, err error)
	// Permits lists those that end last first, with how many there are in all.
	Permits(ctx context.Context, f PermitFilter) ([]Permit, int, error)
}

// MaxPermits is the most permits put at once.
const MaxPermits = 1000

// PutPermits adds or corrects permits in the name of p.
func PutPermits(ctx context.Context, s PermitStore, p plinth.Principal, ps []Permit, now time.Time) (added, changed int, err error) {
	if err := p.Need(plinth.RoleOperator, plinth.RoleProvider); err != nil {
		return 0, 0, err
	}
	if len(ps) == 0 || len(ps) > MaxPermits {
		return 0, 0, plinth.Invalid("permits", "must be 1 to %d, are %d", MaxPermits, len(ps))
	}
	seen := map[string]bool{}
	for i := range ps {
		at := fmt.Sprintf("permits[%d].", i)
		if err := ps[i].Validate(); err != nil {
			e := err.(*plinth.Error)
			e.Field = at + e.Field
			return 0, 0, e
		}
		if seen[ps[i].ID] {
			return 0, 0, plinth.Invalid(at+"id", "stands twice")
		}
		seen[ps[i].ID] = true
		if ps[i].Issuer == "" {
			ps[i].Issuer = p.Department
		}
		ps[i].From, ps[i].To = ps[i].From.UTC().Truncate(time.Millisecond), ps[i].To.UTC().Truncate(time.Millisecond)
	}
	return s.PutPermits(ctx, ps, func(x Permit) ledger.Record { return permitRecord(x, p.Department, now) })
}
