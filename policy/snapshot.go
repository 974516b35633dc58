package policy

import (
	"context"
	"time"

	"plinth"
)

// Risk is what a decision needs to know of a consumer.
type Risk struct {
	Band      string // "low", "medium", "high", "critical"
	Contained bool
}

// Snapshot is what changed after a revision of the policy data.
type Snapshot struct {
	Rev    int64
	Grants []Grant // newest versions
	Risk   map[plinth.AccountID]Risk
}

// Source is where an engine gets its data from.
type Source interface {
	// Changes returns all that changed after the revision, as of one moment, with the revision then.
	Changes(ctx context.Context, after int64) (Snapshot, error)
	// Wait returns when something may have changed, when the time is up, or with an error when it cannot listen.
	Wait(ctx context.Context, atMost time.Duration) error
}
