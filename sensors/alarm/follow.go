package alarm

import (
	"context"
	"errors"
	"time"

	"plinth"
	"plinth/sensors"
)

// Note tells whoever decides on a device to look at something: at stored rows between two moments that came by another
// way than its own, or at what people found about an alarm.
type Note struct {
	Device      plinth.DeviceID
	Alarm       ID        // empty for rows
	First, Last time.Time // of the rows
	Version     int64     // of the store's
}

// Notes keeps notes, at most one for the rows of a device and one for each alarm, until they are done. A change is durable
// when its method returns.
type Notes interface {
	// AddNotes adds notes; one for rows of a device that has one already widens it.
	AddNotes(ctx context.Context, ns []Note) error
	// Notes returns those about devices of the kinds, by device.
	Notes(ctx context.Context, kinds []string) ([]Note, error)
	// EndNotes removes notes as they were read; one that was widened since stays.
	EndNotes(ctx context.Context, ns []Note) error
}

// history is how old rows that do not come by a stream may be and still raise alarms. Older ones can refute alone: an
// import of last year's rows must not call anybody out.
const history = 7 * 24 * time.Hour

// Stored implements pipelines.Follower. Rows of devices that are decided on here are decided on at once and told by Run;
// what the process does not live to tell is read again from the rows. For the others it leaves a note.
func (e *Engine) Stored(ctx context.Context, rs []sensors.Reading) error {
	var elsewhere []Note
	for len(rs) > 0 {
		n := 1
		for n < len(rs) && rs[n].Device == rs[0].Device {
			n++
		}
		d := e.Device(rs[0].Device)
		if d != nil && e.Packs.Of(d.Kind) != nil && !e.follow(d, rs[:n]) {
			elsewhere = append(elsewhere, noteOf(rs[:n]))
		}
		rs = rs[n:]
	}
	return e.note(ctx, elsewhere)
}

func (e *Engine) note(ctx context.Context, ns []Note) error {
	if len(ns) == 0 {
		return nil
	}
	return e.Notes.AddNotes(ctx, ns)
}

// noteOf is the note about rows of one device.
func noteOf(rs []sensors.Reading) Note {
	n := Note{Device: rs[0].Device, First: rs[0].At, Last: rs[0].At}
	for _, r := range rs[1:] {
		if r.At.Before(n.First) {
			n.First = r.At
		}
		if r.At.After(n.Last) {
			n.Last = r.At
		}
	}
	return n
}

// follow decides on stored rows of d; false means that d is decided on elsewhere. What they decide is told by Run. Rows
// that are known already may have another value now, so that alarms are looked at again.
func (e *Engine) follow(d *sensors.Device, rs []sensors.Reading) bool {
	now := e.Now()
	s := e.shard(d.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := e.watchOf(s, d)
	if w == nil {
		return false
	}
	if d.Life == sensors.Maintenance {
		return true
	}
	for _, message := range byMoment(rs) {
		if now.Sub(message[0].At) > history || w.repeated(message[0]) {
			e.late.add(d.ID, message, now)
			continue
		}
		ds, late := w.arrive(message, now, e.Excuse)
		if late {
			e.late.add(d.ID, message, now)
		}
		e.pend(s, w, ds)
	}
	return true
}

// pend keeps decisions until Run tells them. The caller holds the shard's lock.
func (e *Engine) pend(s *shard, w *watch, ds []Decision) {
	w.untold += len(ds)
	e.decided.Add(int64(len(ds)))
	s.pending = append(s.pending, ds...)
}

// noteKey tells a note in one version apart.
type noteKey struct {
	device  plinth.DeviceID
	alarm   ID
	version int64
}

func (n *Note) key() noteKey { return noteKey{n.Device, n.Alarm, n.Version} }

// readNotes does what notes about our devices ask for. They are removed by the next Save, with the state that knows them.
func (e *Engine) readNotes(ctx context.Context) error {
	var kinds []string
	for _, h := range e.holdings() {
		kinds = append(kinds, h.part.Domain)
	}
	if len(kinds) == 0 {
		return nil
	}
	ns, err := e.Notes.Notes(ctx, kinds)
	if err != nil {
		return err
	}
	for _, n := range ns {
		d := e.Device(n.Device)
		if d == nil || e.holder(d) == nil || e.isDone(&n) {
			continue
		}
		if err := e.read(ctx, d, n); err != nil {
			return err
		}
		e.noteMu.Lock()
		e.done[n.key()] = n
		e.noteMu.Unlock()
	}
	return nil
}

func (e *Engine) isDone(n *Note) bool {
	e.noteMu.Lock()
	defer e.noteMu.Unlock()
	_, ok := e.done[n.key()]
	return ok
}

// doneNotes are the notes whose work the states to save hold. Those of devices that are not saved now wait.
func (e *Engine) doneNotes(p *partStates) []Note {
	e.noteMu.Lock()
	defer e.noteMu.Unlock()
	var out []Note
	for _, n := range e.done {
		if !p.skipped[n.Device] && e.belongs(n.Device, p.h.part) {
			out = append(out, n)
		}
	}
	return out
}

// endNotes removes notes after the snapshot that holds their work.
func (e *Engine) endNotes(ctx context.Context, ns []Note) error {
	if len(ns) == 0 {
		return nil
	}
	if err := e.Notes.EndNotes(ctx, ns); err != nil {
		return err
	}
	e.noteMu.Lock()
	defer e.noteMu.Unlock()
	for _, n := range ns {
		delete(e.done, n.key())
	}
	return nil
}

// followAtOnce is how long a stretch of a device's rows is read at once.
const followAtOnce = 6 * time.Hour

func (e *Engine) read(ctx context.Context, d *sensors.Device, n Note) error {
	if n.Alarm != "" {
		a, _, err := e.Store.Alarm(ctx, n.Alarm)
		if err == nil {
			e.handled(a)
		}
		if errors.Is(err, plinth.ErrNotFound) {
			return nil
		}
		return err
	}
	from := e.newer(d.ID, n.First)
	if from.After(n.First) {
		e.late.add(d.ID, []sensors.Reading{{At: n.First}, {At: n.Last}}, e.Now())
	}
	for !from.After(n.Last) {
		to := from.Add(followAtOnce)
		if past := n.Last.Add(time.Millisecond); to.After(past) {
			to = past
		}
		rs, err := e.Rows.Of(ctx, d.ID, from, to)
		if err != nil {
			return err
		}
		e.follow(d, rs)
		from = to
	}
	return nil
}

// newer is from when on the rows of a device are new to its detectors.
func (e *Engine) newer(id plinth.DeviceID, from time.Time) time.Time {
	if old := e.Now().Add(-history); old.After(from) {
		from = old
	}
	s := e.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.watches[id]; w != nil && w.at.After(from) {
		from = w.at
	}
	return from
}
