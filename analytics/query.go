// Package analytics is what the data says: events and their fusion, trends, hot words, and the governed query. It knows
// the questions and their order of steps; ClickHouse is reached through interfaces that its adapters satisfy.
package analytics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"plinth"
	"plinth/policy"
)

// Query is one SELECT under exactly one grant.
type Query struct {
	Grant   plinth.GrantID
	Purpose string
	Text    string
	MaxRows int
}

// Limits of a query.
const (
	MaxQueryRows     = 10_000
	defaultQueryRows = 1_000
	maxQueryText     = 64 << 10
)

// Column is one column of a result.
type Column struct{ Name, Type string }

// Result is what a query gives. Values are text, float64, bool, nil, lists and maps of them.
type Result struct {
	Columns   []Column
	Rows      [][]any
	Truncated bool
}

// Answer is a result with the decision behind it.
type Answer struct {
	Result
	Took     time.Duration
	Decision policy.Decision
}

// Scoped runs text inside a scope. Faults of the text are ErrInvalid with the field "sql" and a sentence without values,
// base names or positions of hidden data; a scope that is not there is ErrNotFound.
type Scoped interface {
	Reader
	// Run gives at most rows rows.
	Run(ctx context.Context, scope, text string, rows int) (Result, error)
}

// Desk decides and records; see policy.Desk.
type Desk interface {
	Grant(ctx context.Context, p plinth.Principal, id plinth.GrantID) (policy.Grant, error)
	Intend(ctx context.Context, q policy.Question) (policy.Decision, error)
	Finish(ctx context.Context, d policy.Decision, o policy.Outcome, rows int64) error
}

// Governor runs governed queries: admission, decision, record, then data, then the outcome.
type Governor struct {
	desk  Desk
	scope Scoped
	watch func(plinth.AccountID, plinth.DatasetID) // told after every decision
	now   func() time.Time
	log   *slog.Logger
}

// NewGovernor returns a governor. watch, if not nil, is told whose use to look at; it must not block.
func NewGovernor(desk Desk, scope Scoped, watch func(plinth.AccountID, plinth.DatasetID), now func() time.Time, log *slog.Logger) *Governor {
	if watch == nil {
		watch = func(plinth.AccountID, plinth.DatasetID) {}
	}
	return &Governor{desk, scope, watch, now, log}
}

// Run answers the query, or returns ErrDenied with the decision in the Answer.
func (g *Governor) Run(ctx context.Context, p plinth.Principal, q Query) (Answer, error) {
	if err := q.check(); err != nil {
		return Answer{}, err
	}
	question, err := g.question(ctx, p, q)
	if err != nil {
		return Answer{}, err
	}
	dec, err := g.desk.Intend(ctx, question)
	if err != nil {
		return Answer{}, err
	}
	g.watch(p.Account, dec.Dataset)
	if !dec.Permit {
		return Answer{Decision: dec}, dec.Err()
	}
	return g.run(ctx, q, dec)
}

func (q *Query) check() error {
	switch {
	case q.Grant == "":
		return plinth.Invalid("grantId", "name the grant you query under")
	case q.Text == "":
		return plinth.Invalid("sql", "write one SELECT")
	case len(q.Text) > maxQueryText:
		return plinth.Invalid("sql", "a query has at most %d bytes", maxQueryText)
	case !utf8.ValidString(q.Text) || strings.ContainsRune(q.Text, 0):
		return plinth.Invalid("sql", "a query is UTF-8 text without NUL")
	case q.MaxRows < 0 || q.MaxRows > MaxQueryRows:
		return plinth.Invalid("maxRows", "at most %d rows", MaxQueryRows)
	case q.MaxRows == 0:
		q.MaxRows = defaultQueryRows
	}
	return nil
}

// question reads the text with the engine's own parser, if there is a scope to read it in. A grant that the caller may
// not know of is judged like one that does not exist.
func (g *Governor) question(ctx context.Context, p plinth.Principal, q Query) (policy.Question, error) {
	out := policy.Question{Subject: p, Grant: q.Grant, Purpose: q.Purpose, Text: q.Text, RowsAsked: int64(q.MaxRows)}
	grant, err := g.desk.Grant(ctx, p, q.Grant)
	if errors.Is(err, plinth.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Dataset = grant.Dataset
	if p.Department != grant.Department || grant.StateAt(g.now()) != policy.Active {
		return out, nil // the decision says why
	}
	out.Admission, err = admit(ctx, g.scope, groundOf(grant), q.Text)
	if errors.Is(err, plinth.ErrNotFound) {
		return out, plinth.Errorf(plinth.ErrUnavailable, "the grant's scope is being built, try again shortly").Because(err)
	}
	return out, err
}

func (g *Governor) run(ctx context.Context, q Query, dec policy.Decision) (Answer, error) {
	start := g.now()
	rows := int(min(int64(q.MaxRows), dec.Reserved))
	table, err := g.scope.Run(ctx, dec.Scope.Name, q.Text, rows)
	outcome, n := policy.Done, int64(len(table.Rows))
	if err != nil {
		outcome, n, table = policy.Failed, 0, Result{}
	}
	// The outcome is written even when the caller has gone.
	finishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if ferr := g.desk.Finish(finishing, dec, outcome, n); ferr != nil {
		return Answer{}, fmt.Errorf("record outcome of %s: %w", dec.ID, ferr)
	}
	dec.Outcome, dec.Rows = outcome, n
	g.watch(dec.Subject, dec.Dataset)
	if errors.Is(err, plinth.ErrNotFound) {
		err = plinth.Errorf(plinth.ErrDenied, "the grant has ended while the query ran").Because(err)
	}
	return Answer{Result: table, Took: g.now().Sub(start), Decision: dec}, err
}
