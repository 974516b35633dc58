package postgres

import (
	"context"
	"time"

	"plinth/pipelines"
)

// Leases keep which process pulls which endpoint. All times are the database's.
type Leases struct{ db *DB }

var _ pipelines.Leases = (*Leases)(nil)

// NewLeases returns the leases of db.
func NewLeases(db *DB) *Leases { return &Leases{db} }

// Lease is of pipelines.Leases.
func (s *Leases) Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	tag, err := s.db.Exec(ctx, `
		INSERT INTO pull_lease AS l (pipeline, holder, until) VALUES ($1, $2, clock_timestamp() + $3::interval)
		ON CONFLICT (pipeline) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE l.holder = excluded.holder OR l.until < clock_timestamp()`, name, holder, ttl)
	return tag.RowsAffected() == 1, translate(err)
}

// Release is of pipelines.Leases.
func (s *Leases) Release(ctx context.Context, name, holder string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM pull_lease WHERE pipeline = $1 AND holder = $2`, name, holder)
	return translate(err)
}
