package alarm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/detect"
)

// DeviceState is what the detectors of a device have learnt.
type DeviceState struct {
	Device plinth.DeviceID
	Pack   string
	RX     time.Time
	State  []byte
}

// States keeps snapshots of detectors; they are durable when SaveStates returns. A snapshot may be older than the rows,
// never newer: what came after it is read again from the rows.
type States interface {
	// SaveStates replaces the states of these devices, and notes that rows inserted before rx are in the states of all
	// devices that have any.
	SaveStates(ctx context.Context, all []DeviceState, rx time.Time) error
	// LoadStates calls each for every state, and returns the newest rx that was noted, zero when none was.
	LoadStates(ctx context.Context, each func(DeviceState)) (time.Time, error)
}

// saved is a device's state as it is stored, in JSON.
type saved struct {
	Seq   uint64      `json:"seq"`
	At    time.Time   `json:"at"`
	Gaps  int         `json:"gaps,omitempty"`
	Rules []savedRule `json:"rules"`
}

type savedRule struct {
	Name     string       `json:"name"`
	Detector string       `json:"detector"`
	Now      savedVerdict `json:"now"`
	Excused  bool         `json:"excused,omitempty"`
	State    []byte       `json:"state"`
}

// savedVerdict is a verdict whose grade is a number: in packs it is a word.
type savedVerdict struct {
	Grade uint8             `json:"grade"`
	Since time.Time         `json:"since"`
	At    time.Time         `json:"at"`
	Score float64           `json:"score"`
	Rows  []detect.Ref      `json:"rows,omitempty"`
	Facts map[string]string `json:"facts,omitempty"`
}

func saving(v detect.Verdict) savedVerdict {
	return savedVerdict{uint8(v.Grade), v.Since, v.At, v.Score, v.Rows, v.Facts}
}

func (v savedVerdict) verdict() detect.Verdict {
	return detect.Verdict{Grade: detect.Grade(v.Grade), Since: v.Since, At: v.At, Score: v.Score, Rows: v.Rows, Facts: v.Facts}
}

func (w *watch) snapshot() saved {
	s := saved{Seq: w.seq, At: w.at, Gaps: w.gaps}
	for _, r := range w.rules {
		s.Rules = append(s.Rules, savedRule{r.rule.Name, r.rule.Detector, saving(r.now), r.excused,
			r.detect.AppendState(nil)})
	}
	return s
}

// inherit goes on from a snapshot. A rule whose state does not fit any more begins anew.
func (w *watch) inherit(s saved) {
	w.seq, w.at, w.gaps = s.Seq, s.At, s.Gaps
	w.seen[0], w.n = moment{s.At.UnixMilli(), s.Seq}, 1
	for i, r := range w.rules {
		k := slices.IndexFunc(s.Rules, func(x savedRule) bool { return x.Name == r.rule.Name && x.Detector == r.rule.Detector })
		if k < 0 {
			continue
		}
		if r.detect.SetState(s.Rules[k].State) != nil {
			if det, err := r.rule.Watch(w.d); err == nil {
				w.rules[i] = &ruleWatch{rule: r.rule, detect: det}
			}
			continue
		}
		r.now, r.excused = s.Rules[k].Now.verdict(), s.Rules[k].Excused
	}
}

const statesAtOnce = 500

// Save stores the state of every device of which something new came, unless decisions on it wait to be told or messages
// to be put in order: their snapshot would lose them.
func (e *Engine) Save(ctx context.Context) error {
	now := e.Now()
	low, all := now, []DeviceState(nil)
	for i := range e.shards {
		s := &e.shards[i]
		s.mu.Lock()
		for id, w := range s.watches {
			if w.changed.IsZero() {
				continue
			}
			if w.untold > 0 || len(w.held) > 0 {
				if w.changed.Before(low) {
					low = w.changed
				}
				continue
			}
			b, err := json.Marshal(w.snapshot())
			if err != nil {
				s.mu.Unlock()
				return fmt.Errorf("snapshot of %s: %w", id, err)
			}
			all = append(all, DeviceState{id, w.pack.Version, now, b})
			w.changed = time.Time{}
		}
		s.mu.Unlock()
	}
	return e.saveAll(ctx, all, low)
}

// saveAll stores states in parts. On an error they are due again.
func (e *Engine) saveAll(ctx context.Context, all []DeviceState, low time.Time) error {
	slices.SortFunc(all, func(a, b DeviceState) int { return cmp.Compare(a.Device, b.Device) })
	rest := all
	for {
		n := min(len(rest), statesAtOnce)
		var rx time.Time
		if n == len(rest) {
			rx = low // with the last part alone
		}
		if err := e.States.SaveStates(ctx, rest[:n], rx); err != nil {
			e.dirty(rest)
			return err
		}
		if rest = rest[n:]; len(rest) == 0 {
			return nil
		}
	}
}

func (e *Engine) dirty(all []DeviceState) {
	for _, st := range all {
		s := e.shard(st.Device)
		s.mu.Lock()
		if w := s.watches[st.Device]; w != nil && (w.changed.IsZero() || st.RX.Before(w.changed)) {
			w.changed = st.RX
		}
		s.mu.Unlock()
	}
}

// margin is by how much a row's rx may be behind our clock.
const margin = time.Second

// Restore goes on from the snapshots and the rows inserted since; what these decide and was not told is told. It is
// called once, before messages come.
func (e *Engine) Restore(ctx context.Context) error {
	rx, err := e.States.LoadStates(ctx, e.load)
	if err != nil || rx.IsZero() {
		return err
	}
	var ds []Decision
	err = e.Rows.Inserted(ctx, rx.Add(-margin), func(rs []sensors.Reading) { ds = append(ds, e.again(rs)...) })
	if err != nil {
		return fmt.Errorf("read what came since the snapshot: %w", err)
	}
	for len(ds) > 0 {
		n := min(len(ds), statesAtOnce)
		if err := e.write(ctx, ds[:n]); err != nil {
			return err
		}
		ds = ds[n:]
	}
	return nil
}

// load makes a device's watch of its stored state.
func (e *Engine) load(st DeviceState) {
	d := e.Device(st.Device)
	if d == nil {
		return
	}
	var s saved
	if err := json.Unmarshal(st.State, &s); err != nil {
		e.Log.Error("detectors' state not read, they begin anew", "device", st.Device, "err", err)
		return
	}
	sh := e.shard(st.Device)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if w := sh.watch(d, e.Packs); w != nil {
		w.inherit(s)
	}
}

// again decides on stored rows of one message that the snapshot may not have.
func (e *Engine) again(rs []sensors.Reading) []Decision {
	d := e.Device(rs[0].Device)
	if d == nil || d.Life == sensors.Maintenance {
		return nil
	}
	s := e.shard(d.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watch(d, e.Packs)
	if w == nil {
		return nil
	}
	if rs[0].Flags&sensors.Late != 0 {
		e.late.add(d.ID, rs, e.Now())
	}
	if w.changed.IsZero() {
		w.changed = e.Now()
	}
	return w.replay(rs, e.Excuse)
}
