package postgres

import (
	"context"
	"fmt"
	"time"
)

// Counts are the numbers of the first screen that PostgreSQL knows.
type Counts struct{ db *DB }

// NewCounts returns the counter of db.
func NewCounts(db *DB) *Counts { return &Counts{db} }

func (c *Counts) count(ctx context.Context, what, sql string, args ...any) (int64, error) {
	var n int64
	if err := c.db.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", what, translate(err))
	}
	return n, nil
}

// RequestsWaiting counts requests that no provider has answered.
func (c *Counts) RequestsWaiting(ctx context.Context) (int64, error) {
	return c.count(ctx, "requests", `SELECT count(*) FROM policy_request WHERE state = 'with_provider'`)
}

// GrantsActive counts grants that permit something at the moment.
func (c *Counts) GrantsActive(ctx context.Context, now time.Time) (int64, error) {
	return c.count(ctx, "grants", `
		SELECT count(*) FROM policy_grant_newest WHERE state = 'active' AND not_before <= $1 AND not_after > $1`, now)
}

// AlertsOpen counts risk alerts that are not resolved.
func (c *Counts) AlertsOpen(ctx context.Context) (int64, error) {
	return c.count(ctx, "alerts", `SELECT count(*) FROM risk_alert WHERE state <> 'resolved'`)
}

// EvidencePending counts records that are not in the log yet.
func (c *Counts) EvidencePending(ctx context.Context) (int64, error) {
	return c.count(ctx, "pending records", `SELECT count(*) FROM ledger_pending`)
}
