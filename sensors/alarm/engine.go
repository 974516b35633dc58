package alarm

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/detect"
)

// Rows reads stored readings.
type Rows interface {
	// Of returns d's readings from a moment until before another, each once.
	Of(ctx context.Context, d plinth.DeviceID, from, to time.Time) ([]sensors.Reading, error)
	// Inserted calls each for every message's readings of the devices that were inserted since rx, each device's in order
	// of time; it must not keep them.
	Inserted(ctx context.Context, ds []plinth.DeviceID, rx time.Time, each func(rs []sensors.Reading)) error
}

// Config is what an Engine is made of.
type Config struct {
	Packs  Packs
	Device func(plinth.DeviceID) *sensors.Device
	// Devices are those of a kind.
	Devices func(kind string) []*sensors.Device
	// Partitions are the numbers of parts that kinds of device are split into; those that are not split are not there.
	Partitions map[string]int
	Store      Store
	Teller     Teller
	States     States
	Notes      Notes
	Rows       Rows
	Excuse     Excuse
	// Blind tells that messages of a part do not reach us now, so that silence means nothing. nil is never.
	Blind func(sensors.Part) bool
	// Event stores the events of alarms, durably and harmlessly when repeated.
	Event func(ctx context.Context, as []Alarm) error
	Now   func() time.Time
	Log   *slog.Logger
}

// Engine runs the packs' rules on what devices of the parts that it has taken send. It decides on arrival and tells when
// the rows are stored. Many goroutines may use it.
type Engine struct {
	Config
	shards [shards]shard
	late   lateList

	mu    sync.RWMutex
	parts map[sensors.Part]*holding

	noteMu sync.Mutex
	done   map[noteKey]Note // notes whose work no snapshot has yet

	decided, told, withdrawn, events, outgrown atomic.Int64
}

// shards is also the seconds in which every device is ticked once.
const shards = 60

type shard struct {
	mu      sync.Mutex
	watches map[plinth.DeviceID]*watch
	pending []Decision // decided without a message; told by Run
}

// New returns an engine that has seen nothing.
func New(c Config) *Engine {
	e := &Engine{Config: c, parts: map[sensors.Part]*holding{}, done: map[noteKey]Note{}}
	for i := range e.shards {
		e.shards[i].watches = map[plinth.DeviceID]*watch{}
	}
	return e
}

func (e *Engine) shard(id plinth.DeviceID) *shard {
	h := fnv.New32a()
	h.Write([]byte(id))
	return &e.shards[h.Sum32()%shards]
}

// watchOf returns the watch of d, made anew when d or its pack has changed; nil when no rules are for it here. The
// detectors keep what they have learnt as far as their rules have stayed as they were. The caller holds s's lock.
func (e *Engine) watchOf(s *shard, d *sensors.Device) *watch {
	w := s.watches[d.ID]
	p := e.Packs.Of(d.Kind)
	if p == nil {
		return nil
	}
	if w != nil && w.pack == p && (w.d == d || w.d.Version == d.Version) {
		return w
	}
	h := e.holder(d)
	if h == nil {
		return nil
	}
	next := newWatch(d, p)
	next.of = h
	if w != nil {
		next.inherit(w.snapshot())
		next.changed, next.untold = w.changed, w.untold
	}
	s.watches[d.ID] = next
	return next
}

// Decide implements pipelines.Decider. Of a device that is decided on elsewhere it leaves a note when the rows are stored:
// its messages came to a topic that is not its part's.
func (e *Engine) Decide(d *sensors.Device, rs []sensors.Reading) []any {
	if d.Life == sensors.Maintenance {
		return nil // whoever works on it makes readings of all kinds
	}
	s := e.shard(d.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := e.watchOf(s, d)
	if w == nil && e.Packs.Of(d.Kind) != nil {
		return []any{noteOf(rs)}
	}
	if w == nil {
		return nil
	}
	now := e.Now()
	ds, late := w.arrive(rs, now, e.Excuse)
	if late {
		e.late.add(d.ID, rs, now)
	}
	if len(ds) == 0 {
		return nil
	}
	w.untold += len(ds)
	e.decided.Add(int64(len(ds)))
	out := make([]any, len(ds))
	for i := range ds {
		out[i] = ds[i]
	}
	return out
}

// Tell implements pipelines.Decider.
func (e *Engine) Tell(ctx context.Context, ds []any) error {
	var out []Decision
	var ns []Note
	for _, d := range ds {
		switch d := d.(type) {
		case Decision:
			out = append(out, d)
		case Note:
			ns = append(ns, d)
		}
	}
	if err := e.note(ctx, ns); err != nil || len(out) == 0 {
		return err
	}
	return e.tell(ctx, out)
}

func (e *Engine) tell(ctx context.Context, ds []Decision) error {
	if err := e.write(ctx, ds); err != nil {
		return err
	}
	for i := range ds {
		s := e.shard(ds[i].Alarm.Device)
		s.mu.Lock()
		if w := s.watches[ds[i].Alarm.Device]; w != nil && w.untold > 0 {
			w.untold--
		}
		s.mu.Unlock()
	}
	return nil
}

// write stores decisions. One that can never be stored is left out and logged.
func (e *Engine) write(ctx context.Context, ds []Decision) error {
	changed, err := e.Teller.Tell(ctx, ds, e.Now())
	if errors.Is(err, plinth.ErrInvalid) && len(ds) > 1 {
		for i := range ds {
			if err := e.write(ctx, ds[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	if errors.Is(err, plinth.ErrInvalid) {
		e.Log.ErrorContext(ctx, "alarm refused for good", "device", ds[0].Alarm.Device, "rule", ds[0].Alarm.Rule, "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("tell alarms: %w", err)
	}
	e.told.Add(int64(len(changed)))
	return nil
}

// handled hears what people found. A false alarm that nobody is at home tells the detector that nobody is.
func (e *Engine) handled(a Alarm) {
	if a.State != Handled || a.Outcome != False {
		return
	}
	s := e.shard(a.Device)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watches[a.Device]
	if w == nil {
		return
	}
	for _, r := range w.rules {
		if absent, ok := r.detect.(detect.Absence); ok && r.rule.Name == a.Rule {
			absent.Away(a.Since, a.HandledAt.Add(longestAway))
			if w.changed.IsZero() {
				w.changed = e.Now()
			}
		}
	}
}

// longestAway is for how long a home is taken to be empty after people said so; the first use of water ends it.
const longestAway = 14 * 24 * time.Hour

// Tally is what an engine has done since it began, and what it holds.
type Tally struct{ Decided, Told, Withdrawn, Events, Watched, Pending, Outgrown int64 }

// Counts tells what the engine has done.
func (e *Engine) Counts() Tally {
	t := Tally{Decided: e.decided.Load(), Told: e.told.Load(), Withdrawn: e.withdrawn.Load(), Events: e.events.Load(),
		Outgrown: e.outgrown.Load()}
	for i := range e.shards {
		s := &e.shards[i]
		s.mu.Lock()
		t.Watched += int64(len(s.watches))
		for _, w := range s.watches {
			t.Pending += int64(w.untold)
		}
		s.mu.Unlock()
	}
	return t
}
