package alarm_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/alarm"
	"plinth/sensors/pack"
)

const gatePack = `kind: gate
version: "1"
name: {zh: 闸门, en: Gate}
interval: 60s
metrics:
  - {name: level, title: {zh: 水位, en: Level}, unit: m, min: -2, max: 8}
rules:
  - name: high
    title: {zh: 水位过高, en: Level too high}
    detector: threshold
    metrics: [level]
    params: {notice: {above: 3}, urgent: {above: 4}, hold: 2m}
    text: {zh: "{device} {value} m", en: "{device} {value} m"}
    dispatch:
      notice: {unit: street, within: 1h}
    unless: {permit: high_water}
  - name: offline
    title: {zh: 离线, en: Offline}
    detector: offline
    metrics: [level]
    params: {after: 10m}
    text: {zh: 离线, en: offline}
`

// packs is one pack.
type packs struct{ p *pack.Pack }

func (s packs) Of(kind string) *pack.Pack {
	if kind == s.p.Kind {
		return s.p
	}
	return nil
}

func gates(t testing.TB) packs {
	t.Helper()
	p, err := pack.Parse("gate.yaml", []byte(gatePack))
	if err != nil {
		t.Fatal(err)
	}
	return packs{p}
}

var (
	noon = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	gate = sensors.Device{ID: "gate-1", Kind: "gate", Owner: "ecology", Street: "taopu", Site: "一号闸", Interval: time.Minute,
		Name: sensors.Text{ZH: "闸", EN: "gate"}, Metrics: []sensors.Metric{{Name: "level", Unit: "m", Min: -2, Max: 8}}}
)

// memory is a store in memory, with the rows of one device.
type memory struct {
	alarms  map[alarm.ID]*alarm.Alarm
	did     []string
	once    map[string]bool
	states  map[plinth.DeviceID]alarm.DeviceState
	rx      time.Time
	epoch   int64
	notes   map[string]alarm.Note
	rows    []sensors.Reading
	fail    error
	permits []alarm.Permit
}

func newMemory() *memory {
	return &memory{alarms: map[alarm.ID]*alarm.Alarm{}, once: map[string]bool{}, states: map[plinth.DeviceID]alarm.DeviceState{},
		notes: map[string]alarm.Note{}}
}

func (m *memory) Tell(_ context.Context, ds []alarm.Decision, now time.Time) ([]alarm.Alarm, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	var out []alarm.Alarm
	for _, d := range ds {
		key := fmt.Sprint(d.Alarm.ID, d.Op, d.At.UnixMilli())
		if d.Op == alarm.Raise {
			key = string(d.Alarm.ID)
		}
		if m.once[key] {
			continue
		}
		m.once[key] = true
		m.did = append(m.did, fmt.Sprintf("%s %s %d %s", d.Op, d.Alarm.Rule, d.Alarm.Grade, d.At.Format("15:04")))
		if d.Op == alarm.Raise {
			a := d.Alarm
			m.alarms[a.ID] = &a
		}
		a := m.alarms[d.Alarm.ID]
		if d.Op == alarm.Withdraw {
			a.State = alarm.Withdrawn
		}
		out = append(out, *a)
	}
	return out, nil
}
func (m *memory) EventsDue(context.Context, int) ([]alarm.Alarm, error) { return nil, nil }
func (m *memory) EventsDone(context.Context, []alarm.Alarm) error       { return nil }
func (m *memory) Alarm(_ context.Context, id alarm.ID) (alarm.Alarm, []alarm.Step, error) {
	if a := m.alarms[id]; a != nil {
		return *a, nil, nil
	}
	return alarm.Alarm{}, nil, plinth.Errorf(plinth.ErrNotFound, "no such alarm")
}
func (m *memory) AlarmCounts(context.Context, alarm.Filter, time.Time) (c alarm.Counts, _ error) {
	return c, nil
}
func (m *memory) Alarms(_ context.Context, f alarm.Filter) (out []alarm.Alarm, _ int, _ error) {
	for _, a := range m.alarms {
		if a.Device == f.Device {
			out = append(out, *a)
		}
	}
	return out, len(out), nil
}
func (m *memory) TakePart(context.Context, sensors.Part) (int64, time.Time, error) {
	m.epoch++
	return m.epoch, m.rx, nil
}
func (m *memory) SaveStates(_ context.Context, _ sensors.Part, epoch int64, all []alarm.DeviceState, rx time.Time) error {
	if epoch != m.epoch {
		return plinth.Errorf(plinth.ErrConflict, "taken")
	}
	for _, s := range all {
		m.states[s.Device] = s
	}
	if !rx.IsZero() {
		m.rx = rx
	}
	return nil
}
func (m *memory) LoadStates(_ context.Context, _ string, each func(alarm.DeviceState)) error {
	for _, s := range m.states {
		each(s)
	}
	return nil
}
func (m *memory) AddNotes(_ context.Context, ns []alarm.Note) error {
	for _, n := range ns {
		key := string(n.Device) + "/" + string(n.Alarm)
		if old, ok := m.notes[key]; ok {
			if old.First.Before(n.First) {
				n.First = old.First
			}
			if old.Last.After(n.Last) {
				n.Last = old.Last
			}
			n.Version = old.Version + 1
		}
		m.notes[key] = n
	}
	return nil
}
func (m *memory) Notes(context.Context, []string) (out []alarm.Note, _ error) {
	for _, n := range m.notes {
		out = append(out, n)
	}
	return out, nil
}
func (m *memory) EndNotes(_ context.Context, ns []alarm.Note) error {
	for _, n := range ns {
		key := string(n.Device) + "/" + string(n.Alarm)
		if m.notes[key].Version == n.Version {
			delete(m.notes, key)
		}
	}
	return nil
}
func (m *memory) Of(_ context.Context, _ plinth.DeviceID, from, to time.Time) (out []sensors.Reading, _ error) {
	for _, r := range m.rows {
		if !r.At.Before(from) && r.At.Before(to) {
			out = append(out, r)
		}
	}
	return out, nil
}
func (m *memory) Inserted(_ context.Context, _ []plinth.DeviceID, rx time.Time, each func([]sensors.Reading)) error {
	rows := slices.Clone(m.rows)
	slices.SortStableFunc(rows, func(a, b sensors.Reading) int { return a.At.Compare(b.At) })
	for _, r := range rows {
		if !r.RX.Before(rx) {
			each([]sensors.Reading{r})
		}
	}
	return nil
}

// rig is an engine over a memory with a clock that tests move.
type rig struct {
	*memory
	*alarm.Engine
	t   *testing.T
	now time.Time
}

func (g *rig) excuse(kind, site string, at time.Time) (alarm.Permit, bool) {
	for _, p := range g.permits {
		if p.Kind == kind && p.Site == site && p.Covers(at) {
			return p, true
		}
	}
	return alarm.Permit{}, false
}

func newRig(t *testing.T, m *memory) *rig {
	g := &rig{memory: m, t: t, now: noon}
	g.begin()
	return g
}

// begin starts the service anew over what is stored.
func (g *rig) begin() {
	g.Engine = g.engine()
	if err := g.Take(g.t.Context(), part); err != nil {
		g.t.Fatal(err)
	}
}

// part is where the gates are.
var part = sensors.Part{Domain: "gate"}

// engine is one that has taken nothing yet.
func (g *rig) engine() *alarm.Engine {
	return alarm.New(alarm.Config{Packs: gates(g.t), Device: func(plinth.DeviceID) *sensors.Device { return &gate },
		Devices: func(string) []*sensors.Device { return []*sensors.Device{&gate} }, Store: g.memoryStore(), Teller: g.memory,
		States: g.memory, Notes: g.memory, Rows: g.memory, Excuse: g.excuse, Now: func() time.Time { return g.now },
		Log: slog.New(slog.DiscardHandler)})
}

// memoryStore adds to the memory what the engine does not use.
func (g *rig) memoryStore() alarm.Store { return noMoves{g.memory} }

func reading(minute int, level float64) sensors.Reading {
	return sensors.Reading{Device: gate.ID, Metric: "level", At: noon.Add(time.Duration(minute) * time.Minute), Seq: uint64(minute + 1), Value: level}
}

// decide takes a message as the stream does, up to before the store.
func (g *rig) decide(r sensors.Reading) []any {
	if r.At.After(g.now) {
		g.now = r.At
	}
	return g.Decide(&gate, []sensors.Reading{r})
}

// send takes a message, stores its row and tells what follows.
func (g *rig) send(r sensors.Reading) {
	g.t.Helper()
	ds := g.decide(r)
	g.store(r)
	if err := g.Engine.Tell(g.t.Context(), ds); err != nil {
		g.t.Fatal(err)
	}
}

func (g *rig) store(r sensors.Reading) {
	r.RX = g.now
	g.rows = append(g.rows, r)
}

func (g *rig) want(did ...string) {
	g.t.Helper()
	if d := cmp.Diff(did, g.did); d != "" {
		g.t.Errorf("done (-want +got):\n%s", d)
	}
}

// levels are a story: up at minute 3, higher at 8, down at 12.
func level(minute int) float64 {
	switch {
	case minute >= 3 && minute < 8:
		return 3.5
	case minute >= 8 && minute < 12:
		return 4.5
	}
	return 1
}

var storyOf20 = []string{"raised high 1 12:05", "regraded high 3 12:10", "ended high 3 12:14"}

func shanghaiStory(s []string) []string {
	out := slices.Clone(s)
	for i := range out {
		out[i] = out[i][:len(out[i])-5] + "04" + out[i][len(out[i])-3:]
	}
	return out
}

func TestAStoryIsToldOnceHoweverOftenItIsSent(t *testing.T) {
	g := newRig(t, newMemory())
	for minute := range 20 {
		g.send(reading(minute, level(minute)))
		g.send(reading(minute, level(minute)))
	}
	g.want(shanghaiStory(storyOf20)...)
}

func TestWhatIsMissingIsWaitedForOnlyWhenAGapShows(t *testing.T) {
	g := newRig(t, newMemory())
	for minute := range 20 {
		switch minute {
		case 4: // comes after 5
		case 5:
			g.send(reading(5, level(5)))
			g.want()
			g.now = g.now.Add(time.Second)
			late := reading(4, level(4))
			late.Flags = sensors.Late
			g.send(late)
			g.want(shanghaiStory(storyOf20)[:1]...)
		case 15: // never comes: 16 waits at most two intervals
		default:
			g.send(reading(minute, level(minute)))
		}
	}
	g.want(shanghaiStory(storyOf20)...)
}

// TestARestartAnywhereNeitherLosesNorDoubles kills the service after every step of every message.
func TestARestartAnywhereNeitherLosesNorDoubles(t *testing.T) {
	const decided, stored, told = 0, 1, 2
	for snapshot := range 20 {
		for death := snapshot; death < 20; death++ {
			for _, step := range []int{decided, stored, told} {
				g := newRig(t, newMemory())
				for minute := 0; minute < 20; minute++ {
					r := reading(minute, level(minute))
					g.now = r.At.Add(time.Second)
					if minute == snapshot {
						// Between deciding and telling: what is not told must not be in the snapshot as known.
						ds := g.decide(r)
						if err := g.Save(t.Context()); err != nil {
							t.Fatal(err)
						}
						if minute != death {
							g.store(r)
							if err := g.Engine.Tell(t.Context(), ds); err != nil {
								t.Fatal(err)
							}
							continue
						}
						g.dieAfter(r, ds, step)
						continue
					}
					if minute == death {
						g.dieAfter(r, g.decide(r), step)
						continue
					}
					g.send(r)
				}
				if d := cmp.Diff(shanghaiStory(storyOf20), g.did); d != "" {
					t.Fatalf("snapshot at %d, death at %d after step %d (-want +got):\n%s", snapshot, death, step, d)
				}
			}
		}
	}
}

// dieAfter lets the service die after a step of a message's way; the broker then sends the message again.
func (g *rig) dieAfter(r sensors.Reading, ds []any, step int) {
	g.t.Helper()
	if step >= 1 {
		g.store(r)
	}
	if step >= 2 {
		if err := g.Engine.Tell(g.t.Context(), ds); err != nil {
			g.t.Fatal(err)
		}
	}
	g.now = g.now.Add(time.Second)
	g.begin()
	g.send(r)
}

func TestLateRowsWithdrawWhatTheyRefute(t *testing.T) {
	for name, tt := range map[string]struct {
		late float64
		want []string
	}{
		"refuted":   {1, []string{"raised high 1 04:05", "withdrawn high 1 04:05"}},
		"confirmed": {3.6, []string{"raised high 1 04:05"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, newMemory())
			for minute := range 7 {
				if minute != 4 {
					r := reading(minute, level(minute))
					r.Seq = 0 // a device that does not count
					g.send(r)
				}
			}
			r := reading(4, tt.late)
			r.Seq, r.Flags = 0, 0
			g.send(r)
			g.now = g.now.Add(time.Minute)
			g.Step(t.Context(), 0)
			g.want(tt.want...)
		})
	}
}

func TestAPermitExcusesUntilItEnds(t *testing.T) {
	m := newMemory()
	m.permits = []alarm.Permit{{ID: "p", Kind: "high_water", Site: "一号闸", From: noon, To: noon.Add(9 * time.Minute)}}
	g := newRig(t, m)
	for minute := range 20 {
		g.send(reading(minute, level(minute)))
	}
	g.want("raised high 1 04:09", "regraded high 3 04:10", "ended high 3 04:14")
	for _, a := range g.alarms {
		if a.Permit != "none" || a.Unit != "taopu" {
			t.Errorf("alarm %+v", a)
		}
	}
}

func TestSilenceIsToldWhenItsRowIsStored(t *testing.T) {
	g := newRig(t, newMemory())
	r := reading(0, 1)
	g.decide(r)
	g.now = g.now.Add(20 * time.Minute)
	for n := range 60 {
		g.Step(t.Context(), n)
	}
	g.want()
	g.store(r)
	g.Step(t.Context(), 0)
	if len(g.did) != 1 {
		t.Errorf("done %v, want one alarm", g.did)
	}
}

func TestReplayDecidesAsTheServiceDid(t *testing.T) {
	g := newRig(t, newMemory())
	for minute := range 20 {
		g.send(reading(minute, level(minute)))
	}
	var got []string
	for _, d := range alarm.Replay(gates(t), []*sensors.Device{&gate}, g.rows, nil) {
		got = append(got, fmt.Sprintf("%s %s %d %s", d.Op, d.Alarm.Rule, d.Alarm.Grade, d.At.Format("15:04")))
	}
	if d := cmp.Diff(g.did, got); d != "" {
		t.Error(d)
	}
}
