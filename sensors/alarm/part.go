package alarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"plinth"
	"plinth/sensors"
)

// holding is a part that this engine decides on.
type holding struct {
	part  sensors.Part
	epoch int64     // of our taking it; the store refuses what comes with an older one
	since time.Time // when we took it
}

// Take makes the engine decide on a part's devices: it goes on from what the detectors had learnt and from the rows
// inserted since, and tells what these decide. It is called before messages of the part come, by whoever has its lease.
// Devices of parts that are not taken cost nothing here.
func (e *Engine) Take(ctx context.Context, p sensors.Part) error {
	epoch, rx, err := e.States.TakePart(ctx, p)
	if err != nil {
		return err
	}
	r := &restoring{Engine: e, h: &holding{p, epoch, e.Now()}, watches: map[plinth.DeviceID]*watch{}, rx: map[plinth.DeviceID]time.Time{}}
	if err := e.States.LoadStates(ctx, p.Domain, r.load); err != nil {
		return err
	}
	if !rx.IsZero() {
		if err := r.catchUp(ctx, rx.Add(-margin)); err != nil {
			return err
		}
	}
	e.publish(r)
	return nil
}

// margin is by how much a row's rx may be before it is there, and before it is known to the detectors: the time of an
// insert and the difference of two clocks.
const margin = 15 * time.Second

// restoring is a part that is being taken. Nobody else sees its devices yet.
type restoring struct {
	*Engine
	h       *holding
	watches map[plinth.DeviceID]*watch
	rx      map[plinth.DeviceID]time.Time // of the states
	ds      []Decision
	late    []sensors.Reading // rows that came after the state and are older than what it knows
}

// load makes a device's watch of its stored state.
func (r *restoring) load(st DeviceState) {
	d := r.Device(st.Device)
	if d == nil || r.partOf(d) != r.h.part {
		return
	}
	p := r.Packs.Of(d.Kind)
	if p == nil {
		return
	}
	var s saved
	if err := json.Unmarshal(st.State, &s); err != nil {
		r.Log.Error("detectors' state not read, they begin anew", "device", st.Device, "err", err)
		return
	}
	w := newWatch(d, p)
	w.of = r.h
	w.inherit(s)
	r.watches[d.ID], r.rx[d.ID] = w, st.RX
}

// catchUp decides on the rows inserted since rx, and tells what was not told.
func (r *restoring) catchUp(ctx context.Context, rx time.Time) error {
	var ids []plinth.DeviceID
	for _, d := range r.Devices(r.h.part.Domain) {
		if r.partOf(d) == r.h.part {
			ids = append(ids, d.ID)
		}
	}
	if err := r.Rows.Inserted(ctx, ids, rx, r.again); err != nil {
		return fmt.Errorf("read what came since the snapshot: %w", err)
	}
	for ds := r.ds; len(ds) > 0; {
		n := min(len(ds), statesAtOnce)
		if err := r.write(ctx, ds[:n]); err != nil {
			return err
		}
		ds = ds[n:]
	}
	return nil
}

// again decides on stored rows of one message that the snapshot may not have.
func (r *restoring) again(rs []sensors.Reading) {
	d := r.Device(rs[0].Device)
	if d == nil || d.Life == sensors.Maintenance {
		return
	}
	w := r.watches[d.ID]
	if w == nil {
		p := r.Packs.Of(d.Kind)
		if p == nil {
			return
		}
		w = newWatch(d, p)
		w.of = r.h
		r.watches[d.ID] = w
	}
	if old := !w.at.IsZero() && rs[0].At.Before(w.at); old && !rs[0].RX.Before(r.rx[d.ID]) {
		r.late = append(r.late, rs[0])
		return
	}
	if w.changed.IsZero() {
		w.changed = r.h.since
	}
	r.ds = append(r.ds, w.replay(rs, r.Excuse)...)
}

// publish lets messages and the time reach the part's devices.
func (e *Engine) publish(r *restoring) {
	e.mu.Lock()
	e.parts[r.h.part] = r.h
	e.mu.Unlock()
	for id, w := range r.watches {
		s := e.shard(id)
		s.mu.Lock()
		s.watches[id] = w
		s.mu.Unlock()
	}
	for _, row := range r.late {
		e.late.add(row.Device, []sensors.Reading{row}, r.h.since)
	}
}

// Release ends what Take began: what the detectors of the part have learnt is saved and forgotten here. It is called when
// no more messages of the part come and before its lease ends. What was decided and not told, and what waits, is left to
// whoever takes the part next: the rows are read again. After an error the older states are gone on from.
func (e *Engine) Release(ctx context.Context, p sensors.Part) error {
	e.mu.Lock()
	h := e.parts[p]
	delete(e.parts, p)
	e.mu.Unlock()
	if h == nil {
		return nil
	}
	err := e.tellPending(ctx)
	return errors.Join(err, e.saveAll(ctx, e.forget(h)))
}

// forget takes a part's devices out, with what there is to save of them.
func (e *Engine) forget(h *holding) *partStates {
	out := &partStates{h: h, low: e.late.forget(e.Now(), func(id plinth.DeviceID) bool { return e.belongs(id, h.part) })}
	for i := range e.shards {
		s := &e.shards[i]
		s.mu.Lock()
		for id, w := range s.watches {
			if w.of == h {
				out.add(e, id, w)
				delete(s.watches, id)
			}
		}
		kept := s.pending[:0]
		for _, d := range s.pending {
			if s.watches[d.Alarm.Device] != nil {
				kept = append(kept, d)
			}
		}
		s.pending = kept
		s.mu.Unlock()
	}
	return out
}

// partOf is the part that decides on d.
func (e *Engine) partOf(d *sensors.Device) sensors.Part {
	return sensors.PartOf(d, e.Partitions[d.Kind])
}

func (e *Engine) belongs(id plinth.DeviceID, p sensors.Part) bool {
	d := e.Device(id)
	return d != nil && e.partOf(d) == p
}

// holder is our holding of d's part, nil when the part is not ours.
func (e *Engine) holder(d *sensors.Device) *holding {
	p := e.partOf(d)
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.parts[p]
}

// holdings are the parts that are ours.
func (e *Engine) holdings() []*holding {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []*holding
	for _, h := range e.parts {
		out = append(out, h)
	}
	return out
}
