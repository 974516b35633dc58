package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/analytics"
	"plinth/internal/clickhouse"
	"plinth/internal/district"
	"plinth/pipelines"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// emptied is a database without events and incidents, whatever other tests left.
func emptied(t *testing.T) *clickhouse.DB {
	t.Helper()
	db := migrated(t)
	for _, table := range []string{"event", "fusion_log"} {
		if err := db.Exec(t.Context(), "TRUNCATE TABLE plinth."+table); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// story is a day of the simulated district as events, received as they happened, and the truth about them.
func story(seed uint64, hours int) (events []pipelines.Event, truth map[string]string) {
	from := time.Date(2026, 11, 20, 0, 0, 0, 0, district.Shanghai)
	d := district.New(district.Config{Seed: seed, Start: from})
	truth = map[string]string{}
	for e := range d.Events(from, from.Add(time.Duration(hours)*time.Hour)) {
		truth[e.ID()] = e.Incident
		events = append(events, pipelines.Event{Source: e.Source, SourceID: e.SourceID, At: e.At, Class: e.Class, Title: e.Title,
			Text: e.Text, Street: e.Street, Grid: e.Grid, Address: e.Address, Longitude: e.Longitude, Latitude: e.Latitude,
			Contact: e.Contact, Attrs: e.Attrs, RX: e.At})
	}
	return events, truth
}

func members(t *testing.T, s *clickhouse.Fusion, events []pipelines.Event) map[string]string {
	t.Helper()
	asked := make([]analytics.Event, len(events))
	for i, e := range events {
		asked[i] = analytics.Event{Source: e.Source, SourceID: e.SourceID}
	}
	found, err := s.IncidentsOf(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for id, in := range found {
		out[id] = string(in)
	}
	return out
}

func fuser(log analytics.FusionLog) *analytics.Fuser {
	return analytics.NewFuser(log, analytics.CurrentWeights(), func() time.Time { return noon }, quiet)
}

func TestFuserMakesTheSameIncidentsWithAndWithoutRestarts(t *testing.T) {
	db := emptied(t)
	events, truth := story(11, 30)
	sink, log := clickhouse.NewEvents(db), clickhouse.NewFusion(db)
	if err := sink.InsertEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	if n, err := fuser(log).Pass(t.Context()); err != nil || n != len(events) {
		t.Fatalf("%d of %d events fused, %v", n, len(events), err)
	}
	want := members(t, log, events)
	var found, real []string
	for id, in := range want {
		found, real = append(found, in), append(real, truth[id])
	}
	score := analytics.ScorePairs(found, real)
	t.Logf("%d events through ClickHouse: precision %.3f, recall %.3f, F1 %.3f", len(events), score.Precision, score.Recall, score.F1)
	if score.F1 < .85 {
		t.Errorf("F1 %.3f", score.F1)
	}

	// The same events in three parts, each met by a fuser that knows only the log.
	if err := db.Exec(t.Context(), "TRUNCATE TABLE plinth.event"); err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), "TRUNCATE TABLE plinth.fusion_log"); err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(events, len(events)/3+1) {
		if err := sink.InsertEvents(t.Context(), part); err != nil {
			t.Fatal(err)
		}
		if _, err := fuser(log).Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, members(t, log, events)); diff != "" {
		t.Errorf("restarts change incidents:\n%s", diff)
	}
}

// torn is a log that fails after writing, or before, as a crash would.
type torn struct {
	*clickhouse.Fusion
	calls int
}

func (l *torn) Append(ctx context.Context, steps []analytics.Step) error {
	l.calls++
	switch l.calls {
	case 1:
		return errors.New("before writing")
	case 2:
		if err := l.Fusion.Append(ctx, steps); err != nil {
			return err
		}
		return errors.New("after writing")
	}
	return l.Fusion.Append(ctx, steps)
}

func TestAnUnknownOutcomeDoublesNothing(t *testing.T) {
	db := emptied(t)
	events, _ := story(12, 6)
	if err := clickhouse.NewEvents(db).InsertEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	log := &torn{Fusion: clickhouse.NewFusion(db)}
	f := fuser(log)
	for i, failed := range []bool{true, true, false, false} {
		if _, err := f.Pass(t.Context()); (err != nil) != failed {
			t.Fatalf("pass %d: %v", i, err)
		}
	}
	// Told again with a new receipt, as an import that is repeated.
	for i := range events {
		events[i].RX = events[i].RX.Add(time.Hour)
	}
	if err := clickhouse.NewEvents(db).InsertEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Pass(t.Context()); err != nil || n != 0 {
		t.Errorf("%d events fused again, %v", n, err)
	}
	var rows, distinct uint64
	if err := db.QueryRow(t.Context(), `SELECT count(), uniqExact(source, source_id) FROM plinth.fusion_log`).Scan(&rows, &distinct); err != nil {
		t.Fatal(err)
	}
	if rows != uint64(len(events)) || distinct != rows {
		t.Errorf("%d steps about %d events, want %d", rows, distinct, len(events))
	}
}

func TestIncidentsAreListedAndExplained(t *testing.T) {
	db := emptied(t)
	events, _ := story(13, 24)
	log := clickhouse.NewFusion(db)
	if err := clickhouse.NewEvents(db).InsertEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	if _, err := fuser(log).Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, total, err := log.Incidents(t.Context(), analytics.IncidentFilter{Limit: 1000})
	if err != nil || int64(len(all)) != total || total == 0 {
		t.Fatalf("%d of %d incidents, %v", len(all), total, err)
	}
	var paged []analytics.Incident
	var size int
	for f := (analytics.IncidentFilter{Limit: 37}); ; {
		page, n, err := log.Incidents(t.Context(), f)
		if err != nil || n != total {
			t.Fatalf("total %d, want %d; %v", n, total, err)
		}
		paged = append(paged, page...)
		if len(page) < f.Limit {
			break
		}
		f.After = &page[len(page)-1]
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		t.Errorf("pages do not add up:\n%s", diff)
	}
	for _, in := range all {
		size += in.Size
	}
	if size != len(events) {
		t.Errorf("incidents have %d members, there are %d events", size, len(events))
	}
	big, n, err := log.Incidents(t.Context(), analytics.IncidentFilter{MinSize: 3, Limit: 1, From: events[0].At, To: events[len(events)-1].At})
	if err != nil || len(big) != 1 || n >= total {
		t.Fatalf("%v, %d, %v", big, n, err)
	}
	in, m, err := log.Incident(t.Context(), big[0].ID)
	if err != nil || len(m) != in.Size || m[0].Op != analytics.Open || m[1].Op != analytics.Attach || len(m[1].Weights) < 3 || m[1].Event.Text == "" {
		t.Errorf("incident %+v with members %+v, %v", in, m, err)
	}
	if _, _, err := log.Incident(t.Context(), "in_none"); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("unknown incident: %v", err)
	}
}

func TestCountsAndHotWordsFollowTheEvents(t *testing.T) {
	db := emptied(t)
	trends := clickhouse.NewTrends(db)
	day := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	var events []pipelines.Event
	add := func(n int, at time.Time, class, text string) {
		for range n {
			id := fmt.Sprint(len(events))
			events = append(events, pipelines.Event{Source: "hotline", SourceID: id, At: at, Class: class, Title: "第" + id + "件", Text: text, RX: noon})
		}
	}
	add(8, day, "a/b", "地铁施工噪音扰民，晚上很吵")
	add(5, day.Add(20*time.Hour), "a/c", "飞线充电有隐患")
	add(3, day.AddDate(0, 0, -7), "a/b", "又有飞线充电，噪音扰民")
	add(4, day.Add(time.Hour), "a/b", "天气很好")
	if err := clickhouse.NewEvents(db).InsertEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	f := analytics.CountFilter{From: day.Add(-time.Hour), To: day.AddDate(0, 0, 6)}
	counts, err := trends.CountByDay(t.Context(), f)
	want := []analytics.DayCount{{Day: "2026-11-23", Class: "a/b", Count: 12}, {Day: "2026-11-24", Class: "a/c", Count: 5}}
	if diff := cmp.Diff(want, counts); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	f.From = day.AddDate(0, 0, -1)
	words, docs, err := analytics.HotWords(t.Context(), trends, f, 10)
	if err != nil || docs != 17 {
		t.Fatalf("%d documents, %v", docs, err)
	}
	got := map[string]analytics.HotWord{}
	for _, w := range words {
		got[w.Word] = w
	}
	if w := got["飞线充电"]; w.Count != 5 || w.ShareBefore != 1000 {
		t.Errorf("飞线充电 is %+v of %v", w, words)
	}
	for _, piece := range []string{"飞线", "线充电", "扰民，"} {
		if _, found := got[piece]; found {
			t.Errorf("%s is a word of %v", piece, words)
		}
	}
	if _, _, err := analytics.HotWords(t.Context(), trends, f, 0); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("no limit: %v", err)
	}
}

func TestFiltersTakeAnyText(t *testing.T) {
	db := emptied(t)
	trends, log := clickhouse.NewTrends(db), clickhouse.NewFusion(db)
	for _, s := range []string{"'", `\`, "') OR 1=1 --", "%", "?", "{x:String}", "\x00", "兰溪路", "`"} {
		if _, _, err := trends.Events(t.Context(), analytics.EventFilter{Source: s, Class: s, Street: s, Grid: s, Query: s, Limit: 5,
			After: &analytics.Event{Source: s, SourceID: s, At: noon}}); err != nil {
			t.Errorf("events of %q: %v", s, err)
		}
		if _, n, err := log.Incidents(t.Context(), analytics.IncidentFilter{Street: s, Grid: s, Class: s, Limit: 5,
			After: &analytics.Incident{ID: plinth.IncidentID(s), LastAt: noon}}); err != nil || n != 0 {
			t.Errorf("incidents of %q: %d, %v", s, n, err)
		}
		if _, err := trends.CountByDay(t.Context(), analytics.CountFilter{Source: s, Street: s}); err != nil {
			t.Errorf("counts of %q: %v", s, err)
		}
		if _, _, err := log.Incident(t.Context(), plinth.IncidentID(s)); !errors.Is(err, plinth.ErrNotFound) {
			t.Errorf("incident %q: %v", s, err)
		}
	}
}

func TestAnAlarmOfAHomeIsInNoIncident(t *testing.T) {
	db := emptied(t)
	log := clickhouse.NewFusion(db)
	told := func(id string, attrs map[string]string) pipelines.Event {
		return pipelines.Event{Source: "sensor", SourceID: id, At: noon, Title: "x", Street: "taopu", Attrs: attrs, RX: noon}
	}
	events := []pipelines.Event{told("of-a-home", map[string]string{"privacy": "home"}), told("of-a-lift", nil)}
	if err := clickhouse.NewEvents(db).InsertEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	if _, err := fuser(log).Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := members(t, log, events); len(got) != 1 || got["sensor/of-a-lift"] == "" {
		t.Errorf("in incidents are %v, want the lift's alarm alone", got)
	}
}
