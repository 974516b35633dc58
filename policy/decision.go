package policy

import (
	"context"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// Action is what a subject wants to do with a dataset.
type Action string

// The actions that can be decided.
const (
	Query   Action = "query"
	Preview Action = "preview"
	Export  Action = "export"
)

// Question asks whether a use would be permitted: exactly one subject, dataset, purpose and grant.
type Question struct {
	Subject   plinth.Principal
	Action    Action
	Dataset   plinth.DatasetID
	Grant     plinth.GrantID
	Purpose   string
	Columns   []string
	At        time.Time
	RowsToday int64 // read or reserved today under the grant by this subject
	RowsAsked int64
	// Text and Admission are set for a query: what the subject wrote, and why it may not run, if so.
	Text      string
	Admission *Refusal
}

// Refusal says why a query's text may not run.
type Refusal struct{ Detail Text }

// Reason is one premise and whether it held.
type Reason struct {
	Rule   string `json:"rule"`
	OK     bool   `json:"ok"`
	Detail Text   `json:"detail"`
}

// Verdict is the engine's answer to a question.
type Verdict struct {
	Permit      bool
	Reasons     []Reason
	WouldPassIf []string
	Obligations []string
	Grant       Grant // the version that was judged; zero when there is none
	Rows        int64 // most rows that may leave under this verdict
	Quota       int64 // rows a day, after risk has lowered it
	PolicyRev   string
	DataRev     int64
}

// Engine decides. It never waits for the network.
type Engine interface {
	// Decide answers the question. It permits only when every premise is proven; an error, stale data or an unknown
	// premise is a denial that says so in its reasons.
	Decide(ctx context.Context, q Question) Verdict
	// Refresh makes the engine see everything committed before the call.
	Refresh(ctx context.Context) error
}

// Decision is a verdict with its question, as recorded.
type Decision struct {
	ID           plinth.DecisionID
	Permit       bool
	Subject      plinth.AccountID
	Department   plinth.AgentID
	Action       Action
	Dataset      plinth.DatasetID
	Grant        plinth.GrantID
	GrantVersion int
	Purpose      string
	Columns      []string
	Reasons      []Reason
	WouldPassIf  []string
	Obligations  []string
	At           time.Time
	PolicyRev    string
	DataRev      int64
	Statement    string // the query's text
	SQLSHA256    string
	Reserved     int64 // rows held back from the day's quota until the outcome is known
	Rows         int64
	Outcome      Outcome
	Record       uuid.UUID
	Evidence     string
	// Request, GrantRecord, Quota and Scope are of the judged grant and risk, for the steps that follow; they are not
	// stored.
	Request     plinth.RequestID
	GrantRecord uuid.UUID
	Quota       int64
	Scope       Scope
}

// Outcome is what became of a permitted query.
type Outcome string

// The outcomes. A denial and a bare question have none.
const (
	NoOutcome Outcome = ""
	Running   Outcome = "running"
	Done      Outcome = "done"
	Failed    Outcome = "failed"
)

// DecisionFilter narrows a list. Zero fields do not narrow.
type DecisionFilter struct {
	Page
	Subject plinth.AccountID
	Dataset plinth.DatasetID
	Grant   plinth.GrantID
	Result  string         // "permit" or "deny"
	Either  plinth.AgentID // the subject's department or the dataset's publisher
}

// Decisions keeps every decision.
type Decisions interface {
	// AddDecision records a decision before anything follows from it. For a running query it reserves rows of the
	// day's quota in the same transaction; ErrExhausted when too few are left, ErrConflict when the grant has moved on.
	AddDecision(ctx context.Context, d Decision, rec ledger.Record) error
	// FinishDecision writes the outcome once and settles the reserved rows.
	FinishDecision(ctx context.Context, id plinth.DecisionID, o Outcome, rows int64, at time.Time, rec ledger.Record) error
	Decision(ctx context.Context, id plinth.DecisionID) (Decision, error)
	Decisions(ctx context.Context, f DecisionFilter) ([]Decision, int, error)
	// Unfinished are the queries that began before the moment and have no outcome.
	Unfinished(ctx context.Context, before time.Time) ([]Decision, error)
	// RowsToday is what the subject has read or reserved under the grant on the day.
	RowsToday(ctx context.Context, g plinth.GrantID, subject plinth.AccountID, day string) (int64, error)
}
