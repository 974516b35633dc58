package security

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
	"plinth/policy"
)

// AlertState is where an alert stands.
type AlertState string

// The states of an alert.
const (
	AlertNew       AlertState = "new"
	AlertTriaged   AlertState = "triaged"
	AlertContained AlertState = "contained"
	AlertResolved  AlertState = "resolved"
)

// Alert says that a consumer's use of a dataset broke a risk rule on a day.
type Alert struct {
	ID         plinth.AlertID
	Rule       string
	Title      policy.Text
	Severity   int
	Consumer   plinth.AccountID
	Department plinth.AgentID
	Dataset    plinth.DatasetID
	Day        string
	At         time.Time
	State      AlertState
	HandledBy  plinth.AccountID
	Note       string
	Findings   []Finding
	Decisions  []plinth.DecisionID
	Record     uuid.UUID
	Evidence   string
}

// steps of an alert's life, by action and the state it starts from.
var steps = map[string]map[AlertState]AlertState{
	"triage":  {AlertNew: AlertTriaged},
	"contain": {AlertNew: AlertContained, AlertTriaged: AlertContained},
	"resolve": {AlertNew: AlertResolved, AlertTriaged: AlertResolved, AlertContained: AlertResolved},
	"reopen":  {AlertResolved: AlertTriaged},
}

// Actions are what p may do with the alert now. Nobody handles alerts about itself.
func (a Alert) Actions(p plinth.Principal) []string {
	if !p.Has(plinth.RoleSecurity) || p.Account == a.Consumer {
		return nil
	}
	var out []string
	for _, action := range []string{"triage", "contain", "resolve", "reopen"} {
		if _, ok := steps[action][a.State]; ok {
			out = append(out, action)
		}
	}
	return out
}

// AlertFilter narrows a list. Zero fields do not narrow.
type AlertFilter struct {
	policy.Page
	State    AlertState
	Consumer plinth.AccountID
}

// Alerts keeps alerts.
type Alerts interface {
	Alert(ctx context.Context, id plinth.AlertID) (Alert, error)
	Alerts(ctx context.Context, f AlertFilter) ([]Alert, int, error)
	// MoveAlert writes a new state; ErrConflict when the alert is not in the state from.
	MoveAlert(ctx context.Context, a Alert, from AlertState, rec ledger.Record) error
	Consumers(ctx context.Context, f policy.Page, day string) ([]Consumer, error)
}

// Consumer is one account that uses data, with its risk.
type Consumer struct {
	Account    plinth.AccountID
	Department plinth.AgentID
	Score      float64
	Band       string
	Contained  bool
	Queries    int64 // of the day
	Rows       int64
	Denied     int64
	Usual      int64 // median rows of a day of use before
	OpenAlerts int
}

// Cases carries alerts through their life.
type Cases struct {
	store interface {
		Alerts
		Scores
	}
	engine policy.Engine // sees a containment before the answer comes back; nil when there is none
	now    func() time.Time
}

// NewCases returns the security officer's desk.
func NewCases(store interface {
	Alerts
	Scores
}, engine policy.Engine, now func() time.Time) *Cases {
	return &Cases{store, engine, now}
}

// Handle moves an alert one step. Containing suspends every use by the consumer until the alert is resolved.
func (c *Cases) Handle(ctx context.Context, p plinth.Principal, id plinth.AlertID, action, note string) (Alert, error) {
	if err := p.Need(plinth.RoleSecurity); err != nil {
		return Alert{}, err
	}
	if steps[action] == nil {
		return Alert{}, plinth.Invalid("action", "%.40q is not triage, contain, resolve or reopen", action)
	}
	if note = strings.TrimSpace(note); len(note) > 2000 {
		return Alert{}, plinth.Invalid("note", "at most 2000 bytes")
	}
	a, err := c.store.Alert(ctx, id)
	if err != nil {
		return a, err
	}
	if p.Account == a.Consumer {
		return a, plinth.Errorf(plinth.ErrDenied, "nobody handles an alert about itself")
	}
	to, ok := steps[action][a.State]
	if !ok {
		return a, plinth.Errorf(plinth.ErrConflict, "an alert that is %s cannot be moved by %s", a.State, action)
	}
	if action == "resolve" && note == "" {
		return a, plinth.Invalid("note", "say how the alert was resolved")
	}
	return c.move(ctx, p, a, to, note)
}

func (c *Cases) move(ctx context.Context, p plinth.Principal, a Alert, to AlertState, note string) (Alert, error) {
	from, now := a.State, c.now().UTC()
	a.State, a.HandledBy, a.Note = to, p.Account, note
	rec := riskRecord("alert."+string(to), string(p.Department), a.ID, now, a.fact(), a.Record)
	rec.Relation, rec.Supersedes, a.Record = ledger.Derived, a.Record, rec.ID
	if err := c.store.MoveAlert(ctx, a, from, rec); err != nil {
		return a, err
	}
	if err := rescore(ctx, c.store, a.Consumer, now); err != nil {
		return a, err
	}
	if c.engine != nil {
		_ = c.engine.Refresh(ctx) // its own clock covers a failure
	}
	return a, nil
}

// rescore writes a consumer's score anew from its alerts.
func rescore(ctx context.Context, s Scores, consumer plinth.AccountID, now time.Time) error {
	alerts, err := s.AlertsOf(ctx, consumer, now.AddDate(0, 0, -60))
	if err != nil {
		return err
	}
	contained := false
	for _, a := range alerts {
		contained = contained || a.State == AlertContained
	}
	score := Score(alerts, now)
	return s.SaveRisk(ctx, consumer, score, Band(score), contained, now)
}

// Alert returns one alert.
func (c *Cases) Alert(ctx context.Context, p plinth.Principal, id plinth.AlertID) (Alert, error) {
	if err := p.Need(plinth.RoleSecurity, plinth.RoleAuditor); err != nil {
		return Alert{}, err
	}
	return c.store.Alert(ctx, id)
}

// Alerts lists alerts, newest first.
func (c *Cases) Alerts(ctx context.Context, p plinth.Principal, f AlertFilter) ([]Alert, int, error) {
	if err := p.Need(plinth.RoleSecurity, plinth.RoleAuditor); err != nil {
		return nil, 0, err
	}
	return c.store.Alerts(ctx, f)
}

// Consumers lists who uses data, the riskiest first.
func (c *Cases) Consumers(ctx context.Context, p plinth.Principal, f policy.Page) ([]Consumer, error) {
	if err := p.Need(plinth.RoleSecurity, plinth.RoleAuditor); err != nil {
		return nil, err
	}
	return c.store.Consumers(ctx, f, policy.Day(c.now()))
}

// fact is the part of an alert that its evidence commits to.
func (a Alert) fact() []byte {
	b, err := json.Marshal(struct {
		ID, Rule, Consumer, Dataset, Day, State, HandledBy, Note string
		Severity                                                 int
		Findings                                                 []Finding
		Decisions                                                []plinth.DecisionID
	}{string(a.ID), a.Rule, string(a.Consumer), string(a.Dataset), a.Day, string(a.State), string(a.HandledBy), a.Note,
		a.Severity, a.Findings, a.Decisions})
	if err != nil {
		panic("security: " + err.Error())
	}
	return b
}
