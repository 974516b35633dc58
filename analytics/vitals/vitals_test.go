package vitals_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"plinth"
	"plinth/analytics/vitals"
	"plinth/internal/clickhouse"
	"plinth/internal/district"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/pipelines"
	"plinth/sensors"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

// lab is a keeper over real engines with a clock of its own.
type lab struct {
	*vitals.Keeper
	pg     *postgres.DB
	ch     *clickhouse.DB
	values *clickhouse.VitalValues
	now    time.Time
}

// monday is a Monday, 10:00 in Shanghai.
var monday = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

func newLab(t *testing.T) *lab {
	t.Helper()
	pg, err := postgres.Open(t.Context(), stacktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Close)
	ch, err := clickhouse.Open(t.Context(), stacktest.ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.Close() })
	for _, table := range []string{"vital", "vital_now", "event", "reading", "device", "fusion_log"} {
		if err := ch.Exec(t.Context(), "TRUNCATE TABLE plinth."+table); err != nil {
			t.Fatal(err)
		}
	}
	l := &lab{pg: pg, ch: ch, values: clickhouse.NewVitalValues(ch), now: monday}
	l.Keeper = vitals.New(vitals.Config{Store: postgres.NewVitals(pg), Values: l.values, Engine: clickhouse.NewVitals(ch),
		Now: func() time.Time { return l.now }, Log: slog.New(slog.DiscardHandler)})
	return l
}

func (l *lab) load(t *testing.T, files ...vitals.Version) {
	t.Helper()
	if err := l.Load(t.Context(), files); err != nil {
		t.Fatal(err)
	}
}

// tick computes what is due at a moment.
func (l *lab) tick(t *testing.T, at time.Time) {
	t.Helper()
	l.now = at
	if err := l.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (l *lab) state(t *testing.T, id string) vitals.State {
	t.Helper()
	s, err := l.State(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// calls stores n hotline tickets of a street within the hour before at.
func (l *lab) calls(t *testing.T, street string, n int, at, rx time.Time) {
	t.Helper()
	var es []pipelines.Event
	for i := range n {
		es = append(es, pipelines.Event{Source: "hotline", SourceID: fmt.Sprintf("%s-%d-%d-%d", street, at.Unix(), rx.Unix(), i),
			At: at.Add(-time.Minute - time.Duration(i)*time.Second), Class: "政法/交通管理", Street: street, RX: rx})
	}
	if err := clickhouse.NewEvents(l.ch).InsertEvents(t.Context(), es); err != nil {
		t.Fatal(err)
	}
}

func file(i vitals.Indicator) vitals.Version {
	return vitals.Version{Indicator: i, Origin: vitals.Shipped}
}

func f(x float64) *float64 { return &x }

// counted is an indicator of tickets per street and hour.
func counted() vitals.Indicator {
	i := vitals.Indicator{ID: "counted", Title: vitals.Text{ZH: "计数", EN: "Counted"}, Sector: "opinion", Unit: "1", Owner: "operation",
		Every: vitals.Span(time.Hour), Rollup: vitals.Sum, Source: "test",
		SQL: `SELECT street, countIf(at >= {from}) AS value FROM plinth.event FINAL
			WHERE at >= {from} - INTERVAL 40 DAY AND at < {to} GROUP BY street`,
		Evidence: `SELECT source_id, at FROM plinth.event FINAL
			WHERE at >= {from} AND at < {to} AND ({street} = '' OR street = {street}) ORDER BY source_id`,
		High: vitals.Limits{Notice: f(2), Warning: f(4), Urgent: f(6)}}
	i.District.High = vitals.Limits{Notice: f(10)}
	return i
}

var clerk = plinth.Principal{Account: "acc_clerk", Name: "clerk", Department: "databureau", Roles: []plinth.Role{plinth.RoleSteward}}

func TestGradesBeginAboveTheirLimits(t *testing.T) {
	l := newLab(t)
	l.load(t, file(counted()))
	want := map[string]vitals.Grade{"s2": vitals.Normal, "s3": vitals.Notice, "s4": vitals.Notice, "s5": vitals.Warning,
		"s6": vitals.Warning, "s7": vitals.Urgent}
	for street := range want {
		l.calls(t, street, int(street[1]-'0'), monday, monday)
	}
	l.tick(t, monday.Add(2*time.Minute))
	s := l.state(t, "counted")
	for street, grade := range want {
		if v := s.At(street); v == nil || v.Grade != grade || v.Value != float64(street[1]-'0') {
			t.Errorf("%s: %+v, want %s", street, v, grade)
		}
	}
	if s.District == nil || s.District.Value != 27 || s.District.Grade != vitals.Notice || s.Status != vitals.Current {
		t.Errorf("district %+v, %s; want 27 by its own limit", s.District, s.Status)
	}
}

func TestLowLimitsAndQuantilesAndTheSameHour(t *testing.T) {
	l := newLab(t)
	low := counted()
	low.ID, low.Rollup, low.High, low.District.High = "low", vitals.Worst, vitals.Limits{}, vitals.Limits{}
	low.Low = vitals.Limits{Notice: f(4), Warning: f(2)}
	same := counted()
	same.ID, same.Baseline, same.District.High = "same", vitals.Baseline{Kind: vitals.SameHour}, vitals.Limits{}
	same.High = vitals.Limits{Notice: f(2), Urgent: f(3)}
	place := counted()
	place.ID, place.Baseline, place.District.High = "place", vitals.Baseline{Kind: vitals.Quantile, Days: 3}, vitals.Limits{}
	place.High = vitals.Limits{Notice: f(.9)}
	l.load(t, file(low), file(same), file(place))
	for week := 1; week <= 4; week++ {
		l.calls(t, "a", 2, monday.AddDate(0, 0, -7*week), monday)
		l.calls(t, "b", 2, monday.AddDate(0, 0, -7*week), monday)
	}
	for hour := 1; hour <= 30; hour++ {
		l.calls(t, "b", 3, monday.Add(-time.Duration(hour)*time.Hour), monday)
	}
	l.calls(t, "a", 4, monday, monday)
	l.calls(t, "b", 7, monday, monday)
	if _, _, err := l.Recompute(t.Context(), "place", monday.Add(-30*time.Hour), monday.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	l.tick(t, monday.Add(2*time.Minute))
	for _, c := range []struct {
		id, street string
		grade      vitals.Grade
		score      float64
	}{
		{"low", "a", vitals.Normal, 4}, {"same", "a", vitals.Normal, 2}, {"same", "b", vitals.Urgent, 3.5},
		{"place", "b", vitals.Notice, 1},
	} {
		s := l.state(t, c.id)
		if v := s.At(c.street); v == nil || v.Grade != c.grade || v.Score != c.score {
			t.Errorf("%s %s: %+v, want %s by %v", c.id, c.street, v, c.grade, c.score)
		}
	}
	if d := l.state(t, "low").District; d == nil || d.Value != 4 || d.Grade != vitals.Normal {
		t.Errorf("the worst street stands for the district: %+v", d)
	}
	if d := l.state(t, "same").District; d.Grade != vitals.Notice || d.Score != 11.0/4 {
		t.Errorf("the district against its own usual: %+v", d)
	}
}

func TestLateRowsAndRecomputationGiveTheSameValues(t *testing.T) {
	l := newLab(t)
	l.load(t, file(counted()))
	l.calls(t, "a", 1, monday, monday)
	l.tick(t, monday.Add(2*time.Minute))
	if v := l.state(t, "counted").At("a"); v.Value != 1 || v.Grade != vitals.Normal {
		t.Fatalf("at first %+v", v)
	}
	l.calls(t, "a", 4, monday, monday.Add(5*time.Minute)) // late
	l.tick(t, monday.Add(10*time.Minute))
	late := l.state(t, "counted").At("a")
	if late.Value != 5 || late.Grade != vitals.Warning {
		t.Errorf("after late rows %+v, want 5 and warning", late)
	}
	if _, _, err := l.Recompute(t.Context(), "counted", monday.Add(-time.Hour), monday); err != nil {
		t.Fatal(err)
	}
	again := l.state(t, "counted").At("a")
	again.Computed, late.Computed = time.Time{}, time.Time{}
	if fmt.Sprint(*again) != fmt.Sprint(*late) { // NaN is unlike itself
		t.Errorf("computed again %+v, want %+v", again, late)
	}
	if _, _, err := l.Recompute(t.Context(), "counted", monday.AddDate(-1, 0, 0), monday); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("a year at once: %v", err)
	}
}

func TestWhatIsOffKeepsSinceWhenAndWhereItGoes(t *testing.T) {
	l := newLab(t)
	l.load(t, file(counted()))
	for hour := range 5 {
		l.calls(t, "a", 1+hour, monday.Add(time.Duration(hour)*time.Hour), monday)
	}
	for hour := range 5 {
		l.tick(t, monday.Add(time.Duration(hour)*time.Hour+2*time.Minute))
	}
	v := l.state(t, "counted").At("a")
	if v.Trend != vitals.Up || v.Grade != vitals.Warning || !v.Since.Equal(monday.Add(time.Hour)) {
		t.Errorf("%+v: want up, warning, since 3 calls at %s", v, monday.Add(time.Hour))
	}
	c, err := l.CheckUp(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Findings) != 1 || c.Findings[0].Value.Street != "a" || c.Grade != vitals.Normal || c.Streets["a"] != vitals.Warning {
		t.Errorf("check-up %+v", c)
	}
	rows, err := l.EvidenceOf(t.Context(), c.Findings[0].Indicator, "a", v.From)
	if err != nil || len(rows.Rows) != 5 {
		t.Errorf("evidence %+v, %v; want the five tickets", rows, err)
	}
	l.now = monday.Add(30 * time.Hour)
	if s := l.state(t, "counted"); s.Status != vitals.Lagging || s.At("a").Grade != vitals.Unknown {
		t.Errorf("a day later it is %s, %+v", s.Status, s.At("a"))
	}
}

func TestAPersonsChangeIsAVersionWithARecord(t *testing.T) {
	l := newLab(t)
	l.load(t)
	i := counted()
	v, err := l.Declare(t.Context(), clerk, i)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Declare(t.Context(), clerk, i); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("declared twice: %v", err)
	}
	i.High.Notice = f(1)
	if v, err = l.Change(t.Context(), clerk, i, v.Version); err != nil || v.Version != 2 {
		t.Fatalf("changed %+v, %v", v, err)
	}
	if _, err := l.Change(t.Context(), clerk, i, 1); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("changed what was read before: %v", err)
	}
	shipped := counted()
	shipped.Source = "another"
	l.load(t, file(shipped)) // a file does not take back what a person decided
	if v, err = l.Retire(t.Context(), clerk, i.ID, 2, "no longer needed"); err != nil || v.Version != 3 || !v.Retired {
		t.Fatalf("retired %+v, %v", v, err)
	}
	all, err := postgres.NewVitals(l.pg).Versions(t.Context(), i.ID)
	if err != nil || len(all) != 3 {
		t.Fatalf("%d versions, %v", len(all), err)
	}
	var kinds []string
	if err := l.pg.QueryRow(t.Context(), `SELECT array_agg(o.kind ORDER BY i.version) FROM ledger_outbox o JOIN indicator i
		ON i.record_id = o.id WHERE o.subject = 'indicator:counted'`).Scan(&kinds); err != nil {
		t.Fatal(err)
	}
	if want := []string{"indicator.declared", "indicator.changed", "indicator.retired"}; !slices.Equal(kinds, want) {
		t.Errorf("records %v, want %v", kinds, want)
	}
}

func TestBadDefinitionsAreRefusedWithTheirField(t *testing.T) {
	l := newLab(t)
	l.load(t)
	for field, spoil := range map[string]func(*vitals.Indicator){
		"id":           func(i *vitals.Indicator) { i.ID = "No" },
		"title":        func(i *vitals.Indicator) { i.Title.EN = "" },
		"sectorTitle":  func(i *vitals.Indicator) { i.Sector = "space" },
		"owner":        func(i *vitals.Indicator) { i.Owner = "" },
		"every":        func(i *vitals.Indicator) { i.Every = vitals.Span(time.Minute) },
		"rollup":       func(i *vitals.Indicator) { i.Rollup = "median" },
		"baseline":     func(i *vitals.Indicator) { i.Baseline.Kind = "moon" },
		"baselineDays": func(i *vitals.Indicator) { i.Baseline = vitals.Baseline{Kind: vitals.Quantile} },
		"high":         func(i *vitals.Indicator) { i.High.Urgent = f(1) },
		"low":          func(i *vitals.Indicator) { i.Low = vitals.Limits{Notice: f(1), Warning: f(2)} },
		"districtHigh": func(i *vitals.Indicator) { i.District.High = vitals.Limits{} },
		"source":       func(i *vitals.Indicator) { i.Source = "" },
		"sql":          func(i *vitals.Indicator) { i.SQL += "; DROP TABLE plinth.event" },
		"evidenceSql":  func(i *vitals.Indicator) { i.Evidence = "INSERT INTO plinth.event (at) SELECT {to}" },
	} {
		i := counted()
		spoil(&i)
		_, err := l.Declare(t.Context(), clerk, i)
		var e *plinth.Error
		if !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	for name, sql := range map[string]string{
		"no street":     "SELECT 1 AS value WHERE {to} > {from}",
		"another":       "SELECT '' AS street, 1 AS value, 2 AS x WHERE {to} > {from}",
		"text":          "SELECT '' AS street, 'much' AS value WHERE {to} > {from}",
		"street twice":  "SELECT 'a' AS street, number AS value FROM numbers(2) WHERE {to} > {from}",
		"too many rows": "SELECT toString(number) AS street, 1 AS value FROM numbers(5000) WHERE {to} > {from}",
	} {
		i := counted()
		i.SQL = sql
		if _, err := l.Try(t.Context(), i); !errors.Is(err, plinth.ErrInvalid) || !strings.HasPrefix(err.Error(), "sql: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestShippedIndicatorsComputeFromTheSimulatedDistrict(t *testing.T) {
	l := newLab(t)
	d := district.New(district.Config{Seed: 3, Devices: 60, Start: monday.Add(-time.Hour)})
	l.feed(t, d, monday.Add(-time.Hour), monday)
	files, err := vitals.ShippedIndicators()
	if err != nil {
		t.Fatal(err)
	}
	l.load(t, files...)
	l.tick(t, monday.Add(2*time.Minute))
	l.tick(t, monday.Add(3*time.Minute))
	states, err := l.States(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]int{}
	for _, s := range states {
		if s.Status == vitals.Failed {
			t.Errorf("%s fails: %s", s.ID, s.Fault)
		}
		if s.District != nil {
			have[s.Sector]++
		}
	}
	for _, sector := range []string{"environment", "supply", "traffic", "safety", "livelihood", "opinion"} {
		if have[sector] == 0 {
			t.Errorf("nothing of %s is computed", sector)
		}
	}
	c, err := l.CheckUp(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Sectors {
		if without := s.ID == "weather" || s.ID == "population"; without == s.Connected || without && s.Missing.ZH == "" {
			t.Errorf("%s: connected %v, missing %q", s.ID, s.Connected, s.Missing)
		}
	}
	if len(c.Streets) != len(d.Streets()) {
		t.Errorf("%d streets on the compass, want %d", len(c.Streets), len(d.Streets()))
	}
}

// feed stores what the simulated district says in a period, and a day of its events before.
func (l *lab) feed(t *testing.T, d *district.District, from, to time.Time) {
	t.Helper()
	var devices []*sensors.Device
	for _, x := range d.Devices() {
		devices = append(devices, &sensors.Device{ID: plinth.DeviceID(x.ID), Kind: string(x.Kind), Owner: plinth.AgentID(x.Owner),
			Street: x.Street, Grid: x.Grid, Site: x.Site, Interval: x.Interval})
	}
	if err := clickhouse.NewDevices(l.ch).Mirror(t.Context(), devices, from); err != nil {
		t.Fatal(err)
	}
	sink := &fed{l: l}
	if err := d.Feed(t.Context(), district.Sinks{Readings: sink, Events: sink}, to, 0); err != nil {
		t.Fatal(err)
	}
	var es []district.Event
	for e := range d.Events(from.AddDate(0, 0, -1), to) {
		es = append(es, e)
	}
	if err := sink.Put(t.Context(), es); err != nil {
		t.Fatal(err)
	}
	if err := clickhouse.NewReadings(l.ch).InsertReadings(t.Context(), sink.rows); err != nil {
		t.Fatal(err)
	}
}

type fed struct {
	l    *lab
	rows []sensors.Reading
}

func (s *fed) Send(_ context.Context, r district.Reading) error {
	for i, v := range r.Values {
		s.rows = append(s.rows, sensors.Reading{Device: plinth.DeviceID(r.Device.ID), Metric: r.Device.Metrics[i].Name, At: r.At,
			Seq: r.Seq, Value: v, RX: r.At})
	}
	return nil
}

func (s *fed) Put(ctx context.Context, es []district.Event) error {
	var rows []pipelines.Event
	for _, e := range es {
		rows = append(rows, pipelines.Event{Source: e.Source, SourceID: e.SourceID, At: e.At, Class: e.Class, Title: e.Title,
			Street: e.Street, Grid: e.Grid, RX: e.At})
	}
	return clickhouse.NewEvents(s.l.ch).InsertEvents(ctx, rows)
}

func TestAFileOfIndicatorsIsReadStrictly(t *testing.T) {
	for name, tt := range map[string]struct{ yaml, says string }{
		"unknown key": {"id: x\ncolour: red\n", "line 2"},
		"no yaml":     {"id: [", "yaml"},
		"half":        {"id: x\n", "sector"},
	} {
		if _, err := vitals.Parse([]byte(tt.yaml)); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %q", name, err, tt.says)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("id: x\nsector: safety\nevery: 1h\nhigh: {notice: 1}\n")
	f.Fuzz(func(t *testing.T, s string) {
		list, err := vitals.Parse([]byte(s))
		for _, i := range list {
			if err == nil && i.Validate() != nil {
				t.Errorf("read %+v, which is not valid", i)
			}
		}
	})
}
