// Package policy answers whether someone may use some data for a purpose. It keeps requests for authorised data, the
// provider's answers, the grants that follow, and every decision about a use. It is not the engine that decides
// (policy/rego) nor the enforcement inside ClickHouse (policy/scope); it owns their words and the order of steps.
package policy

import (
	"context"
	"log/slog"
	"time"

	"plinth"
)

// Text is a sentence in both languages of the console.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Purpose is one use that data may be granted for.
type Purpose struct {
	ID   string
	Name Text
}

// Rule is one figure of a law or bylaw, versioned in the database (law is data).
type Rule struct {
	Key    string
	Value  int64
	Source string // the text the figure comes from
}

// Keys of the rules this room reads.
const (
	RuleAnswerDays = "answer.working_days" // working days the provider has to answer
	RuleMaxDays    = "grant.max_days"      // longest period of one grant
	RuleRowsPerDay = "quota.rows_per_day"  // rows a day when the provider names none
)

// Rules reads the seeded lists. A missing rule is an error: nothing is decided by a figure nobody wrote down.
type Rules interface {
	Purposes(ctx context.Context) ([]Purpose, error)
	// Rule returns the version of the rule in force at the time.
	Rule(ctx context.Context, key string, at time.Time) (Rule, error)
}

// Store is everything this room keeps. Implementations commit each write together with its ledger records.
type Store interface {
	Rules
	Requests
	Grants
	Decisions
	ScopeList
}

// Compiler turns a grant into a scope and checks that the scope means the same as the grant's filter.
type Compiler interface {
	// Compile returns the scope, checked. A *Counterexample says that the check failed: the grant must not become
	// active. Any other error means that nothing is known.
	Compile(ctx context.Context, g Grant, d Dataset) (Scope, error)
}

// Scope is what enforces a grant inside ClickHouse. It is immutable and named by its content; equal grants share one.
type Scope struct {
	Name     string // content address, short
	Database string // holds the view
	View     string
	Base     string   // the table behind it, "database.table"
	Columns  []string // of the base that are shown or filtered by
	Rego     string   // the row filter as policy
	Filter   string   // the row filter as SQL over the base
	Select   string   // the view's text
	Tokens   bool     // whether a mask needs the scope's key
	Checked  int      // rows on which policy and SQL were compared
}

// Counterexample is a row on which the policy and the compiled filter disagree.
type Counterexample struct{ Text string }

func (c *Counterexample) Error() string { return c.Text }

// Scopes applies the scopes of the active grants to the engine.
type Scopes interface {
	// Sync makes the engine hold exactly the scopes of the grants that are active now. It is safe to call often.
	Sync(ctx context.Context) error
}

// ScopeList tells which scopes must exist.
type ScopeList interface {
	// LiveScopes returns the scopes of all grants that are active at the moment or will be by soon, and the next
	// moment after which the answer changes by itself.
	LiveScopes(ctx context.Context, at, soon time.Time) (scopes []Scope, next time.Time, err error)
}

// Config is what a Desk is built of.
type Config struct {
	Store    Store
	Datasets Datasets
	Engine   Engine
	Compiler Compiler
	Scopes   Scopes
	Now      func() time.Time
	Log      *slog.Logger
}

// Desk carries requests to grants and decides uses. It is safe for concurrent use.
type Desk struct{ Config }

// New returns a Desk over its collaborators.
func New(c Config) *Desk { return &Desk{c} }

// Purposes lists what data may be granted for.
func (d *Desk) Purposes(ctx context.Context) ([]Purpose, error) { return d.Store.Purposes(ctx) }

// Page asks for part of a list, newest first.
type Page struct {
	After string // id of the last item of the page before; empty for the first page
	Size  int    // at most MaxPage; 0 is 50
}

// MaxPage is the largest page.
const MaxPage = 1001

// Limit is the page's size within bounds.
func (p Page) Limit() int {
	switch {
	case p.Size <= 0:
		return 50
	case p.Size > MaxPage:
		return MaxPage
	}
	return p.Size
}

// reach tells whose objects a principal may see: everything, or those of its department as consumer or publisher.
func reach(p plinth.Principal) (all bool) {
	return p.Has(plinth.RoleAuditor, plinth.RoleSecurity, plinth.RoleSteward)
}
