package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/policy"
)

// PolicyFeed gives a policy engine its data and tells it of changes. It is for one engine.
type PolicyFeed struct {
	db *DB

	mu   sync.Mutex
	news listener
}

var _ policy.Source = (*PolicyFeed)(nil)

// NewPolicyFeed returns a feed over the database. Close gives its connection back.
func NewPolicyFeed(db *DB) *PolicyFeed {
	return &PolicyFeed{db: db, news: listener{db: db, channel: "policy"}}
}

// Changes implements policy.Source.
func (f *PolicyFeed) Changes(ctx context.Context, after int64) (policy.Snapshot, error) {
	var snap policy.Snapshot
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, f.db.Pool, opts, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT rev FROM policy_revision`).Scan(&snap.Rev); err != nil {
			return err
		}
		if snap.Rev == after {
			return nil
		}
		var err error
		if snap.Grants, err = changedGrants(ctx, tx, after); err != nil {
			return err
		}
		snap.Risk, err = changedRisk(ctx, tx, after)
		return err
	})
	return snap, translate(err)
}

func changedGrants(ctx context.Context, tx pgx.Tx, after int64) ([]policy.Grant, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+grantColumns+` FROM policy_grant_newest g LEFT JOIN policy_scope s ON s.name = g.scope
		WHERE g.rev > $1 ORDER BY g.rev`, after)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanGrant)
}

func changedRisk(ctx context.Context, tx pgx.Tx, after int64) (map[plinth.AccountID]policy.Risk, error) {
	rows, err := tx.Query(ctx, `SELECT account, band, contained FROM risk_consumer WHERE rev > $1`, after)
	if err != nil {
		return nil, err
	}
	out := map[plinth.AccountID]policy.Risk{}
	var account plinth.AccountID
	var r policy.Risk
	_, err = pgx.ForEachRow(rows, []any{&account, &r.Band, &r.Contained}, func() error {
		out[account] = r
		return nil
	})
	return out, err
}

// Wait implements policy.Source.
func (f *PolicyFeed) Wait(ctx context.Context, atMost time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.news.listen(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	_, _, err := f.news.wait(limited)
	return err
}

// Close ends listening.
func (f *PolicyFeed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.news.close()
}
