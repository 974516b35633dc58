package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"plinth"
	"plinth/sensors"
)

// HourWork tells which hours of a series are not computed from all of their rows yet.
type HourWork interface {
	// UnsettledHours returns those of the work list from a moment until before another, and the insertion time up to which
	// rows have been put on the list, both of one instant.
	UnsettledHours(ctx context.Context, d plinth.DeviceID, metric string, from, to time.Time) ([]time.Time, time.Time, error)
}

// Hourly reads series of long periods from their hours. What it returns is what the rows give: an hour whose rows have
// changed since it was computed is read from its rows.
type Hourly struct {
	*Readings
	work HourWork
}

// NewHourly returns the series of db with the hours' work list.
func NewHourly(db *DB, work HourWork) Hourly { return Hourly{NewReadings(db), work} }

// maxStretches is how many stretches of a period are read from rows; with more, all of it is.
const maxStretches = 24

// stretch is a part of a period.
type stretch struct{ from, to time.Time }

// Thinned is Readings.Thinned, from the hours where the buckets are whole hours.
func (s Hourly) Thinned(ctx context.Context, d plinth.DeviceID, metric string, from, to time.Time, bucket time.Duration, most int) ([]Point, error) {
	first, last := from.Add(time.Hour-1).Truncate(time.Hour), to.Truncate(time.Hour)
	if bucket < time.Hour || bucket%time.Hour != 0 || !first.Before(last) {
		return s.Readings.Thinned(ctx, d, metric, from, to, bucket, most)
	}
	raw, err := s.unsettled(ctx, d, metric, first, last)
	if err != nil {
		return nil, err
	}
	stretches := joined(append([]stretch{{from, first}, {last, to}}, raw...))
	if len(stretches) > maxStretches {
		return s.Readings.Thinned(ctx, d, metric, from, to, bucket, most)
	}
	points, err := s.fromHours(ctx, d, metric, first, last, bucket, raw)
	if err != nil {
		return nil, err
	}
	for _, r := range stretches {
		rows, err := s.Readings.Thinned(ctx, d, metric, r.from, r.to, bucket, int(to.Sub(from)/bucket)+2)
		if err != nil {
			return nil, err
		}
		points = append(points, rows...)
	}
	points = merged(points)
	return points[:min(len(points), most)], nil
}

// unsettled are the hours that have to be read from rows: those on the work list, those of rows inserted since it was
// written, and those computed before hours kept their flags.
func (s Hourly) unsettled(ctx context.Context, d plinth.DeviceID, metric string, from, to time.Time) ([]stretch, error) {
	listed, cursor, err := s.work.UnsettledHours(ctx, d, metric, from, to)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Query(ctx, `
		SELECT DISTINCT `+hourMillis+` FROM plinth.reading
		WHERE metric = ? AND device = ? AND at >= `+instant+` AND at < `+instant+` AND rx >= `+instant+`
		UNION ALL SELECT toUnixTimestamp64Milli(hour) FROM plinth.reading_hour FINAL
		WHERE metric = ? AND device = ? AND hour >= `+instant+` AND hour < `+instant+` AND flagged > 0 AND flags = 0`,
		metric, string(d), millis(from), millis(to), max(millis(cursor), 0), metric, string(d), millis(from), millis(to))
	if err != nil {
		return nil, fmt.Errorf("read unsettled hours: %w", translate(err))
	}
	defer rows.Close()
	for rows.Next() {
		var ms int64
		if err := rows.Scan(&ms); err != nil {
			return nil, fmt.Errorf("read unsettled hours: %w", err)
		}
		listed = append(listed, time.UnixMilli(ms).UTC())
	}
	out := make([]stretch, len(listed))
	for i, h := range listed {
		out[i] = stretch{h, h.Add(time.Hour)}
	}
	return joined(out), translate(rows.Err())
}

// joined puts stretches in order, makes one of those that touch, and leaves out empty ones.
func joined(all []stretch) []stretch {
	slices.SortFunc(all, func(a, b stretch) int { return a.from.Compare(b.from) })
	var out []stretch
	for _, s := range all {
		n := len(out)
		switch {
		case !s.from.Before(s.to):
		case n > 0 && !s.from.After(out[n-1].to):
			if s.to.After(out[n-1].to) {
				out[n-1].to = s.to
			}
		default:
			out = append(out, s)
		}
	}
	return out
}

// fromHours sums up the hours of each bucket but those of the stretches. Buckets begin where the engine's do: at whole
// multiples of their length since 1970.
func (s Hourly) fromHours(ctx context.Context, d plinth.DeviceID, metric string, from, to time.Time, bucket time.Duration, but []stretch) ([]Point, error) {
	sql := `SELECT intDiv(toUnixTimestamp64Milli(hour), ?) * ? AS b, sum(sum) / sum(n), min(min), max(max), sum(n), groupBitOr(flags)
		FROM plinth.reading_hour FINAL WHERE metric = ? AND device = ? AND hour >= ` + instant + ` AND hour < ` + instant
	args := []any{bucket.Milliseconds(), bucket.Milliseconds(), metric, string(d), millis(from), millis(to)}
	for _, r := range but {
		sql += ` AND NOT (hour >= ` + instant + ` AND hour < ` + instant + `)`
		args = append(args, millis(r.from), millis(r.to))
	}
	rows, err := s.db.Query(ctx, sql+` GROUP BY b ORDER BY b`, args...)
	if err != nil {
		return nil, fmt.Errorf("read series of hours: %w", translate(err))
	}
	defer rows.Close()
	var out []Point
	for rows.Next() {
		var p Point
		var ms int64
		var n uint64
		var flags uint16
		if err := rows.Scan(&ms, &p.Mean, &p.Min, &p.Max, &n, &flags); err != nil {
			return nil, fmt.Errorf("read series of hours: %w", err)
		}
		p.At, p.Count, p.Flags = time.UnixMilli(ms).UTC(), int64(n), sensors.Flags(flags)
		out = append(out, p)
	}
	return out, translate(rows.Err())
}

// merged makes one point of those of one bucket, in order of time.
func merged(all []Point) []Point {
	slices.SortStableFunc(all, func(a, b Point) int { return cmp.Compare(a.At.UnixMilli(), b.At.UnixMilli()) })
	var out []Point
	for _, p := range all {
		if n := len(out); n > 0 && out[n-1].At.Equal(p.At) {
			out[n-1] = out[n-1].with(p)
			continue
		}
		out = append(out, p)
	}
	return out
}

// with is p and o, of one bucket, as one.
func (p Point) with(o Point) Point {
	n := p.Count + o.Count
	return Point{At: p.At, Mean: p.Mean + (o.Mean-p.Mean)*float64(o.Count)/float64(n), Min: min(p.Min, o.Min), Max: max(p.Max, o.Max),
		Count: n, Flags: p.Flags | o.Flags}
}
