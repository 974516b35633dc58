package pipelines_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/pipelines"
	"plinth/sensors"
)

func (l *lab) replayDesk(t *testing.T) *pipelines.ReplayDesk {
	t.Helper()
	store, shadow := postgres.NewPipelines(l.pg), clickhouse.NewShadow(l.db)
	board := &pipelines.Board{Store: store, Gates: &pipelines.Gates{}, Now: time.Now, Log: l.log,
		Mappings: func() map[string]*pipelines.Mapping { return nil }}
	if err := board.Ship(t.Context(), pipelines.ShippedStream("water_quality", "ecology"), pipelines.ShippedHTTP("ecology")); err != nil {
		t.Fatal(err)
	}
	letters := l.desk(t)
	letters.Stream.Gates = board.Gates
	return &pipelines.ReplayDesk{Store: store, Board: board, Registry: l.registry, Rows: shadow, Shadow: shadow, Changes: shadow,
		Sink: l.sink, Known: l.sink, Letters: letters, Now: time.Now, Log: l.log}
}

// replayed starts a replay of the test's day and does it.
func replayed(t *testing.T, desk *pipelines.ReplayDesk) pipelines.Replay {
	t.Helper()
	r, err := desk.Start(t.Context(), mender, "water_quality", start, start.Add(48*time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	return worked(t, desk, r)
}

func worked(t *testing.T, desk *pipelines.ReplayDesk, r pipelines.Replay) pipelines.Replay {
	t.Helper()
	desk.Work(t.Context(), r)
	r, err := desk.Get(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func difference(r pipelines.Replay, kind string) pipelines.Difference {
	for _, d := range r.Differences {
		if d.Kind == kind {
			return d
		}
	}
	return pipelines.Difference{}
}

// live are the rows that the stream itself stores of twelve messages: two with values that are far off, one late.
func (l *lab) live(t *testing.T, d *sensors.Device) {
	t.Helper()
	var rs []sensors.Reading
	for i := range 12 {
		at := start.Add(time.Duration(i) * time.Second)
		if i == 11 {
			at = start.Add(500 * time.Millisecond)
		}
		ph := 7 + float64(i%3)/10
		if i == 4 || i == 9 {
			ph = 15 // above 14
		}
		one := []sensors.Reading{{Device: d.ID, Metric: "ph", At: at, Seq: uint64(i), Value: ph},
			{Device: d.ID, Metric: "do", At: at, Seq: uint64(i), Value: 6 + float64(i%4)/10}}
		l.watch.Judge(d, one)
		rs = append(rs, one...)
	}
	for i := range rs {
		rs[i].RX = start.Add(time.Minute)
	}
	if err := l.sink.InsertReadings(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
}

// widen lets the device measure up to a limit.
func (l *lab) limit(t *testing.T, id plinth.DeviceID, top float64) {
	t.Helper()
	d := l.registry.Device(id)
	if _, err := l.registry.Change(t.Context(), id, d.Version, func(d *sensors.Device) error {
		ms := append([]sensors.Metric(nil), d.Metrics...)
		for i := range ms {
			if ms[i].Name == "ph" {
				ms[i].Max = top
			}
		}
		d.Metrics = ms
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestAReplayIsComparedAppliedAndThenChangesNothing goes the whole way: a limit is corrected, a check is declared and a
// device is registered; the replay says what would be otherwise without touching anything, its application makes it so
// with a record, the hours follow, and another replay finds nothing.
func TestAReplayIsComparedAppliedAndThenChangesNothing(t *testing.T) {
	l := newLab(t)
	d := l.device(t, "wq-1", "water_quality")
	l.live(t, &d)
	desk, ctx := l.replayDesk(t), t.Context()
	if r := replayed(t, desk); r.State != pipelines.ReplayDone || r.Rows != 24 || r.Done != 1 || r.Differs() || difference(r, "rows").Compared != 24 {
		t.Fatalf("nothing has changed since the rows were stored, yet: %+v", r)
	}

	l.limit(t, d.ID, 16)
	if _, err := desk.Board.Declare(ctx, mender, []byte(`
id: water_quality
title: {zh: 水质, en: Water quality}
kind: stream
source: {domain: water_quality}
sink: readings
owner: ecology
checks: [{name: sane oxygen, standard: GB 3838, metric: do, max: 6.2}]
`), 0); err != nil {
		t.Fatal(err)
	}
	letter := l.letterAt(t, start.Add(time.Hour), pipelines.DeadLetter{Source: "plinth/v1/water_quality/wq-2/data", Field: "topic",
		Reason: "not registered", Payload: fmt.Sprintf(`{"at":%q,"seq":7,"v":{"ph":7.5}}`, start.Add(time.Hour).Format(time.RFC3339)), Pipeline: "water_quality"})
	l.device(t, "wq-2", "water_quality")

	before := l.rows(t)
	r := replayed(t, desk)
	if r.State != pipelines.ReplayDone {
		t.Fatalf("the replay is %s: %s", r.State, r.Error)
	}
	if diff := l.rows(t); diff != before {
		t.Error("the replay changed live rows")
	}
	for kind, want := range map[string]map[string]int64{"flags": {"-range": 2}, "rows": {"gone": 3, "added": 1},
		"letters": {"mended": 1, "new": 3}, "hours": {"rows": 1, "flagged": 2}} {
		if got := difference(r, kind); !maps.Equal(got.By, want) {
			t.Errorf("%s: got %v, want %v", kind, got.By, want)
		}
	}
	if e := difference(r, "flags").Examples; len(e) != 2 || e[0].Stored != "15 range" && e[0].Stored != "15 range, gap" {
		t.Errorf("examples of flags: %+v", e)
	}

	if _, err := desk.Apply(ctx, mender, r.ID, " "); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("applied without a reason: %v", err)
	}
	if r, err := desk.Apply(ctx, mender, r.ID, "the limit was wrong"); err != nil {
		t.Fatal(err)
	} else if r = worked(t, desk, r); r.State != pipelines.ReplayApplied || r.Applied.Rows != 6 {
		t.Fatalf("after it is applied: %+v %+v", r, r.Applied)
	}
	if n := l.count(t, `SELECT count() FROM plinth.reading FINAL`); n != 25 {
		t.Errorf("%d rows, want the 24 and the mended letter's", n)
	}
	if n := l.count(t, `SELECT count() FROM plinth.reading FINAL WHERE bitTest(flags, 11)`); n != 3 {
		t.Errorf("%d rows are marked as refused by the present checks, want 3", n)
	}
	if n := l.count(t, `SELECT count() FROM plinth.reading FINAL WHERE metric = 'ph' AND bitTest(flags, 0)`); n != 0 {
		t.Errorf("%d rows are still out of range", n)
	}
	if s := l.stateOf(t, letter.ID); s != pipelines.LetterReplayed {
		t.Errorf("the letter is %s", s)
	}
	var records int
	if err := l.pg.QueryRow(ctx, `SELECT count(*) FROM ledger_outbox o JOIN replay r ON r.record_id = o.id
		WHERE o.kind = 'replay.applied' AND r.id = $1`, r.ID).Scan(&records); err != nil || records != 1 {
		t.Errorf("%d records, %v", records, err)
	}
	if _, err := desk.Apply(ctx, mender, r.ID, "again"); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("applied twice: %v", err)
	}

	now := time.Now().Add(time.Hour)
	h := pipelines.NewHours(clickhouse.NewHours(l.db), postgres.NewHours(l.pg), func() time.Time { return now }, l.log)
	for range 2 {
		if err := h.Work(ctx); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
	if n := l.count(t, `SELECT sum(flagged) FROM plinth.reading_hour FINAL WHERE device = 'wq-1'`); n != l.count(t,
		`SELECT countIf(flags != 0) FROM plinth.reading FINAL WHERE device = 'wq-1'`) {
		t.Errorf("the hours say that %d are flagged, their rows do not", n)
	}
	if again := replayed(t, desk); again.State != pipelines.ReplayDone || again.Differs() {
		t.Errorf("after it is applied another replay differs: %+v", again.Differences)
	}
}

// letterAt stores a letter that came at a moment.
func (l *lab) letterAt(t *testing.T, at time.Time, d pipelines.DeadLetter) pipelines.Letter {
	t.Helper()
	d.At = at
	if err := l.sink.InsertDeadLetters(t.Context(), []pipelines.DeadLetter{d}); err != nil {
		t.Fatal(err)
	}
	all, err := l.sink.Letters(t.Context(), pipelines.LetterFilter{Source: d.Source, State: pipelines.LetterOpen}, 2)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d open letters, %v", len(all), err)
	}
	return all[0]
}

// rows is a digest of the live rows and letters.
func (l *lab) rows(t *testing.T) int {
	return l.count(t, `SELECT (SELECT sum(cityHash64(*)) FROM plinth.reading) + (SELECT sum(cityHash64(*)) FROM plinth.dead_letter)
		+ (SELECT count() FROM plinth.dead_letter_act)`)
}

func TestReplaysOfOnePipelineRunOneAtATimeAndCanBeCancelled(t *testing.T) {
	l := newLab(t)
	d := l.device(t, "wq-1", "water_quality")
	l.live(t, &d)
	desk, ctx := l.replayDesk(t), t.Context()
	r, err := desk.Start(ctx, mender, "water_quality", start, start.Add(time.Hour), []plinth.DeviceID{"wq-1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Start(ctx, mender, "water_quality", start, start.Add(time.Hour), nil); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("a second one: %v", err)
	}
	if r, err = desk.Cancel(ctx, r.ID); err != nil || r.State != pipelines.ReplayCancelled {
		t.Fatalf("cancelled: %+v, %v", r, err)
	}
	r.State = pipelines.ReplayRunning // as the worker was given it
	if r = worked(t, desk, r); r.State != pipelines.ReplayCancelled {
		t.Errorf("the worker made a cancelled replay %s", r.State)
	}
	await(t, "the end of its shadow", time.Minute, func() bool {
		return l.count(t, `SELECT count() FROM plinth.shadow_reading`) == 0
	})
	for field, err := range map[string]error{
		"pipeline": startOf(ctx, desk, "http", start, start.Add(time.Hour)),
		"from":     startOf(ctx, desk, "water_quality", start, start),
		"to":       startOf(ctx, desk, "water_quality", start, start.Add(400*24*time.Hour)),
	} {
		var e *plinth.Error
		if !errors.As(err, &e) || e.Field != field {
			t.Errorf("field %s: %v", field, err)
		}
	}
	if err := startOf(ctx, desk, "nothing", start, start.Add(time.Hour)); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("an unknown pipeline: %v", err)
	}
}

func startOf(ctx context.Context, desk *pipelines.ReplayDesk, pipeline string, from, to time.Time) error {
	_, err := desk.Start(ctx, mender, pipeline, from, to, nil)
	return err
}

// TestWhatAStoppedInstanceLeftIsEndedOrTakenUp lets an instance fall silent while it replays and while it applies.
func TestWhatAStoppedInstanceLeftIsEndedOrTakenUp(t *testing.T) {
	l := newLab(t)
	d := l.device(t, "wq-1", "water_quality")
	l.live(t, &d)
	desk, ctx := l.replayDesk(t), t.Context()
	left, err := desk.Start(ctx, mender, "water_quality", start, start.Add(time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	next := l.replayDesk(t) // another instance, a minute later
	next.Now = func() time.Time { return time.Now().Add(time.Minute) }
	if err := next.Mend(ctx); err != nil {
		t.Fatal(err)
	}
	if r, err := next.Get(ctx, left.ID); err != nil || r.State != pipelines.ReplayInterrupted {
		t.Errorf("what was left running is %s, %v", r.State, err)
	}
	l.limit(t, d.ID, 16)
	r := replayed(t, l.replayDesk(t))
	if _, err := desk.Apply(ctx, mender, r.ID, "the limit was wrong"); err != nil {
		t.Fatal(err)
	}
	alive, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- next.Run(alive) }()
	await(t, "the application", time.Minute, func() bool {
		r, err := next.Get(ctx, r.ID)
		return err == nil && r.State == pipelines.ReplayApplied && r.Applied.Rows == 2
	})
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
