package alarm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"plinth"
)

const statesAtOnce = 500

// partStates is what there is to save of a part: states, and until when its rows are in them.
type partStates struct {
	h       *holding
	low     time.Time
	all     []DeviceState
	skipped map[plinth.DeviceID]bool
}

// Save stores the state of every device of which something new came, unless decisions on it wait to be told or messages
// to be put in order: their snapshot would lose them.
func (e *Engine) Save(ctx context.Context) error {
	byPart := map[*holding]*partStates{}
	for _, h := range e.holdings() {
		byPart[h] = &partStates{h: h, low: e.Now()}
	}
	for id, first := range e.late.waiting() {
		if d := e.Device(id); d != nil {
			if p := byPart[e.holder(d)]; p != nil && first.Before(p.low) {
				p.low = first
			}
		}
	}
	for i := range e.shards {
		s := &e.shards[i]
		s.mu.Lock()
		for id, w := range s.watches {
			if p := byPart[w.of]; p != nil {
				p.add(e, id, w)
			}
		}
		s.mu.Unlock()
	}
	var failed error
	for _, p := range byPart {
		failed = errors.Join(failed, e.saveAll(ctx, p))
	}
	return failed
}

// add takes a device's state in, if there is anything new. The caller holds the lock of its shard.
func (p *partStates) add(e *Engine, id plinth.DeviceID, w *watch) {
	if w.changed.IsZero() {
		return
	}
	if w.untold > 0 || len(w.held) > 0 {
		if w.changed.Before(p.low) {
			p.low = w.changed
		}
		if p.skipped == nil {
			p.skipped = map[plinth.DeviceID]bool{}
		}
		p.skipped[id] = true
		return
	}
	state, outgrown := w.bounded()
	if len(outgrown) > 0 {
		e.outgrown.Add(int64(len(outgrown)))
		e.Log.Error("detectors have learnt more than their bound, they begin anew", "device", id, "rules", outgrown)
	}
	b, err := json.Marshal(state)
	if err != nil {
		panic("alarm: " + err.Error()) // numbers, texts and times of readings, whose years were checked
	}
	p.all = append(p.all, DeviceState{id, w.pack.Version, e.Now(), b})
	w.changed = time.Time{}
}

// saveAll stores states in parts, and ends the notes whose work they hold. On an error they are due again; a part that is
// somebody else's by now is given up.
func (e *Engine) saveAll(ctx context.Context, p *partStates) error {
	done := e.doneNotes(p)
	slices.SortFunc(p.all, func(a, b DeviceState) int { return cmp.Compare(a.Device, b.Device) })
	for rest := p.all; ; {
		n := min(len(rest), statesAtOnce)
		var rx time.Time
		if n == len(rest) {
			rx = p.low // with the last part alone
		}
		err := e.States.SaveStates(ctx, p.h.part, p.h.epoch, rest[:n], rx)
		if errors.Is(err, plinth.ErrConflict) {
			e.lose(ctx, p.h)
			return nil
		}
		if err != nil {
			e.dirty(rest)
			return err
		}
		if rest = rest[n:]; len(rest) == 0 {
			return e.endNotes(ctx, done)
		}
	}
}

// lose gives up a part that somebody else has taken: we were silent for longer than our lease.
func (e *Engine) lose(ctx context.Context, h *holding) {
	e.mu.Lock()
	if e.parts[h.part] == h {
		delete(e.parts, h.part)
	}
	e.mu.Unlock()
	e.forget(h)
	e.Log.WarnContext(ctx, "another process decides on the part's alarms now", "part", h.part.Name())
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
