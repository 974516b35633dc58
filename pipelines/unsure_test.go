package pipelines_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plinth"
	"plinth/internal/postgres"
	"plinth/pipelines"
	"plinth/sensors"
)

// severed is a store of devices whose line can be cut.
type severed struct {
	sensors.Store
	cut atomic.Bool
}

func (s *severed) Roll(ctx context.Context, since string) (*sensors.Roll, error) {
	if s.cut.Load() {
		return nil, plinth.Errorf(plinth.ErrUnavailable, "PostgreSQL is away")
	}
	return s.Store.Roll(ctx, since)
}

// sever gives l a registry whose line to PostgreSQL can be cut, and returns the line and another instance beside it.
func (l *lab) sever(t *testing.T) (*severed, *lab) {
	t.Helper()
	elsewhere, line := *l, &severed{Store: postgres.NewSensors(l.pg)}
	var err error
	if l.registry, err = sensors.Open(t.Context(), line, nil, l.log); err != nil {
		t.Fatal(err)
	}
	return line, &elsewhere
}

// TestANewDevicesMessageWaitsWhilePostgreSQLIsAway checks that "not registered" is only said when the store said so, and
// that the other devices of the part go on.
func TestANewDevicesMessageWaitsWhilePostgreSQLIsAway(t *testing.T) {
	l := newLab(t)
	old := l.device(t, "wq-old", "water_quality")
	line, elsewhere := l.sever(t)
	l.broker.start(t)
	l.stream(t, old.Kind)
	line.cut.Store(true)
	fresh := elsewhere.device(t, "wq-new", "water_quality")
	const n = 100
	f := l.feeder(t, "feeder")
	f.Publish("plinth/v1/water_quality/nobody/data", 1, false, payload(0)).Wait()
	publish(f, fresh, 0, n)
	publish(f, old, 0, n)
	rows := func(id string) int {
		return l.count(t, fmt.Sprintf(`SELECT count() FROM plinth.reading FINAL WHERE device = '%s'`, id))
	}
	await(t, "the known device's rows", time.Minute, func() bool { return rows("wq-old") == 2*n })
	await(t, "questions to PostgreSQL", time.Minute, func() bool { return l.meter.Of(old.Kind).Retries >= 2 })
	if dead, kept := l.count(t, `SELECT count() FROM plinth.dead_letter`), l.door.Waiting(); dead != 0 || kept < n+1 {
		t.Errorf("%d dead letters and %d messages in hand, want none and at least %d", dead, kept, n+1)
	}
	line.cut.Store(false)
	await(t, "the new device's rows", time.Minute, func() bool { return rows("wq-new") == 2*n })
	await(t, "the acknowledgement of all", time.Minute, func() bool { return l.door.Waiting() == 0 })
	if n := l.count(t, `SELECT count() FROM plinth.dead_letter FINAL WHERE source LIKE '%nobody%'`); n != 1 {
		t.Errorf("%d dead letters of nobody, want 1 once it was asked for", n)
	}
	if n := l.count(t, `SELECT count() FROM plinth.dead_letter FINAL WHERE source LIKE '%wq-%'`); n != 0 {
		t.Errorf("%d dead letters of registered devices", n)
	}
}

// TestRowsOfANewDeviceAreSentAgainWhilePostgreSQLIsAway is the same by HTTP and by file, whose senders wait.
func TestRowsOfANewDeviceAreSentAgainWhilePostgreSQLIsAway(t *testing.T) {
	l := newLab(t)
	line, elsewhere := l.sever(t)
	line.cut.Store(true)
	fresh := elsewhere.device(t, "wq-new", "water_quality")
	direct := &pipelines.Direct{Watch: l.watch, Sink: l.sink, Meter: l.meter, Now: time.Now}
	row := pipelines.Row{Line: 1}
	row.Value.Device, row.Value.Metric, row.Value.At, row.Value.Value = string(fresh.ID), "ph", start, 7
	take := func() (int, []pipelines.Refusal, error) {
		return direct.Take(t.Context(), l.registry.Lookup(t.Context()), "", []pipelines.Row{row})
	}
	if n, refused, err := take(); !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("away: stored %d, refused %v, %v; want unavailable", n, refused, err)
	}
	line.cut.Store(false)
	if n, refused, err := take(); n != 1 || err != nil {
		t.Errorf("back: stored %d, refused %v, %v", n, refused, err)
	}
	if n := l.count(t, `SELECT count() FROM plinth.dead_letter`); n != 0 {
		t.Errorf("%d dead letters", n)
	}
	elsewhere.device(t, "wq-newer", "water_quality")
	probes, err := pipelines.ParseMapping([]byte(known))
	if err != nil {
		t.Fatal(err)
	}
	run, err := l.importer().Import(t.Context(), strings.NewReader("设备,时间,值\nwq-newer,2026-11-24 08:00:00,7\nwq-none,2026-11-24 08:00:00,7\n"),
		probes, pipelines.ImportOptions{Name: "x.csv"})
	if err != nil || run.Stored != 1 || run.Dead != 1 {
		t.Errorf("a file: %d stored and %d dead, %v; want one of each", run.Stored, run.Dead, err)
	}
}

// known is a mapping that registers nothing.
const known = `name: probes
title: {zh: 探头, en: Probes}
target: readings
zone: Asia/Shanghai
fields:
  device: {column: 设备, id: true}
  metric: {const: ph}
  at: {column: 时间, times: ["2006-01-02 15:04:05"]}
  value: {column: 值, number: true}
`
