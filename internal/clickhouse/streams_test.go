package clickhouse_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/pipelines"
	"plinth/sensors"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func migrated(t *testing.T) *clickhouse.DB {
	t.Helper()
	db := open(t)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestAReadingSentAgainIsOneReading(t *testing.T) {
	s := clickhouse.NewReadings(migrated(t))
	ctx := t.Context()
	rows := []sensors.Reading{
		{Device: "again-1", Metric: "ph", At: noon, Seq: 1, Value: 7, RX: noon},
		{Device: "again-1", Metric: "ph", At: noon.Add(1500 * time.Millisecond), Seq: 2, Value: 7.5, Flags: sensors.Spike, RX: noon},
		{Device: "again-1", Metric: "ph", At: time.Unix(0, 0).UTC(), Seq: 3, Value: 1, Flags: sensors.Clock, RX: noon},
	}
	for i := range 3 {
		for j := range rows {
			rows[j].RX = noon.Add(time.Duration(i) * time.Second)
		}
		if err := s.InsertReadings(ctx, rows); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Of(ctx, "again-1", noon.AddDate(-60, 0, 0), noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := []sensors.Reading{rows[2], rows[0], rows[1]}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	points, err := s.Thinned(ctx, "again-1", "ph", noon, noon.Add(time.Minute), 10*time.Second, 100)
	if err != nil {
		t.Fatal(err)
	}
	if want := []clickhouse.Point{{At: noon, Mean: 7.25, Min: 7, Max: 7.5, Count: 2, Flags: sensors.Spike}}; !cmp.Equal(want, points) {
		t.Errorf("thinned %v, want %v", points, want)
	}
	raw, err := s.Thinned(ctx, "again-1", "ph", noon, noon.Add(time.Minute), 0, 100)
	if err != nil || len(raw) != 2 {
		t.Errorf("raw %v, %v; want two points", raw, err)
	}
}

func TestTouchedFindsRowsByTheirInsertion(t *testing.T) {
	s := clickhouse.NewReadings(migrated(t))
	ctx := t.Context()
	old := noon.AddDate(0, 0, -3)
	err := s.InsertReadings(ctx, []sensors.Reading{
		{Device: "touch-1", Metric: "ph", At: old.Add(90 * time.Second), RX: noon.Add(48 * time.Hour)},
		{Device: "touch-1", Metric: "ph", At: old, RX: noon.Add(47 * time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Touched(ctx, noon.Add(48*time.Hour), noon.Add(49*time.Hour), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if want := []pipelines.Touch{{Device: "touch-1", At: old.Add(time.Minute)}}; !cmp.Equal(want, got) {
		t.Errorf("touched %v, want %v", got, want)
	}
	rows, err := s.Window(ctx, []plinth.DeviceID{"touch-1", "other"}, old, old.Add(time.Minute))
	if err != nil || len(rows) != 1 {
		t.Errorf("window %v, %v; want one row", rows, err)
	}
	recent, err := s.Recent(ctx, []plinth.DeviceID{"touch-1"}, old, old.Add(time.Hour), 1)
	if err != nil || len(recent) != 1 || !recent[0].At.Equal(old.Add(90*time.Second)) {
		t.Errorf("recent %v, %v; want the newest row", recent, err)
	}
}

func TestEventsAreCorrectedAndFiltered(t *testing.T) {
	s := clickhouse.NewEvents(migrated(t))
	ctx := t.Context()
	e := pipelines.Event{Source: "test-src", SourceID: "1", At: noon.Add(123 * time.Millisecond), Class: "噪声", Title: "夜间施工",
		Text: "it's \\ 'loud'", Street: "taopu", Longitude: 121.3, Latitude: 31.2, Attrs: map[string]string{"likes": "3"}, RX: noon}
	other := e
	other.SourceID, other.Class, other.At = "2", "道路", noon.Add(time.Hour)
	if err := s.InsertEvents(ctx, []pipelines.Event{e, other}); err != nil {
		t.Fatal(err)
	}
	e.At, e.Title, e.RX = noon.AddDate(0, -2, 0), "夜间施工扰民", noon.Add(time.Second)
	if err := s.InsertEvents(ctx, []pipelines.Event{e}); err != nil {
		t.Fatal(err)
	}
	known, err := s.ByID(ctx, "test-src", []string{"1", "3"})
	if err != nil || len(known) != 1 || !known["1"].Same(e) {
		t.Errorf("known %+v, %v; want the correction", known, err)
	}
	for name, tt := range map[string]struct {
		filter clickhouse.EventFilter
		want   int
	}{
		"source": {clickhouse.EventFilter{Source: "test-src"}, 2},
		"class":  {clickhouse.EventFilter{Source: "test-src", Class: "噪声"}, 1},
		"query":  {clickhouse.EventFilter{Source: "test-src", Query: "扰民"}, 1},
		"sql":    {clickhouse.EventFilter{Source: "test-src' OR 1=1 --"}, 0},
		"time":   {clickhouse.EventFilter{Source: "test-src", From: noon}, 1},
		"page":   {clickhouse.EventFilter{Source: "test-src", After: &other}, 1},
	} {
		tt.filter.Limit = 10
		got, err := s.List(ctx, tt.filter)
		if err != nil || len(got) != tt.want {
			t.Errorf("%s: %d events, %v; want %d", name, len(got), err, tt.want)
		}
	}
	if n, err := s.Count(ctx, clickhouse.EventFilter{Source: "test-src"}); err != nil || n != 2 {
		t.Errorf("count %d, %v; want 2", n, err)
	}
}

func TestADeadLetterRefusedAgainIsOne(t *testing.T) {
	s := clickhouse.NewDeadLetters(migrated(t))
	ctx := t.Context()
	d := pipelines.DeadLetter{At: noon, Source: "f.csv", Row: 7, Field: "at", Reason: "no time", Payload: "a,b", Run: "run_1"}
	for range 2 {
		if err := s.InsertDeadLetters(ctx, []pipelines.DeadLetter{d, {At: noon, Source: "t/1", Run: "run_2"}}); err != nil {
			t.Fatal(err)
		}
	}
	d.Count, d.Size = 1, 3
	got, n, err := s.Page(ctx, pipelines.LetterFilter{Run: "run_1"}, 10, 0)
	if err != nil || n != 1 || len(got) != 1 || !cmp.Equal(got[0].DeadLetter, d) || len(got[0].ID) != 32 || got[0].State != pipelines.LetterOpen {
		t.Errorf("dead letters %v of %d, %v; want %v", got, n, err, d)
	}
}
