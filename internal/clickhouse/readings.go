package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"plinth"
	"plinth/pipelines"
	"plinth/sensors"
)

// Readings keeps what devices measured.
type Readings struct{ db *DB }

// NewReadings returns the readings of db.
func NewReadings(db *DB) *Readings { return &Readings{db} }

// InsertReadings stores rs; it is durable when it returns. A reading stored before replaces itself.
func (s *Readings) InsertReadings(ctx context.Context, rs []sensors.Reading) error {
	n := len(rs)
	device, metric, at, seq := make([]string, n), make([]string, n), make([]time.Time, n), make([]uint64, n)
	value, flags, rx := make([]float64, n), make([]uint16, n), make([]time.Time, n)
	for i := range rs {
		r := &rs[i]
		device[i], metric[i], at[i], seq[i] = string(r.Device), r.Metric, r.At, r.Seq
		value[i], flags[i], rx[i] = r.Value, uint16(r.Flags), r.RX
	}
	return s.db.insert(ctx, "INSERT INTO plinth.reading (device, metric, at, seq, value, flags, rx)",
		device, metric, at, seq, value, flags, rx)
}

// Of returns d's readings from a moment until before another, each once, in order of identity.
func (s *Readings) Of(ctx context.Context, d plinth.DeviceID, from, to time.Time) ([]sensors.Reading, error) {
	return s.query(ctx, `
		SELECT device, metric, at, seq, value, flags, rx FROM plinth.reading FINAL
		WHERE device = ? AND at >= `+instant+` AND at < `+instant+` ORDER BY metric, at, seq`, string(d), millis(from), millis(to))
}

// Known returns the stored readings of d's metric at the moments, for comparing an import with them.
func (s *Readings) Known(ctx context.Context, d plinth.DeviceID, metric string, at []time.Time) ([]sensors.Reading, error) {
	if len(at) == 0 {
		return nil, nil
	}
	ms := make([]int64, len(at))
	for i, t := range at {
		ms[i] = millis(t)
	}
	return s.query(ctx, `
		SELECT device, metric, at, seq, value, flags, rx FROM plinth.reading FINAL
		WHERE metric = ? AND device = ? AND at >= `+instant+` AND at <= `+instant+` AND toUnixTimestamp64Milli(at) IN ?
		ORDER BY at, seq`, metric, string(d), slices.Min(ms), slices.Max(ms), ms)
}

// Count returns the number of readings, each counted once.
func (s *Readings) Count(ctx context.Context) (int64, error) {
	var n uint64
	err := s.db.QueryRow(ctx, `SELECT count() FROM plinth.reading FINAL`).Scan(&n)
	return int64(n), translate(err)
}

// Point is one bucket of a thinned series.
type Point struct {
	At             time.Time
	Mean, Min, Max float64
	Count          int64
	Flags          sensors.Flags // of any reading in the bucket
}

// Thinned returns one metric of d over a period in buckets of a length; a zero bucket shows the readings as they are.
func (s *Readings) Thinned(ctx context.Context, d plinth.DeviceID, metric string, from, to time.Time, bucket time.Duration,
	most int) ([]Point, error) {
	at, group := "at", "at, seq"
	if bucket > 0 {
		at = fmt.Sprintf("toStartOfInterval(at, INTERVAL %d SECOND)", int64(bucket/time.Second))
		group = "1"
	}
	rows, err := s.db.Query(ctx, `
		SELECT toDateTime64(`+at+`, 3, 'UTC'), avg(value), min(value), max(value), count(), groupBitOr(flags)
		FROM plinth.reading FINAL WHERE metric = ? AND device = ? AND at >= `+instant+` AND at < `+instant+`
		GROUP BY `+group+` ORDER BY 1 LIMIT ?`, metric, string(d), millis(from), millis(to), most)
	if err != nil {
		return nil, fmt.Errorf("read series: %w", translate(err))
	}
	defer rows.Close()
	var out []Point
	for rows.Next() {
		var p Point
		var n uint64
		var flags uint16
		if err := rows.Scan(&p.At, &p.Mean, &p.Min, &p.Max, &n, &flags); err != nil {
			return nil, fmt.Errorf("read series: %w", err)
		}
		p.Count, p.Flags = int64(n), sensors.Flags(flags)
		out = append(out, p)
	}
	return out, translate(rows.Err())
}

// Extent returns how many readings of a metric there are in a period and when the first and the last were made.
func (s *Readings) Extent(ctx context.Context, d plinth.DeviceID, metric string, from, to time.Time) (int64, time.Time,
	time.Time, error) {
	var n uint64
	var first, last time.Time
	err := s.db.QueryRow(ctx, `
		SELECT count(), min(at), max(at) FROM plinth.reading
		WHERE metric = ? AND device = ? AND at >= `+instant+` AND at < `+instant+``, metric, string(d), millis(from), millis(to)).
		Scan(&n, &first, &last)
	if err != nil {
		return 0, time.Time{}, time.Time{}, fmt.Errorf("measure series: %w", translate(err))
	}
	return int64(n), first, last, nil
}

// Touched returns the devices with the times of their rows that were inserted from a moment until before another, with
// times cut to whole steps of a window's greatest common measure.
func (s *Readings) Touched(ctx context.Context, from, to time.Time, step time.Duration) ([]pipelines.Touch, error) {
	rows, err := s.db.Query(ctx, fmt.Sprintf(`
		SELECT device, toDateTime64(toStartOfInterval(at, INTERVAL %d SECOND), 3, 'UTC') AS w FROM plinth.reading
		WHERE rx >= `+instant+` AND rx < `+instant+` GROUP BY device, w ORDER BY device, w`, int64(step/time.Second)), millis(from), millis(to))
	if err != nil {
		return nil, fmt.Errorf("find touched windows: %w", translate(err))
	}
	defer rows.Close()
	var out []pipelines.Touch
	for rows.Next() {
		var device string
		var at time.Time
		if err := rows.Scan(&device, &at); err != nil {
			return nil, fmt.Errorf("find touched windows: %w", err)
		}
		out = append(out, pipelines.Touch{Device: plinth.DeviceID(device), At: at.UTC()})
	}
	return out, translate(rows.Err())
}

// Window returns the readings of several devices from a moment until before another, each once, by device and identity.
func (s *Readings) Window(ctx context.Context, ds []plinth.DeviceID, from, to time.Time) ([]sensors.Reading, error) {
	return s.query(ctx, `
		SELECT device, metric, at, seq, value, flags, rx FROM plinth.reading FINAL
		WHERE device IN ? AND at >= `+instant+` AND at < `+instant+` ORDER BY device, metric, at, seq`, ds2strings(ds), millis(from), millis(to))
}

// Recent implements sensors.Stored.
func (s *Readings) Recent(ctx context.Context, ds []plinth.DeviceID, from, to time.Time, n int) ([]sensors.Reading, error) {
	return s.query(ctx, `
		SELECT device, metric, at, seq, value, flags, rx FROM plinth.reading FINAL
		WHERE device IN ? AND at >= `+instant+` AND at < `+instant+`
		ORDER BY device, metric, at DESC, seq DESC LIMIT ? BY device, metric`, ds2strings(ds), millis(from), millis(to), n)
}

func ds2strings(ds []plinth.DeviceID) []string {
	out := make([]string, len(ds))
	for i, d := range ds {
		out[i] = string(d)
	}
	return out
}

func (s *Readings) query(ctx context.Context, sql string, args ...any) ([]sensors.Reading, error) {
	rows, err := s.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read readings: %w", translate(err))
	}
	defer rows.Close()
	var out []sensors.Reading
	for rows.Next() {
		var r sensors.Reading
		var device string
		var flags uint16
		if err := rows.Scan(&device, &r.Metric, &r.At, &r.Seq, &r.Value, &flags, &r.RX); err != nil {
			return nil, fmt.Errorf("read readings: %w", err)
		}
		r.Device, r.Flags, r.At, r.RX = plinth.DeviceID(device), sensors.Flags(flags), r.At.UTC(), r.RX.UTC()
		out = append(out, r)
	}
	return out, translate(rows.Err())
}
