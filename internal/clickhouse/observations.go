package clickhouse

import (
	"context"
	"fmt"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"plinth"
	"plinth/sensors"
)

// Observations reads readings by the conditions of the SensorThings API; it is a sensorthings.Rows.
type Observations struct{ readings *Readings }

// NewObservations returns the observations of db.
func NewObservations(db *DB) *Observations { return &Observations{NewReadings(db)} }

// asked limits one question. A row and those that replace it lie in one partition, since both have the same time.
func asked(ctx context.Context) context.Context {
	return ch.Context(ctx, ch.WithSettings(ch.Settings{"readonly": 2, "max_execution_time": 15, "max_memory_usage": 1 << 30,
		"max_query_size": 16 << 20, // it names the devices that the caller may not read
		"do_not_merge_across_partitions_select_final": 1}))
}

// Observations returns at most limit readings for which where, with a ? for each of args, holds.
func (s *Observations) Observations(ctx context.Context, where string, args []any, order string, limit int) ([]sensors.Reading, error) {
	out, err := s.readings.query(asked(ctx), `SELECT device, metric, at, seq, value, flags, rx FROM plinth.reading FINAL
		WHERE `+where+` ORDER BY `+order+` LIMIT ?`, append(args[:len(args):len(args)], limit)...)
	return out, tooMuch(err)
}

// CountObservations counts the readings for which where holds.
func (s *Observations) CountObservations(ctx context.Context, where string, args []any) (int64, error) {
	var n uint64
	err := s.readings.db.QueryRow(asked(ctx), `SELECT count() FROM plinth.reading FINAL WHERE `+where, args...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count observations: %w", tooMuch(err))
	}
	return int64(n), nil
}

// tooMuch says what a caller can do about a question that reads too much.
func tooMuch(err error) error {
	if c := Code(err); c == 159 || c == 160 || c == 241 || c == 158 {
		return plinth.Errorf(plinth.ErrExhausted, "the question reads too much; name a Datastream and a span of phenomenonTime").Because(err)
	}
	return err
}
