package alarm

import (
	"context"
	"sync"
	"time"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/detect"
	"plinth/sensors/pack"
)

// lateList is the devices of which rows came too late for the detectors. It is bounded by the number of devices.
type lateList struct {
	mu  sync.Mutex
	all map[plinth.DeviceID]lateRows
}

type lateRows struct {
	since, arrived time.Time // the first and the last of them
	first, last    time.Time // of the rows
}

const (
	// settle is how long late rows are given to be stored before they are looked at.
	settle = 15 * time.Second
	// longestSettle is how long rows that keep coming put that off.
	longestSettle = time.Minute
)

func (l *lateList) add(id plinth.DeviceID, rs []sensors.Reading, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[plinth.DeviceID]lateRows{}
	}
	have, ok := l.all[id]
	if !ok {
		have.since = now
	}
	for _, r := range rs {
		if !ok || r.At.Before(have.first) {
			have.first = r.At
		}
		if !ok || r.At.After(have.last) {
			have.last = r.At
		}
		ok = true
	}
	have.arrived = now
	l.all[id] = have
}

// settled returns those whose rows are long enough there. Rows that still come keep their place.
func (l *lateList) settled(now time.Time) map[plinth.DeviceID]lateRows {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[plinth.DeviceID]lateRows{}
	for id, rows := range l.all {
		switch {
		case now.Sub(rows.arrived) >= settle:
			out[id] = rows
			delete(l.all, id)
		case now.Sub(rows.since) >= longestSettle:
			out[id] = rows
			rows.since = now
			l.all[id] = rows
		}
	}
	return out
}

// waiting are the devices on the list, with when the first of their rows came.
func (l *lateList) waiting() map[plinth.DeviceID]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[plinth.DeviceID]time.Time, len(l.all))
	for id, rows := range l.all {
		out[id] = rows.since
	}
	return out
}

// forget takes out the devices that gone names, and returns when the first of their rows came, now when there is none.
func (l *lateList) forget(now time.Time, gone func(plinth.DeviceID) bool) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, rows := range l.all {
		if !gone(id) {
			continue
		}
		if rows.since.Before(now) {
			now = rows.since
		}
		delete(l.all, id)
	}
	return now
}

// lookAgain decides anew the alarms that late rows may refute.
func (e *Engine) lookAgain(ctx context.Context) error {
	var failed error
	for id, rows := range e.late.settled(e.Now()) {
		if err := e.lookAt(ctx, id, rows); err != nil {
			failed = err
			e.late.add(id, []sensors.Reading{{At: rows.first}, {At: rows.last}}, e.Now())
		}
	}
	return failed
}

// alarmsAgain is the most alarms of one device that late rows are held against.
const alarmsAgain = 50

func (e *Engine) lookAt(ctx context.Context, id plinth.DeviceID, late lateRows) error {
	d := e.Device(id)
	if d == nil {
		return nil
	}
	p := e.Packs.Of(d.Kind)
	if p == nil {
		return nil
	}
	as, _, err := e.Store.Alarms(ctx, Filter{Device: id, Limit: alarmsAgain})
	if err != nil {
		return err
	}
	for i := range as {
		a := &as[i]
		r, ok := p.Rule(a.Rule)
		if !ok || a.Pack != p.Version || a.State == Withdrawn || r.Params.Lookback() == 0 || !a.restsOn(late, r.Params.Lookback()) {
			continue
		}
		if err := e.refute(ctx, d, p, r, a); err != nil {
			return err
		}
	}
	return nil
}

// restsOn tells whether the decision to raise a looked at a moment of the late rows.
func (a *Alarm) restsOn(late lateRows, lookback time.Duration) bool {
	return !late.last.Before(a.Since.Add(-lookback)) && !late.first.After(a.At)
}

// refute withdraws a if the rows as they are stored now do not raise it.
func (e *Engine) refute(ctx context.Context, d *sensors.Device, p *pack.Pack, r *pack.Rule, a *Alarm) error {
	rows, err := e.Rows.Of(ctx, a.Device, a.Since.Add(-2*r.Params.Lookback()), a.At.Add(time.Millisecond))
	if err != nil {
		return err
	}
	if Holds(d, p, r, rows, a) {
		return nil
	}
	back := Decision{Op: Withdraw, At: a.At, Alarm: *a, Note: "late rows refute it: decided again over the stored rows, the condition was not met"}
	e.withdrawn.Add(1)
	if err := e.write(ctx, []Decision{back}); err != nil {
		return err
	}
	e.unlearn(a)
	return nil
}

// unlearn lets a withdrawn alarm's rule begin anew where it still holds the alarm up: what comes is then told as an alarm
// of its own, and not as the next line of one that was withdrawn.
func (e *Engine) unlearn(a *Alarm) {
	s := e.shard(a.Device)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watches[a.Device]
	if w == nil {
		return
	}
	for i, r := range w.rules {
		if r.rule.Name == a.Rule && r.now.Grade != detect.None && r.now.Since.Equal(a.Since) {
			w.anew(i)
			if w.changed.IsZero() {
				w.changed = e.Now()
			}
		}
	}
}

// Holds decides over rows whether a rule raises an alarm at the time of a. Rows may be in any order.
func Holds(d *sensors.Device, p *pack.Pack, r *pack.Rule, rows []sensors.Reading, a *Alarm) bool {
	one := *p
	one.Rules = []pack.Rule{*r}
	one.Rules[0].Unless = pack.Unless{}
	w := newWatch(d, &one)
	if len(w.rules) == 0 {
		return true // the device has changed since: nothing can be said
	}
	for _, rs := range byMoment(rows) {
		for _, dec := range w.replay(rs, nil) {
			if dec.Op == Raise && !dec.Alarm.Since.After(a.At) && !dec.At.Before(a.Since) {
				return true
			}
		}
	}
	for _, dec := range w.tick(a.At, nil) {
		if dec.Op == Raise {
			return true
		}
	}
	return false
}
