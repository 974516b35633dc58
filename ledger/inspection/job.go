// Package inspection lets people start an audit or a tamper drill and watch it: one at a time, with its progress, a way
// to stop it, and a result that stays. What an audit or a drill looks at is not its business: it is given the work.
package inspection

import (
	"context"
	"encoding/json"
	"time"

	"plinth"
)

// Kind says what is run.
type Kind string

// The kinds of inspection.
const (
	Audit Kind = "audit" // the whole log and chain, from the data of record
	Drill Kind = "drill" // an audit of damaged copies: does it find the damage?
)

// State is how far an inspection has come.
type State string

// The states. Every one but Running is final.
const (
	Running     State = "running"
	Done        State = "done"        // there is a report, whatever it says
	Failed      State = "failed"      // it could not be carried through; Reason says why
	Cancelled   State = "cancelled"   // somebody stopped it
	Interrupted State = "interrupted" // the service ended before it did
)

// Progress is how far the running stage is. Total is 0 where nobody knows it.
type Progress struct {
	Stage       string
	Done, Total int64
}

// Outcome is what an inspection found.
type Outcome struct {
	Word   string          // the verdict in one word, as plinth-verify has it
	Report json.RawMessage // all of it, as plinth-verify tells it with --json
}

// Job is one inspection. Seed and Rounds are a drill's: the same seed damages the same things.
type Job struct {
	ID        string
	Kind      Kind
	State     State
	By        plinth.AccountID
	ByName    string
	Seed      uint64
	Rounds    int
	StartedAt time.Time
	EndedAt   time.Time // zero while it runs
	Progress
	Outcome
	Reason string // why it failed
}

// Work carries an inspection out. It may write below scratch, an empty folder that is removed afterwards; it tells of
// its progress as often as it likes, and ends soon after ctx does.
type Work func(ctx context.Context, j Job, scratch string, tell func(Progress)) (Outcome, error)

// Store keeps inspections. Its errors are of plinth's kinds; it is safe for concurrent use.
type Store interface {
	// Begin keeps a running one, or returns plinth.ErrConflict while another is running.
	Begin(ctx context.Context, j Job) error
	// Note keeps how far a running one is; one that has ended stays as it is.
	Note(ctx context.Context, id string, p Progress) error
	// End keeps how it ended: state, end, progress, outcome and reason.
	End(ctx context.Context, j Job) error
	// Interrupt ends what a process before this one left running.
	Interrupt(ctx context.Context, at time.Time) error
	Get(ctx context.Context, id string) (Job, error)
	// List returns the newest first, from the one after the id on; "" for the newest of all.
	List(ctx context.Context, after string, limit int) ([]Job, error)
}
