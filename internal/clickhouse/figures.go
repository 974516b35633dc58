package clickhouse

import (
	"context"
	"fmt"
)

// Counts are the numbers of the first screen that ClickHouse knows. They count by the time of arrival, and rows that a
// later version replaces until the engine has merged them.
type Counts struct{ db *DB }

// NewCounts returns the counter of db.
func NewCounts(db *DB) *Counts { return &Counts{db} }

func (c *Counts) count(ctx context.Context, what, sql string) (int64, error) {
	var n uint64
	if err := c.db.QueryRow(ctx, sql).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", what, err)
	}
	return int64(n), nil
}

// ReadingsLastHour counts the readings that arrived within the hour.
func (c *Counts) ReadingsLastHour(ctx context.Context) (int64, error) {
	return c.count(ctx, "readings", `SELECT count() FROM plinth.reading WHERE rx > now64(3) - INTERVAL 1 HOUR`)
}

// EventsLastDay counts the events of the last 24 hours.
func (c *Counts) EventsLastDay(ctx context.Context) (int64, error) {
	return c.count(ctx, "events", `SELECT uniqExact(source, source_id) FROM plinth.event WHERE at > now64(3) - INTERVAL 1 DAY AND at <= now64(3) + INTERVAL 1 HOUR`)
}

// DeadLettersLastDay counts what could not be used in the last 24 hours.
func (c *Counts) DeadLettersLastDay(ctx context.Context) (int64, error) {
	return c.count(ctx, "dead letters", `SELECT count() FROM plinth.dead_letter WHERE at > now64(3) - INTERVAL 1 DAY`)
}

// IncidentsLately counts the incidents that an event joined within the last three days.
func (c *Counts) IncidentsLately(ctx context.Context) (int64, error) {
	return c.count(ctx, "incidents", `SELECT uniqExact(incident) FROM plinth.fusion_log WHERE event_at > now64(3) - INTERVAL 3 DAY`)
}
