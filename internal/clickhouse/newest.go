package clickhouse

import (
	"context"
	"time"

	"plinth/sensors"
)

// lookBack is how far the newest reading of a series is looked for, step by step: most series spoke a moment ago, and a
// week of all rows is much to read.
var lookBack = []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// seriesAtOnce is how many series a query names; for more it reads all.
const seriesAtOnce = 10_000

type series struct{ device, metric string }

// Latest returns the newest reading of each series of devices that spoke in the week before now.
func (s *Readings) Latest(ctx context.Context, now time.Time, of []*sensors.Device) ([]sensors.Reading, error) {
	open := map[series]bool{}
	for _, d := range of {
		for _, m := range d.Metrics {
			open[series{string(d.ID), m.Name}] = true
		}
	}
	var out []sensors.Reading
	for _, ago := range lookBack {
		if len(open) == 0 {
			break
		}
		rs, err := s.latestOf(ctx, now.Add(-ago), open)
		if err != nil {
			return out, err
		}
		for _, r := range rs {
			if k := (series{string(r.Device), r.Metric}); open[k] {
				out = append(out, r)
				delete(open, k)
			}
		}
	}
	return out, nil
}

func (s *Readings) latestOf(ctx context.Context, since time.Time, of map[series]bool) ([]sensors.Reading, error) {
	if len(of) > seriesAtOnce {
		return s.newest(ctx, "at >= "+instant, millis(since))
	}
	var devices, metrics []string
	for k := range of {
		devices, metrics = append(devices, k.device), append(metrics, k.metric)
	}
	return s.newest(ctx, "at >= "+instant+" AND (metric, device) IN (SELECT k.1, k.2 FROM (SELECT arrayJoin(arrayZip(?, ?)) AS k))",
		millis(since), metrics, devices)
}

// Arrived returns the newest reading of each series among those that were stored since a moment, by whatever member.
func (s *Readings) Arrived(ctx context.Context, since time.Time) ([]sensors.Reading, error) {
	return s.newest(ctx, "rx >= "+instant, millis(since))
}

func (s *Readings) newest(ctx context.Context, where string, args ...any) ([]sensors.Reading, error) {
	return s.query(ctx, `
		SELECT device, metric, max(at), argMax(seq, (at, rx)), argMax(value, (at, rx)), argMax(flags, (at, rx)), max(rx)
		FROM plinth.reading WHERE at < now() + INTERVAL 1 DAY AND `+where+`
		GROUP BY metric, device`, args...)
}
