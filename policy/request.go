package policy

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// RequestState is where a request stands.
type RequestState string

// The states of a request.
const (
	WithProvider RequestState = "with_provider"
	Approved     RequestState = "approved"
	Refused      RequestState = "refused"
)

// Request asks for columns and rows of a dataset, for a purpose and a period.
type Request struct {
	ID         plinth.RequestID
	Dataset    plinth.DatasetID
	Publisher  plinth.AgentID // of the dataset when the request was made: who must answer
	Department plinth.AgentID
	Purpose    string
	Reason     string
	Columns    []string
	Filter     []Condition
	AllRows    bool
	NotBefore  time.Time
	NotAfter   time.Time
	State      RequestState
	CreatedBy  plinth.AccountID
	CreatedAt  time.Time
	DueAt      time.Time
	Answer     string
	AnsweredBy plinth.AccountID
	AnsweredAt time.Time
	Grant      plinth.GrantID
	Record     uuid.UUID // of the newest step
	Evidence   string    // how far the record has come
}

// Step is one line of a request's history, with the evidence of it.
type Step struct {
	At       time.Time
	Actor    plinth.AccountID
	Action   string
	Note     string
	Record   uuid.UUID
	Evidence string // "pending", "sealed" or "anchored"
}

// RequestFilter narrows a list. Zero fields do not narrow.
type RequestFilter struct {
	Page
	State      RequestState
	Dataset    plinth.DatasetID
	Department plinth.AgentID   // the requesting department
	Either     plinth.AgentID   // the requesting department or the publisher
	CreatedBy  plinth.AccountID // one account's own
}

// Requests keeps requests.
type Requests interface {
	AddRequest(ctx context.Context, r Request, rec ledger.Record) error
	Request(ctx context.Context, id plinth.RequestID) (Request, []Step, error)
	Requests(ctx context.Context, f RequestFilter) ([]Request, int, error)
	// AnswerRequest moves a request out of WithProvider, once: ErrConflict when it is answered already. An approval
	// adds the grant's first version in the same transaction.
	AnswerRequest(ctx context.Context, r Request, g *Grant, recs ...ledger.Record) error
}

// CreateRequest checks and files a request of the caller's department.
func (d *Desk) CreateRequest(ctx context.Context, p plinth.Principal, r Request) (Request, error) {
	if err := p.Need(plinth.RoleDepartment); err != nil {
		return Request{}, err
	}
	if p.Department == "" {
		return Request{}, plinth.Errorf(plinth.ErrDenied, "the account belongs to no department")
	}
	now := d.Now().UTC()
	r, err := d.checkRequest(ctx, r, now)
	if err != nil {
		return Request{}, err
	}
	due, err := d.Store.Rule(ctx, RuleAnswerDays, now)
	if err != nil {
		return Request{}, err
	}
	r.ID = plinth.RequestID(plinth.NewID("rq"))
	r.Department, r.CreatedBy, r.CreatedAt = p.Department, p.Account, now
	r.State = WithProvider
	if r.DueAt, err = d.Datasets.WorkingDays(ctx, now, int(due.Value)); err != nil {
		return Request{}, err
	}
	rec := record("request.created", string(p.Department), caseOf(r.ID), caseOf(r.ID), now, r.fact())
	r.Record = rec.ID
	if err := d.Store.AddRequest(ctx, r, rec); err != nil {
		return Request{}, err
	}
	return r, nil
}

// checkRequest checks everything a caller may set and returns it in canonical form.
func (d *Desk) checkRequest(ctx context.Context, r Request, now time.Time) (Request, error) {
	if r.Dataset == "" {
		return r, plinth.Invalid("datasetId", "name the dataset")
	}
	ds, err := d.Datasets.Dataset(ctx, r.Dataset)
	if err != nil {
		return r, err
	}
	if !ds.Registered {
		return r, plinth.Invalid("datasetId", "the dataset is not registered yet")
	}
	if ds.Table == "" {
		return r, plinth.Invalid("datasetId", "the dataset is catalogued only: there is no table to grant")
	}
	if err := d.checkPurpose(ctx, r.Purpose); err != nil {
		return r, err
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(r.Reason)); n == 0 || n > 2000 {
		return r, plinth.Invalid("reason", "say why in 1 to 2000 characters")
	}
	if err := checkColumns(ds, r.Columns); err != nil {
		return r, err
	}
	if r.Filter, err = checkFilter(ds, r.Filter, r.AllRows); err != nil {
		return r, err
	}
	r.Publisher = ds.Publisher
	r.NotBefore, r.NotAfter = r.NotBefore.UTC(), r.NotAfter.UTC()
	return r, d.checkPeriod(ctx, r, now)
}

func (d *Desk) checkPurpose(ctx context.Context, purpose string) error {
	known, err := d.Store.Purposes(ctx)
	if err != nil {
		return err
	}
	ids := make([]string, len(known))
	for i, p := range known {
		ids[i] = p.ID
	}
	if !slices.Contains(ids, purpose) {
		return plinth.Invalid("purpose", "%q is not one of %s", purpose, strings.Join(ids, ", "))
	}
	return nil
}

func checkColumns(ds Dataset, columns []string) error {
	if len(columns) == 0 {
		return plinth.Invalid("columns", "name at least one column")
	}
	seen := map[string]bool{}
	for _, c := range columns {
		if _, ok := ds.Field(c); !ok {
			return plinth.Invalid("columns", "the dataset has no field %q", c)
		}
		if seen[c] {
			return plinth.Invalid("columns", "%q is named twice", c)
		}
		seen[c] = true
	}
	return nil
}

func (d *Desk) checkPeriod(ctx context.Context, r Request, now time.Time) error {
	longest, err := d.Store.Rule(ctx, RuleMaxDays, now)
	if err != nil {
		return err
	}
	switch {
	case r.NotBefore.IsZero() || r.NotAfter.IsZero():
		return plinth.Invalid("notBefore", "name the first and the last moment of use")
	case !r.NotBefore.Before(r.NotAfter):
		return plinth.Invalid("notAfter", "the period ends before it begins")
	case !r.NotAfter.After(now):
		return plinth.Invalid("notAfter", "the period is over already")
	case r.NotAfter.Sub(r.NotBefore) > time.Duration(longest.Value)*24*time.Hour:
		return plinth.Invalid("notAfter", "a grant lasts at most %d days (%s)", longest.Value, longest.Source)
	}
	return nil
}

// Shanghai is the district's clock: days and weekdays are counted there.
var Shanghai = time.FixedZone("CST", 8*60*60)

// Day is the calendar day in the district, the unit of quotas.
func Day(t time.Time) string { return t.In(Shanghai).Format(time.DateOnly) }

// Request returns one request with its history, if p may see it.
func (d *Desk) Request(ctx context.Context, p plinth.Principal, id plinth.RequestID) (Request, []Step, error) {
	r, steps, err := d.Store.Request(ctx, id)
	if err != nil {
		return r, nil, err
	}
	if !reach(p) && p.Department != r.Department && p.Department != r.Publisher {
		return Request{}, nil, plinth.Errorf(plinth.ErrNotFound, "there is no request %q", id)
	}
	return r, steps, nil
}

// Requests lists the requests p may see.
func (d *Desk) Requests(ctx context.Context, p plinth.Principal, f RequestFilter) ([]Request, int, error) {
	if !reach(p) {
		if p.Department == "" {
			return nil, 0, nil
		}
		f.Either = p.Department
	}
	return d.Store.Requests(ctx, f)
}

// MayAnswer tells whether p may answer the request now.
func (r Request) MayAnswer(p plinth.Principal) bool {
	return r.State == WithProvider && p.Has(plinth.RoleProvider) && p.Department == r.Publisher
}

// fact is the part of a request that its evidence commits to.
func (r Request) fact() any {
	return struct {
		ID, Dataset, Department, Purpose, Reason string
		Columns                                  []string
		Filter                                   []Condition
		AllRows                                  bool
		NotBefore, NotAfter                      time.Time
		State, By, Answer, Grant                 string
	}{string(r.ID), string(r.Dataset), string(r.Department), r.Purpose, r.Reason, r.Columns, r.Filter, r.AllRows,
		r.NotBefore, r.NotAfter, string(r.State), string(r.CreatedBy), r.Answer, string(r.Grant)}
}

// record makes the ledger record of one step of a case; "" when it is no step of any.
func record(kind, org, subject, in string, at time.Time, fact any, inputs ...uuid.UUID) ledger.Record {
	payload, err := json.Marshal(fact)
	if err != nil { // facts are plain structs of text, numbers and times
		panic("policy: " + err.Error())
	}
	return ledger.Record{ID: newRecordID(), Origin: ledger.Authz, Kind: kind, Org: org, Subject: subject, Case: in,
		From: at, To: at, Count: 1, Payload: payload, Relation: ledger.Generated, Inputs: inputs}
}

// caseOf names the case of a request: its own steps, its grant's, and the uses of that grant.
func caseOf(id plinth.RequestID) string { return "request:" + string(id) }

// newRecordID makes a time-ordered id, so that the outbox and its index grow at one end.
func newRecordID() uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		panic("policy: no randomness: " + err.Error())
	}
	return id
}
