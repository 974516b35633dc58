package clickhouse

import (
	"context"
	"fmt"
	"time"

	"plinth"
	"plinth/pipelines"
)

// Hours keeps what the rows of each hour of a series sum up to.
type Hours struct{ db *DB }

var _ pipelines.HourRows = (*Hours)(nil)

// NewHours returns the hours of db.
func NewHours(db *DB) *Hours { return &Hours{db} }

// hourMillis cuts a time to its hour. The engine's own functions end in 2106, a clock that is off does not.
const hourMillis = `intDiv(toUnixTimestamp64Milli(at), 3600000) * 3600000`

// TouchedHours implements pipelines.HourRows.
func (s *Hours) TouchedHours(ctx context.Context, from, to time.Time) ([]pipelines.SeriesHour, error) {
	rows, err := s.db.Query(ctx, `
		SELECT device, metric, `+hourMillis+` AS h FROM plinth.reading WHERE rx >= `+instant+` AND rx < `+instant+`
		GROUP BY device, metric, h ORDER BY h, metric, device`, max(millis(from), 0), millis(to))
	if err != nil {
		return nil, fmt.Errorf("find touched hours: %w", translate(err))
	}
	defer rows.Close()
	var out []pipelines.SeriesHour
	for rows.Next() {
		var device, metric string
		var ms int64
		if err := rows.Scan(&device, &metric, &ms); err != nil {
			return nil, fmt.Errorf("find touched hours: %w", err)
		}
		out = append(out, pipelines.SeriesHour{Device: plinth.DeviceID(device), Metric: metric, Hour: time.UnixMilli(ms).UTC()})
	}
	return out, translate(rows.Err())
}

// ComputeHour implements pipelines.HourRows.
func (s *Hours) ComputeHour(ctx context.Context, metric string, hour time.Time, ds []plinth.DeviceID, version time.Time) error {
	err := s.db.Exec(ctx, `
		INSERT INTO plinth.reading_hour (device, metric, hour, n, sum, min, max, mean, first, last, flagged, flags, version)
		SELECT device, metric, `+instant+`, count(), sum(value), min(value), max(value), avg(value),
			argMin(value, (at, seq)), argMax(value, (at, seq)), countIf(flags != 0), groupBitOr(flags), `+instant+`
		FROM plinth.reading FINAL WHERE metric = ? AND device IN ? AND at >= `+instant+` AND at < `+instant+`
		GROUP BY device, metric`,
		millis(hour), millis(version), metric, ds2strings(ds), millis(hour), millis(hour.Add(time.Hour)))
	if err != nil {
		return fmt.Errorf("compute hour: %w", translate(err))
	}
	return nil
}

// Hour is what the rows of one hour sum up to, each counted once.
type Hour struct {
	At                               time.Time // its start
	N, Flagged                       uint64
	Sum, Min, Max, Mean, First, Last float64
	Version                          time.Time // when it was computed
}

// Of returns the hours of d's metric that begin from a moment until before another. An hour is there a few minutes after
// its end, and right again a minute after a late row.
func (s *Hours) Of(ctx context.Context, d plinth.DeviceID, metric string, from, to time.Time) ([]Hour, error) {
	rows, err := s.db.Query(ctx, `
		SELECT hour, n, flagged, sum, min, max, mean, first, last, version FROM plinth.reading_hour FINAL
		WHERE metric = ? AND device = ? AND hour >= `+instant+` AND hour < `+instant+` ORDER BY hour`,
		metric, string(d), millis(from), millis(to))
	if err != nil {
		return nil, fmt.Errorf("read hours: %w", translate(err))
	}
	defer rows.Close()
	var out []Hour
	for rows.Next() {
		var h Hour
		if err := rows.Scan(&h.At, &h.N, &h.Flagged, &h.Sum, &h.Min, &h.Max, &h.Mean, &h.First, &h.Last, &h.Version); err != nil {
			return nil, fmt.Errorf("read hours: %w", err)
		}
		out = append(out, h)
	}
	return out, translate(rows.Err())
}
