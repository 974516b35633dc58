package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// Case is all that a decision about one dataset looks at, read under lock.
type Case struct {
	Dataset   Dataset       // with the published content; its Content is empty while there is none
	Open      *Registration // under way, or nil
	Proposal  Content       // of Open
	LastStep  uuid.UUID     // the record of the dataset's newest step, zero when none
	Published uuid.UUID     // the record that published the revision in force, zero when none
	Rules     Rules         // in force now
	Calendar  Calendar
	Now       time.Time
}

// Outcome is what a decision changes. The store writes it and its record in one transaction, or nothing.
type Outcome struct {
	Open     Registration // as it stands after the step
	Proposal *Content     // the proposal, when it changed
	Publish  bool         // the proposal becomes the published revision, and the dataset gets a code if it has none
	Cancel   bool         // the dataset leaves the catalogue
	Valid    time.Time    // until when a published revision is registered
	State    State        // of the dataset; "" leaves it
	Event    *Event       // nil for a mere edit of a draft
}

// Event is one step of history and the record that proves it.
type Event struct {
	At     time.Time
	Actor  plinth.Principal
	Action string
	Note   string
	Record ledger.Record
}

// Act decides one action of p on the registration under way.
func (c Case) Act(p plinth.Principal, scope Scope, a Action, note string) (Outcome, error) {
	m, err := c.Open.find(a)
	if err != nil {
		return Outcome{}, err
	}
	if err := scope.admits(p, m, *c.Open); err != nil {
		return Outcome{}, err
	}
	if err := checkNote(m, note); err != nil {
		return Outcome{}, err
	}
	out := Outcome{Open: *c.Open}
	out.Open.State, out.Open.UpdatedAt = m.to, c.Now
	if err := c.enter(&out, p, m); err != nil {
		return Outcome{}, err
	}
	if err := c.wind(&out.Open, m); err != nil {
		return Outcome{}, err
	}
	if c.Dataset.Revision == 0 {
		out.State = m.to
		if m.to == Withdrawn {
			out.State = Draft
		}
	}
	out.Event, err = c.event(p, m.event, note, out)
	return out, err
}

func checkNote(m move, note string) error {
	if m.note && strings.TrimSpace(note) == "" {
		return plinth.Invalid("note", "must say why")
	}
	if utf8.RuneCountInString(note) > 2000 {
		return plinth.Invalid("note", "must have at most 2000 characters")
	}
	return nil
}

// enter does what belongs to the action itself.
func (c Case) enter(out *Outcome, p plinth.Principal, m move) error {
	switch m.action {
	case Submit:
		return c.submit(out, p)
	case Register:
		return c.register(out)
	}
	return nil
}

// submit freezes the rules of the day for the whole life of the registration.
func (c Case) submit(out *Outcome, p plinth.Principal) error {
	if out.Open.Kind != Cancellation {
		if err := c.Proposal.Complete(); err != nil {
			return err
		}
		if c.Dataset.Revision > 0 && len(Diff(c.Dataset.Content, c.Proposal)) == 0 {
			return plinth.Errorf(plinth.ErrConflict, "the proposal is the same as what is published")
		}
	}
	out.Open.Submitter = p.Account
	if len(out.Open.Rules) == 0 {
		out.Open.Rules = c.Rules
	}
	return nil
}

// register publishes, when the public notice has run out.
func (c Case) register(out *Outcome) error {
	if due := c.Open.DueAt; c.Now.Before(due) {
		return plinth.Errorf(plinth.ErrConflict, "the public notice runs until %s", due.In(Shanghai).Format("2006-01-02 15:04"))
	}
	if c.Open.Kind == Cancellation {
		out.Cancel, out.State = true, Cancelled
		return nil
	}
	years, err := c.Open.Rules.Need(RuleValidity)
	if err != nil {
		return err
	}
	out.Publish, out.State, out.Valid = true, Registered, c.Now.AddDate(years, 0, 0)
	return nil
}

// wind sets the clock of the new state by the rule in force at submission.
func (c Case) wind(r *Registration, m move) error {
	if m.stop {
		r.DueAt = time.Time{}
		return nil
	}
	if m.clock == "" {
		return nil
	}
	days, err := r.Rules.Need(m.clock)
	if err != nil {
		return err
	}
	r.DueAt = c.Calendar.Due(c.Now, days)
	return nil
}

// Open decides a new registration of the dataset with a proposal.
func (c Case) OpenNew(p plinth.Principal, kind Kind, proposal Content, note string) (Outcome, error) {
	if c.Open != nil {
		return Outcome{}, plinth.Errorf(plinth.ErrConflict, "the registration %s is under way and %s", c.Open.ID, c.Open.State)
	}
	if (kind == Initial) != (c.Dataset.Revision == 0) || c.Dataset.State == Cancelled {
		return Outcome{}, plinth.Errorf(plinth.ErrConflict, "a dataset that is %s cannot open a registration of kind %s", c.Dataset.State, kind)
	}
	out := Outcome{Proposal: &proposal, Open: Registration{ID: plinth.RegistrationID(plinth.NewID("rg")), Dataset: c.Dataset.ID,
		Kind: kind, State: Draft, Publisher: proposal.Publisher, CreatedAt: c.Now, UpdatedAt: c.Now}}
	if c.Dataset.Revision == 0 {
		out.State = Draft
	}
	var err error
	c.Proposal = proposal
	out.Event, err = c.event(p, "registration.opened", note, out)
	return out, err
}

// Edit decides a change of the proposal of the registration under way. A draft's edits are not steps: what counts is
// what is submitted.
func (c Case) Edit(proposal Content) (Outcome, error) {
	if !c.Open.State.Editable() || c.Open.Kind == Cancellation {
		return Outcome{}, plinth.Errorf(plinth.ErrConflict, "the registration is %s; its proposal cannot change now", c.Open.State)
	}
	out := Outcome{Open: *c.Open, Proposal: &proposal}
	out.Open.UpdatedAt, out.Open.Publisher = c.Now, proposal.Publisher
	return out, nil
}

// fact is what a step's record says. Its JSON is the payload, byte for byte.
type fact struct {
	Dataset      plinth.DatasetID      `json:"dataset"`
	Registration plinth.RegistrationID `json:"registration"`
	Kind         Kind                  `json:"kind"`
	Action       string                `json:"action"`
	From         State                 `json:"from,omitempty"`
	To           State                 `json:"to"`
	Actor        plinth.AccountID      `json:"actor"`
	Department   plinth.AgentID        `json:"department"`
	At           time.Time             `json:"at"`
	Note         string                `json:"note,omitempty"`
	Content      string                `json:"content_sha256"`
}

// event makes the step's line of history and its record.
func (c Case) event(p plinth.Principal, action, note string, out Outcome) (*Event, error) {
	f := fact{Dataset: c.Dataset.ID, Registration: out.Open.ID, Kind: out.Open.Kind, Action: action, To: out.Open.State,
		Actor: p.Account, Department: p.Department, At: c.Now.UTC(), Note: note, Content: c.Proposal.Digest()}
	if c.Open != nil {
		f.From = c.Open.State
	}
	payload, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", action, err)
	}
	about := "dataset:" + string(c.Dataset.ID)
	r := ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: action, Org: string(p.Department), Subject: about, Case: about,
		From: c.Now, To: c.Now, Count: 1, Payload: payload, Relation: ledger.Generated}
	if c.LastStep != uuid.Nil {
		r.Inputs, r.Relation = []uuid.UUID{c.LastStep}, ledger.Derived
	}
	if out.Publish || out.Cancel {
		r.Supersedes = c.Published
	}
	if out.Cancel {
		r.Relation = ledger.Invalidated
	}
	return &Event{At: c.Now, Actor: p, Action: action, Note: note, Record: r}, nil
}

// Digest is the SHA-256 of the content's JSON, in hex: Go writes a struct's fields in one order.
func (c Content) Digest() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and lists of strings always marshal
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
