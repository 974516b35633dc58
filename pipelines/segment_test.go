package pipelines_test

import (
	"slices"
	"testing"
	"time"

	"plinth/internal/postgres"
	"plinth/pipelines"
	"plinth/sensors"
)

func (l *lab) insert(t *testing.T, rx time.Time, rs ...sensors.Reading) {
	t.Helper()
	for i := range rs {
		rs[i].RX = rx
	}
	if err := l.sink.InsertReadings(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
}

func minute(d sensors.Device, from time.Time, n int) []sensors.Reading {
	var out []sensors.Reading
	for i := range n {
		out = append(out, sensors.Reading{Device: d.ID, Metric: "ph", At: from.Add(time.Duration(i) * time.Second), Seq: uint64(i), Value: 7})
	}
	return out
}

// TestStoredRowsAreCoveredOnceAndLateRowsAgain follows one device's minutes into the log.
func TestStoredRowsAreCoveredOnceAndLateRowsAgain(t *testing.T) {
	l := newLab(t)
	d := l.device(t, "wq-7", "water_quality")
	now := start.Add(10 * time.Minute)
	store := postgres.NewSegments(l.pg)
	s := pipelines.NewSegmenter(l.registry, l.sink.Readings, store, func() time.Time { return now }, l.log)
	work := func() []postgres.Sealed {
		t.Helper()
		for range 2 { // a second round changes nothing
			if err := s.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		got, err := store.Of(t.Context(), d.ID, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	l.insert(t, now.Add(-time.Minute), slices.Concat(minute(d, start, 60), minute(d, start.Add(time.Minute), 30))...)
	l.insert(t, now.Add(-time.Minute), minute(d, now.Truncate(time.Minute), 5)...) // its window is still open
	first := work()
	if len(first) != 2 || first[0].Count != 30 || first[1].Count != 60 || first[1].State != "pending" {
		t.Fatalf("segments %+v, want 60 and 30 readings", first)
	}

	now = now.Add(5 * time.Minute)
	l.insert(t, now.Add(-time.Minute), minute(d, start, 60)...) // a replay of the same rows
	if got := work(); len(got) != 3 || got[0].Count != 5 {
		t.Errorf("after a replay and the open window's end: %+v, want one segment more of 5", got)
	}

	now = now.Add(5 * time.Minute)
	l.insert(t, now.Add(-time.Minute), sensors.Reading{Device: d.ID, Metric: "do", At: start.Add(time.Second), Value: 6})
	got := work()
	if len(got) != 4 || got[0].Count != 61 || !got[0].From.Equal(start) {
		t.Fatalf("after a late row: %+v, want a segment of the whole window", got)
	}
	var supersedes string
	if err := l.pg.QueryRow(t.Context(), `SELECT supersedes::text FROM ledger_outbox WHERE id = $1 AND kind = 'device.segment'
		AND origin = 'device' AND subject = 'device:wq-7'`, got[0].Record).Scan(&supersedes); err != nil {
		t.Fatal(err)
	}
	if supersedes != first[1].Record.String() {
		t.Errorf("supersedes %s, want the window's first record %s", supersedes, first[1].Record)
	}
	var records int
	if err := l.pg.QueryRow(t.Context(), `SELECT count(*) FROM ledger_outbox WHERE kind = 'device.segment'`).Scan(&records); err != nil || records != 4 {
		t.Errorf("%d records, %v; want one per segment", records, err)
	}
}

func TestASegmentsRootIsOfItsRowsAlone(t *testing.T) {
	a := minute(sensors.Device{ID: "d"}, start, 5)
	b := slices.Clone(a)
	b[0].Flags, b[0].RX = sensors.Late, start
	if pipelines.SegmentRoot(a) != pipelines.SegmentRoot(b) {
		t.Error("our judgement or our clock changed the root")
	}
	b[4].Value = 8
	if pipelines.SegmentRoot(a) == pipelines.SegmentRoot(b) {
		t.Error("another value has the same root")
	}
}
