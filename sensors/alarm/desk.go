package alarm

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"plinth"
	"plinth/ledger"
)

// Store keeps alarms. A change is durable, with its ledger record, when its method returns; many goroutines may use it.
// ErrNotFound means that there is no such alarm.
type Store interface {
	Alarm(ctx context.Context, id ID) (Alarm, []Step, error)
	// Alarms lists newest raised first, with how many there are in all.
	Alarms(ctx context.Context, f Filter) ([]Alarm, int, error)
	AlarmCounts(ctx context.Context, f Filter, now time.Time) (Counts, error)
	// MoveAlarm writes what a person did; ErrConflict when the alarm is no longer in the state from.
	MoveAlarm(ctx context.Context, a Alarm, from State, s Step, rec ledger.Record) error
}

// Desk is where people acknowledge and handle alarms.
type Desk struct {
	store Store
	now   func() time.Time
}

// NewDesk returns the desk over a store.
func NewDesk(s Store, now func() time.Time) *Desk { return &Desk{s, now} }

// readers may see alarms: they tell of homes.
var readers = []plinth.Role{plinth.RoleOperator, plinth.RoleProvider, plinth.RoleSteward, plinth.RoleSecurity, plinth.RoleAuditor}

// Alarm returns an alarm and its life.
func (d *Desk) Alarm(ctx context.Context, p plinth.Principal, id ID) (Alarm, []Step, error) {
	if err := p.Need(readers...); err != nil {
		return Alarm{}, nil, err
	}
	return d.store.Alarm(ctx, id)
}

// Alarms lists alarms, those raised last first, with how many there are in all.
func (d *Desk) Alarms(ctx context.Context, p plinth.Principal, f Filter) ([]Alarm, int, error) {
	if err := p.Need(readers...); err != nil {
		return nil, 0, err
	}
	if err := f.Validate(); err != nil {
		return nil, 0, err
	}
	return d.store.Alarms(ctx, f)
}

// Counts counts alarms.
func (d *Desk) Counts(ctx context.Context, p plinth.Principal, f Filter) (Counts, error) {
	if err := p.Need(readers...); err != nil {
		return Counts{}, err
	}
	if err := f.Validate(); err != nil {
		return Counts{}, err
	}
	return d.store.AlarmCounts(ctx, f, d.now())
}

// steps of an alarm's life among people, by action and the state it starts from.
var steps = map[string]map[State]State{
	"acknowledge": {Open: Acknowledged},
	"handle":      {Open: Handled, Acknowledged: Handled},
	"reopen":      {Handled: Acknowledged},
}

// Actions are what p may do with the alarm now: operators, and providers of the unit that must answer or of the owner.
func (a *Alarm) Actions(p plinth.Principal) []string {
	if !a.answers(p) {
		return nil
	}
	var out []string
	for _, action := range []string{"acknowledge", "handle", "reopen"} {
		if _, ok := steps[action][a.State]; ok {
			out = append(out, action)
		}
	}
	return out
}

func (a *Alarm) answers(p plinth.Principal) bool {
	own := p.Department != "" && (p.Department == a.Unit || p.Department == a.Owner)
	return p.Has(plinth.RoleOperator) || own && p.Has(plinth.RoleProvider)
}

// Acknowledge says that p has seen an open alarm.
func (d *Desk) Acknowledge(ctx context.Context, p plinth.Principal, id ID, note string) (Alarm, error) {
	return d.move(ctx, p, id, "acknowledge", "acknowledged", note, func(a *Alarm, now time.Time) {
		a.Acknowledger, a.AcknowledgedAt = p.Account, now
	})
}

// Handle says what was found. What was not real needs a note.
func (d *Desk) Handle(ctx context.Context, p plinth.Principal, id ID, o Outcome, note string) (Alarm, error) {
	known := false
	for _, have := range Outcomes {
		known = known || o == have
	}
	switch {
	case !known:
		return Alarm{}, plinth.Invalid("outcome", "%.40q is not one of %v", o, Outcomes)
	case o != Real && strings.TrimSpace(note) == "":
		return Alarm{}, plinth.Invalid("note", "say how it was found to be %s", o)
	}
	return d.move(ctx, p, id, "handle", "handled", note, func(a *Alarm, now time.Time) {
		a.Handler, a.HandledAt, a.Outcome, a.Note = p.Account, now, o, note
	})
}

// Reopen takes back what was said of a handled alarm.
func (d *Desk) Reopen(ctx context.Context, p plinth.Principal, id ID, note string) (Alarm, error) {
	if strings.TrimSpace(note) == "" {
		return Alarm{}, plinth.Invalid("note", "say why it is opened again")
	}
	return d.move(ctx, p, id, "reopen", "reopened", note, func(a *Alarm, now time.Time) {
		a.Acknowledger, a.AcknowledgedAt = p.Account, now
		a.Handler, a.HandledAt, a.Outcome, a.Note = "", time.Time{}, "", ""
	})
}

const maxNote = 2000

func (d *Desk) move(ctx context.Context, p plinth.Principal, id ID, action, done, note string, set func(*Alarm, time.Time)) (Alarm, error) {
	if len(note) > maxNote || !utf8.ValidString(note) {
		return Alarm{}, plinth.Invalid("note", "at most %d bytes of UTF-8", maxNote)
	}
	if err := p.Need(plinth.RoleOperator, plinth.RoleProvider); err != nil {
		return Alarm{}, err
	}
	a, _, err := d.store.Alarm(ctx, id)
	if err != nil {
		return a, err
	}
	if !a.answers(p) {
		return a, plinth.Errorf(plinth.ErrDenied, "operators, and the unit that must answer or the owner, handle this alarm")
	}
	from := a.State
	to, ok := steps[action][from]
	if !ok {
		return a, plinth.Errorf(plinth.ErrConflict, "an alarm that is %s cannot be %s", from, done)
	}
	now := d.now().UTC().Truncate(time.Microsecond)
	a.State = to
	set(&a, now)
	rec := record(&a, done, p.Department, now, note)
	a.Record = rec.ID
	s := Step{At: now, Action: done, Actor: p.Account, Grade: a.Grade, Note: note, Record: rec.ID}
	if err := d.store.MoveAlarm(ctx, a, from, s, rec); err != nil {
		return a, err
	}
	a.Evidence = ""
	return a, nil
}
