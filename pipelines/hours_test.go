package pipelines_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/pipelines"
	"plinth/sensors"
)

// crash ends the process in a test's mind.
var errCrash = errors.New("killed")

// fragile kills the worker now and then, before or after what it asks for is done.
type fragile struct {
	pipelines.HourRows
	pipelines.HourStore
	chance *rand.Rand
	often  float64
}

func (f *fragile) around(do func() error) error {
	if f.chance.Float64() < f.often {
		return errCrash
	}
	if err := do(); err != nil {
		return err
	}
	if f.chance.Float64() < f.often {
		return errCrash
	}
	return nil
}

func (f *fragile) ComputeHour(ctx context.Context, metric string, hour time.Time, ds []plinth.DeviceID, version time.Time) error {
	return f.around(func() error { return f.HourRows.ComputeHour(ctx, metric, hour, ds, version) })
}

func (f *fragile) DueHours(ctx context.Context, hs []pipelines.SeriesHour, due []time.Time, cursor time.Time) error {
	return f.around(func() error { return f.HourStore.DueHours(ctx, hs, due, cursor) })
}

func (f *fragile) DoneHours(ctx context.Context, hs []pipelines.SeriesHour) error {
	return f.around(func() error { return f.HourStore.DoneHours(ctx, hs) })
}

// TestHoursEqualRecomputationWhateverHappens stores random rows, in time, late, again and corrected, and kills the worker
// at random points.
func TestHoursEqualRecomputationWhateverHappens(t *testing.T) {
	l := newLab(t)
	chance := rand.New(rand.NewPCG(4, 2026))
	now := start.Add(30 * time.Hour)
	f := &fragile{clickhouse.NewHours(l.db), postgres.NewHours(l.pg), chance, 0.2}
	worker := func() *pipelines.Hours {
		h := pipelines.NewHours(f, f, func() time.Time { return now }, l.log)
		h.Settle, h.Lag = time.Second, 5*time.Second
		return h
	}
	h, crashes := worker(), 0
	for range 25 {
		if err := l.sink.InsertReadings(t.Context(), randomRows(chance, now)); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Duration(chance.IntN(40)) * time.Minute)
		if err := h.Work(t.Context()); errors.Is(err, errCrash) {
			h, crashes = worker(), crashes+1
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if crashes == 0 {
		t.Fatal("the worker was never killed")
	}
	f.often = 0
	now = now.Add(2 * time.Hour)
	for range 2 { // the second turn takes what the first one listed
		if err := h.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
	}
	compareHours(t, l)
	var left int
	if err := l.pg.QueryRow(t.Context(), `SELECT count(*) FROM hour_due`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d hours left on the list, %v", left, err)
	}
}

// randomRows are rows of three devices within thirty hours before now; their few identities repeat with other values.
func randomRows(chance *rand.Rand, now time.Time) []sensors.Reading {
	var rows []sensors.Reading
	for range 1 + chance.IntN(200) {
		rows = append(rows, sensors.Reading{Device: plinth.DeviceID(fmt.Sprintf("h-%d", chance.IntN(3))),
			Metric: []string{"ph", "do"}[chance.IntN(2)], At: now.Add(-time.Duration(chance.IntN(30*60)) * time.Minute).Truncate(10 * time.Minute),
			Seq: uint64(chance.IntN(2)), Value: math.Round(chance.Float64()*1e4) / 100, Flags: sensors.Flags(chance.IntN(2)), RX: now})
	}
	seen := map[string]bool{} // of one insert, identities are once: which of two with one rx wins is anyone's guess
	var once []sensors.Reading
	for _, r := range rows {
		if id := fmt.Sprint(r.Device, r.Metric, r.At, r.Seq); !seen[id] {
			seen[id] = true
			once = append(once, r)
		}
	}
	return once
}

// compareHours holds the hours against the raw rows.
func compareHours(t *testing.T, l *lab) {
	t.Helper()
	rows, err := l.db.Query(t.Context(), `
		SELECT h.device, h.metric, h.n = r.n AND h.min = r.min AND h.max = r.max AND h.first = r.first AND h.last = r.last
			AND h.flagged = r.flagged AND abs(h.sum - r.sum) < 1e-6 AND abs(h.mean - r.sum / r.n) < 1e-6, h.n, r.n
		FROM (SELECT * FROM plinth.reading_hour FINAL) h FULL OUTER JOIN (
			SELECT device, metric, toStartOfHour(at) AS hour, count() AS n, sum(value) AS sum, min(value) AS min, max(value) AS max,
				argMin(value, (at, seq)) AS first, argMax(value, (at, seq)) AS last, countIf(flags != 0) AS flagged
			FROM plinth.reading FINAL GROUP BY device, metric, hour) r
		ON h.device = r.device AND h.metric = r.metric AND h.hour = r.hour`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var device, metric string
		var same uint8
		var have, want uint64
		if err := rows.Scan(&device, &metric, &same, &have, &want); err != nil {
			t.Fatal(err)
		}
		if n++; same == 0 {
			t.Errorf("an hour of %s %s differs from its rows; it has %d of %d", device, metric, have, want)
		}
	}
	if rows.Err() != nil || n < 100 {
		t.Errorf("%d hours compared, %v", n, rows.Err())
	}
}

func TestAnHourUnderWayIsNotComputedUntilItsEnd(t *testing.T) {
	l := newLab(t)
	now := start.Add(30 * time.Minute)
	h := pipelines.NewHours(clickhouse.NewHours(l.db), postgres.NewHours(l.pg), func() time.Time { return now }, l.log)
	insert := func(at time.Time, v float64) {
		t.Helper()
		if err := l.sink.InsertReadings(t.Context(), []sensors.Reading{{Device: "h-1", Metric: "ph", At: at, Value: v, RX: now}}); err != nil {
			t.Fatal(err)
		}
	}
	turn := func(after time.Duration) int {
		t.Helper()
		now = now.Add(after)
		if err := h.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		hours, err := clickhouse.NewHours(l.db).Of(t.Context(), "h-1", "ph", start, start.Add(2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if len(hours) == 0 {
			return 0
		}
		return int(hours[0].N)
	}
	insert(start.Add(10*time.Minute), 7)
	if n := turn(time.Minute); n != 0 {
		t.Errorf("an hour under way has %d rows", n)
	}
	if n := turn(32 * time.Minute); n != 1 {
		t.Errorf("after its end the hour has %d rows, want 1", n)
	}
	insert(start.Add(20*time.Minute), 8) // late
	turn(time.Minute)
	if n := turn(time.Minute); n != 2 {
		t.Errorf("after a late row the hour has %d rows, want 2", n)
	}
}
