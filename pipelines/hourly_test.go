package pipelines_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/pipelines"
)

// TestASeriesReadFromHoursIsWhatItsRowsGive compares long series with the same of raw rows: while hours are not computed
// yet, when they are, when rows came late or were corrected since, and of hours from before they kept their flags.
func TestASeriesReadFromHoursIsWhatItsRowsGive(t *testing.T) {
	l := newLab(t)
	chance := rand.New(rand.NewPCG(7, 2026))
	now := start.Add(30 * time.Hour)
	h := pipelines.NewHours(clickhouse.NewHours(l.db), postgres.NewHours(l.pg), func() time.Time { return now }, l.log)
	series := clickhouse.NewHourly(l.db, postgres.NewHours(l.pg))
	compared := 0
	compare := func(when string) {
		t.Helper()
		for _, bucket := range []time.Duration{time.Hour, 2 * time.Hour, 5 * time.Hour, 24 * time.Hour} {
			for _, from := range []time.Time{start.Add(-31*time.Hour + 7*time.Minute), start} {
				to := now.Add(-11 * time.Minute)
				got, err := series.Thinned(t.Context(), "h-1", "ph", from, to, bucket, 1000)
				if err != nil {
					t.Fatal(err)
				}
				want, err := series.Readings.Thinned(t.Context(), "h-1", "ph", from, to, bucket, 1000)
				if err != nil {
					t.Fatal(err)
				}
				if fault := unlike(got, want); fault != "" {
					t.Errorf("%s, buckets of %s: %s", when, bucket, fault)
				}
				compared += len(want)
			}
		}
	}
	work := func(after time.Duration) {
		t.Helper()
		for range 2 { // the second turn computes what the first one listed
			now = now.Add(after)
			if err := h.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for round := range 4 {
		for range 8 {
			if err := l.sink.InsertReadings(t.Context(), randomRows(chance, now)); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Second)
		}
		compare(fmt.Sprintf("round %d, before hours are computed", round))
		work(time.Hour)
		compare(fmt.Sprintf("round %d, after", round))
	}
	if n := l.count(t, `SELECT count() FROM plinth.reading_hour FINAL WHERE device = 'h-1' AND metric = 'ph'`); n < 20 || compared < 500 {
		t.Fatalf("only %d hours and %d points were there to compare", n, compared)
	}
	// the hours are what is read: one that says otherwise is seen
	if err := l.db.Exec(t.Context(), `INSERT INTO plinth.reading_hour (device, metric, hour, n, sum, min, max, mean, first, last, flagged, flags, version)
		SELECT device, metric, hour, n, sum, min, 1e6, mean, first, last, flagged, flags, version + 1 FROM plinth.reading_hour FINAL`); err != nil {
		t.Fatal(err)
	}
	seen, err := series.Thinned(t.Context(), "h-1", "ph", start, now, 24*time.Hour, 1000)
	if err != nil || len(seen) == 0 || seen[0].Max != 1e6 {
		t.Errorf("the hours are not read: %+v, %v", seen, err)
	}
	// hours from before they kept flags do not know which; their rows do
	if err := l.db.Exec(t.Context(), `INSERT INTO plinth.reading_hour (device, metric, hour, n, sum, min, max, mean, first, last, flagged, flags, version)
		SELECT device, metric, hour, n, sum, min, max, mean, first, last, n, 0, version + 2 FROM plinth.reading_hour FINAL`); err != nil {
		t.Fatal(err)
	}
	compare("of hours without flags")
}

// unlike says what of two series differs.
func unlike(got, want []clickhouse.Point) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d points, want %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		if !g.At.Equal(w.At) || g.Count != w.Count || g.Min != w.Min || g.Max != w.Max || g.Flags != w.Flags || math.Abs(g.Mean-w.Mean) > 1e-9 {
			return fmt.Sprintf("got %+v, want %+v", g, w)
		}
	}
	return ""
}
