package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.yaml.in/yaml/v3"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/pipelines"
	"plinth/sensors"
)

// siegeOutcome counts what went wrong with the readings that the broker acknowledged.
type siegeOutcome struct {
	Acked     int
	Lost      int // not stored
	Doubled   int // visible more than once
	Altered   int // stored with another value
	Unproven  int // in windows whose newest segment says something else than the stored rows
	Repeated  int // segments that say the same of their window as an earlier one
	Uncounted int // hours that are not what their rows give
}

// judge looks at each device until everything acknowledged is stored and proven; after a while once, as it is.
func (s *siege) judge(t testing.TB) (all siegeOutcome) {
	t.Helper()
	ctx := context.Background()
	ch, pg := s.engines(t, ctx)
	deadline := time.Now().Add(3 * time.Minute)
	for _, f := range s.feeds {
		o, err := s.look(ctx, ch, pg, f)
		for (err != nil || o.wrong()) && time.Now().Before(deadline) {
			time.Sleep(time.Second)
			o, err = s.look(ctx, ch, pg, f)
		}
		if err != nil {
			t.Fatal(err)
		}
		all.add(o)
	}
	if all.wrong() {
		s.explain(t, ctx, ch, pg)
	}
	return all
}

func (o siegeOutcome) wrong() bool { return o != siegeOutcome{Acked: o.Acked} }

func (o *siegeOutcome) add(p siegeOutcome) {
	o.Acked += p.Acked
	o.Lost += p.Lost
	o.Doubled += p.Doubled
	o.Altered += p.Altered
	o.Unproven += p.Unproven
	o.Repeated += p.Repeated
	o.Uncounted += p.Uncounted
}

// look counts what is wrong now with a device's readings. A store that was killed last may still be away.
func (s *siege) look(ctx context.Context, ch *clickhouse.DB, pg *postgres.DB, f *siegeFeed) (o siegeOutcome, err error) {
	rows, err := clickhouse.NewReadings(ch).Of(ctx, plinth.DeviceID(f.device), s.base, s.base.Add(24*time.Hour))
	if err != nil {
		return o, err
	}
	o.count(f, rows)
	if err := o.prove(ctx, s, pg, f, rows); err != nil {
		return o, err
	}
	return o, o.sum(ctx, ch, f, rows)
}

// count compares a device's stored readings with what it had acknowledged.
func (o *siegeOutcome) count(f *siegeFeed, rows []sensors.Reading) {
	acked := int(f.acked.Load())
	o.Acked += acked
	times := map[uint64]int{}
	for _, r := range rows {
		times[r.Seq]++
		if r.Value != siegeValue(int(r.Seq)) {
			o.Altered++
		}
	}
	for n := 1; n <= acked; n++ {
		switch got := times[uint64(n)]; {
		case got == 0:
			o.Lost++
		case got > 1:
			o.Doubled++
		}
	}
}

// prove counts the stored readings whose window's newest segment has not the root of the window's rows, and the segments
// that say nothing new.
func (o *siegeOutcome) prove(ctx context.Context, s *siege, pg *postgres.DB, f *siegeFeed, rows []sensors.Reading) error {
	segments, err := postgres.NewLedger(pg).Segments(ctx, f.device, s.base, s.base.Add(24*time.Hour), 100_000)
	if err != nil {
		return err
	}
	newest := map[time.Time][32]byte{}
	for _, seg := range segments { // in order of their numbers
		if newest[seg.From] == seg.Root {
			o.Repeated++
		}
		newest[seg.From] = seg.Root
	}
	for from, in := range windowsOf(rows, time.Minute) {
		if newest[from] != pipelines.SegmentRoot(in) {
			o.Unproven += len(in)
		}
	}
	return nil
}

// sum counts the hours whose row is not what the stored readings give; one is there three minutes after its end.
func (o *siegeOutcome) sum(ctx context.Context, ch *clickhouse.DB, f *siegeFeed, rows []sensors.Reading) error {
	kept := map[time.Time]clickhouse.Hour{}
	for from := range windowsOf(rows, time.Hour) {
		hours, err := clickhouse.NewHours(ch).Of(ctx, plinth.DeviceID(f.device), f.metric, from, from.Add(time.Hour))
		if err != nil {
			return err
		}
		for _, h := range hours {
			kept[h.At.UTC()] = h
		}
	}
	for from, in := range windowsOf(rows, time.Hour) {
		if time.Since(from) < time.Hour+4*time.Minute {
			continue
		}
		h := kept[from]
		if got, want := (siegeHour{h.N, h.Min, h.Max, h.First, h.Last}), hourOf(in); got != want || math.Abs(h.Sum/sumOf(in)-1) > 1e-9 {
			o.Uncounted++
		}
	}
	return nil
}

// siegeHour is what an hour says that does not depend on the order of adding.
type siegeHour struct {
	n                     uint64
	min, max, first, last float64
}

// hourOf computes an hour of its rows, which are in order of time.
func hourOf(rows []sensors.Reading) siegeHour {
	h := siegeHour{uint64(len(rows)), rows[0].Value, rows[0].Value, rows[0].Value, rows[len(rows)-1].Value}
	for _, r := range rows {
		h.min, h.max = min(h.min, r.Value), max(h.max, r.Value)
	}
	return h
}

func sumOf(rows []sensors.Reading) (sum float64) {
	for _, r := range rows {
		sum += r.Value
	}
	return sum
}

func windowsOf(rows []sensors.Reading, length time.Duration) map[time.Time][]sensors.Reading {
	windows := map[time.Time][]sensors.Reading{}
	for _, r := range rows {
		from := r.At.Truncate(length)
		windows[from] = append(windows[from], r)
	}
	return windows
}

// explain logs what may say why something is missing.
func (s *siege) explain(t testing.TB, ctx context.Context, ch *clickhouse.DB, pg *postgres.DB) {
	t.Helper()
	for _, f := range s.feeds {
		rows, err := clickhouse.NewReadings(ch).Of(ctx, plinth.DeviceID(f.device), s.base, s.base.Add(24*time.Hour))
		stored := map[uint64]bool{}
		for _, r := range rows {
			stored[r.Seq] = true
		}
		var missing []int
		for n := 1; n <= int(f.acked.Load()); n++ {
			if !stored[uint64(n)] {
				missing = append(missing, n)
			}
		}
		if len(missing) > 0 || err != nil {
			t.Logf("%s at %s: %d acknowledged, missing %v, %v", f.device, f.topic, f.acked.Load(), missing, err)
		}
	}
	for _, sql := range []string{`SELECT 'member ' || t::text FROM ingest_member t`, `SELECT 'share ' || t::text FROM ingest_share t`,
		`SELECT 'due ' || t::text FROM segment_due t LIMIT 10`, `SELECT 'hour ' || t::text FROM hour_due t LIMIT 10`} {
		rows, err := pg.Query(ctx, sql)
		if err != nil {
			t.Log(err)
			continue
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		t.Log(strings.Join(lines, "\n"), err)
	}
	var dead []string
	err := ch.QueryRow(ctx, `SELECT groupArray(20)(toString(tuple(source, field, reason, n))) FROM plinth.dead_letter`).Scan(&dead)
	t.Log("dead letters", dead, err)
}

// engines connects to the databases that the service uses.
func (s *siege) engines(t testing.TB, ctx context.Context) (*clickhouse.DB, *postgres.DB) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.house.data, "engines.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	type endpoint struct {
		URL, User    string
		PasswordFile string `yaml:"password-file"`
	}
	var reach struct{ Postgres, Clickhouse endpoint }
	if err := yaml.Unmarshal(raw, &reach); err != nil {
		t.Fatal(err)
	}
	dsn, err := postgresDSN(PostgresConfig{URL: reach.Postgres.URL, PasswordFile: reach.Postgres.PasswordFile})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := readSecret(reach.Clickhouse.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	pg, err := postgres.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Close)
	ch, err := clickhouse.Open(ctx, clickhouse.Config{URL: reach.Clickhouse.URL, User: reach.Clickhouse.User, Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.Close() })
	return ch, pg
}
