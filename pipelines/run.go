package pipelines

import (
	"context"
	"time"

	"plinth"
)

// Run is one import of a file, or one stretch of a stream, with its counts.
type Run struct {
	ID                      plinth.RunID
	Kind                    RunKind
	Pipeline                string // a mapping's name or a stream's domain
	Source                  string // a file's name or a topic
	StartedBy               string
	Started, Ended          time.Time // Ended is zero while it runs
	State                   RunState
	In, Stored, Known, Dead int64
	Error                   string
}

// RunKind tells an import from a stream.
type RunKind string

// RunState is how far a run is.
type RunState string

// The kinds and states.
const (
	ImportRun RunKind = "import"
	StreamRun RunKind = "stream"
	WatchRun  RunKind = "watch"
	PullRun   RunKind = "pull"

	Running RunState = "running"
	Done    RunState = "done"
	Failed  RunState = "failed"
)

// Runs keeps the runs. It is durable when a call returns.
type Runs interface {
	// SaveRun writes r, new or again.
	SaveRun(ctx context.Context, r Run) error
}
