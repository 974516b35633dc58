package clickhouse_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/sensors"
)

func TestTheNewestReadingOfEachSeriesIsFoundHoweverOldItIs(t *testing.T) {
	s := clickhouse.NewReadings(migrated(t))
	now := time.Now().UTC().Truncate(time.Millisecond)
	reading := func(metric string, ago time.Duration, v float64) sensors.Reading {
		return sensors.Reading{Device: "newest-1", Metric: metric, At: now.Add(-ago), Seq: 1, Value: v, RX: now}
	}
	want := []sensors.Reading{reading("day", 20*time.Hour, 3), reading("hour", 30*time.Minute, 2), reading("now", time.Second, 1), reading("week", 100*time.Hour, 4)}
	others := []sensors.Reading{reading("now", 5*time.Minute, 9), reading("now", 50*time.Hour, 9), reading("day", 60*time.Hour, 9),
		reading("month", 30*24*time.Hour, 9), reading("future", -72*time.Hour, 9), reading("unknown", time.Second, 9),
		{Device: "newest-2", Metric: "now", At: now, RX: now}}
	if err := s.InsertReadings(t.Context(), slices.Concat(want, others)); err != nil {
		t.Fatal(err)
	}
	d := &sensors.Device{ID: plinth.DeviceID("newest-1")}
	for _, name := range []string{"now", "hour", "day", "week", "month", "future", "never"} {
		d.Metrics = append(d.Metrics, sensors.Metric{Name: name})
	}
	got, err := s.Latest(t.Context(), now, []*sensors.Device{d})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b sensors.Reading) int { return cmp.Compare(a.Metric, b.Metric) })
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
