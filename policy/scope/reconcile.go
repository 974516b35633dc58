package scope

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"plinth/policy"
)

// Applier makes scopes exist in ClickHouse.
type Applier interface {
	// ApplyScopes makes exactly these scopes exist. A scope that is no longer named refuses every query from then on,
	// and its running queries are ended.
	ApplyScopes(ctx context.Context, scopes []policy.Scope) error
}

// Reconciler keeps ClickHouse in step with the grants: at once when asked, when a grant begins or ends by its period,
// and every minute in any case.
type Reconciler struct {
	list  policy.ScopeList
	apply Applier
	now   func() time.Time
	log   *slog.Logger

	mu   sync.Mutex // one pass at a time
	next time.Time  // when the list changes by itself; guarded by mu
}

var _ policy.Scopes = (*Reconciler)(nil)

// lead is how long before its period a scope is built, so that it is there when the period begins.
const lead = 2 * time.Minute

// NewReconciler returns a reconciler; Run drives it.
func NewReconciler(list policy.ScopeList, apply Applier, now func() time.Time, log *slog.Logger) *Reconciler {
	return &Reconciler{list: list, apply: apply, now: now, log: log}
}

// Sync implements policy.Scopes.
func (r *Reconciler) Sync(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	scopes, next, err := r.list.LiveScopes(ctx, now, now.Add(lead))
	if err != nil {
		return fmt.Errorf("list the live scopes: %w", err)
	}
	if err := r.apply.ApplyScopes(ctx, scopes); err != nil {
		return fmt.Errorf("apply %d scopes: %w", len(scopes), err)
	}
	r.next = next
	return nil
}

// Run reconciles until ctx ends.
func (r *Reconciler) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := time.Minute
		if err := r.Sync(ctx); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "scopes not in step", "err", err)
			wait = 5 * time.Second
		}
		r.sleep(ctx, wait)
	}
	return nil
}

func (r *Reconciler) sleep(ctx context.Context, wait time.Duration) {
	r.mu.Lock()
	next := r.next
	r.mu.Unlock()
	if until := next.Sub(r.now()); !next.IsZero() && until > 0 {
		wait = min(wait, until)
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
