package alarm

import (
	"context"
	"time"

	"plinth"
	"plinth/internal/periodic"
	"plinth/sensors"
)

// Times of the engine's own work.
const (
	snapshotEvery = 30 * time.Second
	eventsAtOnce  = 200
	// blindAtFirst is how long after a part was taken silence means nothing: what the broker kept comes first.
	blindAtFirst = 2 * time.Minute
	lastWork     = 5 * time.Second
)

// Run does what no message brings about until ctx ends: it tells devices that time passes, tells what that decides once
// its rows are stored, looks again at alarms when late rows came, stores events and snapshots. A snapshot is its last act.
func (e *Engine) Run(ctx context.Context) error {
	n, saved := 0, e.Now()
	_ = periodic.After(time.Second).Run(ctx, func(ctx context.Context) error {
		e.Step(ctx, n%shards)
		n++
		if now := e.Now(); now.Sub(saved) >= snapshotEvery {
			saved = now
			_ = e.complain(ctx, "snapshot", e.Save(ctx))
		}
		return nil
	})
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWork)
	defer cancel()
	return e.complain(last, "snapshot", e.Save(last))
}

// Step is one second of Run: one shard in turn hears the time, and what waits is done.
func (e *Engine) Step(ctx context.Context, n int) {
	e.tick(n)
	_ = e.complain(ctx, "notes", e.readNotes(ctx))
	_ = e.complain(ctx, "pending", e.tellPending(ctx))
	_ = e.complain(ctx, "late rows", e.lookAgain(ctx))
	_ = e.complain(ctx, "events", e.storeEvents(ctx))
}

// complain logs what could not be done and is tried again.
func (e *Engine) complain(ctx context.Context, what string, err error) error {
	if err != nil && ctx.Err() == nil {
		e.Log.WarnContext(ctx, "alarms wait", "what", what, "err", err)
	}
	return err
}

func (e *Engine) tick(n int) {
	now := e.Now()
	blind := map[*holding]bool{}
	isBlind := func(h *holding) bool {
		b, ok := blind[h]
		if !ok {
			b = now.Sub(h.since) < blindAtFirst || e.Blind != nil && e.Blind(h.part)
			blind[h] = b
		}
		return b
	}
	for i := range e.shards {
		s := &e.shards[i]
		s.mu.Lock()
		for id, w := range s.watches {
			if i != n && len(w.held) == 0 {
				continue
			}
			e.tickOne(s, id, w, now, i == n && !isBlind(w.of))
		}
		s.mu.Unlock()
	}
}

// tickOne lets time pass for one device: always for what it waits for, and for its silence when we would hear it.
func (e *Engine) tickOne(s *shard, id plinth.DeviceID, w *watch, now time.Time, hear bool) {
	var ds []Decision
	switch d := e.Device(id); {
	case hear && (d == nil || d.Life == sensors.Retired || d.Life == sensors.Planned || d.Life == sensors.Maintenance):
	case hear:
		ds = w.tick(now, e.Excuse)
	default:
		ds = w.overdue(now, e.Excuse)
	}
	e.pend(s, w, ds)
}

// tellPending tells what was decided without a message, as far as the rows are stored.
func (e *Engine) tellPending(ctx context.Context) error {
	for i := range e.shards {
		s := &e.shards[i]
		s.mu.Lock()
		ds := s.pending
		s.pending = nil
		s.mu.Unlock()
		for k := range ds {
			ok, err := e.stored(ctx, &ds[k])
			if err == nil && ok {
				err = e.tell(ctx, ds[k:k+1])
			}
			if err != nil || !ok {
				s.mu.Lock()
				s.pending = append(ds[k:len(ds):len(ds)], s.pending...) // in order: the rest waits for this one
				s.mu.Unlock()
				if err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// stored tells whether the newest row that a decision rests on is in the store. A decision without rows rests on none.
func (e *Engine) stored(ctx context.Context, d *Decision) (bool, error) {
	if len(d.Alarm.Rows) == 0 {
		return true, nil
	}
	last := d.Alarm.Rows[len(d.Alarm.Rows)-1]
	rows, err := e.Rows.Of(ctx, d.Alarm.Device, last.At, last.At.Add(time.Millisecond))
	if err != nil {
		return false, err
	}
	for _, r := range rows {
		if r.Metric == last.Metric && r.Seq == last.Seq {
			return true, nil
		}
	}
	return false, nil
}

// storeEvents stores the events that are due.
func (e *Engine) storeEvents(ctx context.Context) error {
	if e.Event == nil {
		return nil
	}
	due, err := e.Teller.EventsDue(ctx, eventsAtOnce)
	if err != nil || len(due) == 0 {
		return err
	}
	if err := e.Event(ctx, due); err != nil {
		return err
	}
	e.events.Add(int64(len(due)))
	return e.Teller.EventsDone(ctx, due)
}
