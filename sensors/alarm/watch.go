package alarm

import (
	"slices"
	"time"

	"plinth/sensors"
	"plinth/sensors/detect"
	"plinth/sensors/pack"
)

// Excuse finds the permit of a kind that covers a site at a moment. It is called for every alarm that a permit may
// excuse, and must be fast.
type Excuse func(kind, site string, at time.Time) (Permit, bool)

// watch is one device under the rules of its pack. Its owner holds the lock of its shard.
type watch struct {
	d     *sensors.Device
	pack  *pack.Pack
	of    *holding // nil in a replay
	rules []*ruleWatch

	seq     uint64    // of the newest message fed, zero when there was none
	at      time.Time // and its time
	metrics []string  // and of what; nil when it is not known
	seen    [remembered]moment
	n       int // messages ever remembered
	held    []heldMessage
	gaps    int // gaps in a row that nothing filled
	ticked  time.Time
	untold  int       // decisions given away and not yet told
	changed time.Time // when the first thing came that no snapshot has; zero when there is none
}

// ruleWatch is one rule on one device.
type ruleWatch struct {
	rule    *pack.Rule
	detect  detect.Detector
	now     detect.Verdict // the newest verdict, of grade none when all is well
	excused bool           // a permit kept now from being an alarm
}

// moment is the identity of a message of a device.
type moment struct {
	at  int64
	seq uint64
}

// heldMessage waits for one that is missing before it.
type heldMessage struct {
	arrived time.Time
	rows    []sensors.Reading
}

const (
	remembered = 16 // messages by which a repeated one is known
	maxHeld    = 64
	longestGap = 5 * time.Minute
	// patientGaps is after how many gaps that nothing filled a device's numbers are taken for such that leave gaps.
	patientGaps = 3
)

// newWatch makes the detectors of the rules that apply to d. A rule that d cannot serve, such as one that needs an
// attribute it lacks, is left out.
func newWatch(d *sensors.Device, p *pack.Pack) *watch {
	w := &watch{d: d, pack: p}
	for i := range p.Rules {
		r := &p.Rules[i]
		if !r.Applies(d) {
			continue
		}
		if det, err := r.Watch(d); err == nil {
			w.rules = append(w.rules, &ruleWatch{rule: r, detect: det})
		}
	}
	return w
}

// arrive takes one message's readings as they came, and tells what follows and whether one of them was too late to count.
func (w *watch) arrive(rs []sensors.Reading, now time.Time, excuse Excuse) (ds []Decision, late bool) {
	if w.changed.IsZero() {
		w.changed = now
	}
	for len(rs) > 0 {
		n := 1
		for n < len(rs) && rs[n].At.Equal(rs[0].At) && rs[n].Seq == rs[0].Seq {
			n++
		}
		more, tooLate := w.message(rs[:n], now, excuse)
		ds, late = append(ds, more...), late || tooLate
		rs = rs[n:]
	}
	return append(ds, w.overdue(now, excuse)...), late
}

// message takes the readings of one moment. One that comes before its predecessor waits for it.
func (w *watch) message(rs []sensors.Reading, now time.Time, excuse Excuse) ([]Decision, bool) {
	rs = w.fresh(rs)
	if len(rs) == 0 || rs[0].Flags&sensors.Clock != 0 {
		return nil, false
	}
	first := rs[0]
	if !w.at.IsZero() && first.At.Before(w.at) {
		return nil, true
	}
	if w.seq > 0 && first.Seq > w.seq+1 && w.gaps < patientGaps {
		w.hold(rs, now)
		return nil, false
	}
	ds := w.feed(rs, excuse)
	for len(w.held) > 0 && w.held[0].rows[0].Seq <= w.seq+1 {
		ds = append(ds, w.release(excuse)...)
	}
	return ds, false
}

// fresh are those readings of one moment that were not fed before. A device may send what it measured at one moment in
// several messages.
func (w *watch) fresh(rs []sensors.Reading) []sensors.Reading {
	if !w.repeated(rs[0]) {
		return rs
	}
	if w.metrics == nil || w.seq != rs[0].Seq || !w.at.Equal(rs[0].At) {
		return nil
	}
	var out []sensors.Reading
	for _, r := range rs {
		if !slices.Contains(w.metrics, r.Metric) {
			out = append(out, r)
		}
	}
	return out
}

func (w *watch) repeated(r sensors.Reading) bool {
	m := moment{r.At.UnixMilli(), r.Seq}
	known := slices.Contains(w.seen[:min(w.n, remembered)], m)
	return known || slices.ContainsFunc(w.held, func(h heldMessage) bool {
		return h.rows[0].At.Equal(r.At) && h.rows[0].Seq == r.Seq
	})
}

// hold keeps a message in order of time until the one before it comes, at most for two intervals.
func (w *watch) hold(rs []sensors.Reading, now time.Time) {
	h := heldMessage{now, slices.Clone(rs)}
	i, _ := slices.BinarySearchFunc(w.held, h, func(a, b heldMessage) int {
		if c := a.rows[0].At.Compare(b.rows[0].At); c != 0 {
			return c
		}
		return int(int64(a.rows[0].Seq - b.rows[0].Seq))
	})
	w.held = slices.Insert(w.held, i, h)
}

// overdue gives up waiting for what is missing.
func (w *watch) overdue(now time.Time, excuse Excuse) []Decision {
	var ds []Decision
	for len(w.held) > 0 && (now.Sub(w.oldest()) >= w.patience() || len(w.held) >= maxHeld) {
		w.gaps++
		ds = append(ds, w.release(excuse)...)
		for len(w.held) > 0 && w.held[0].rows[0].Seq <= w.seq+1 {
			ds = append(ds, w.release(excuse)...)
		}
	}
	return ds
}

func (w *watch) patience() time.Duration { return min(2*w.d.Interval, longestGap) }

// oldest is when the first of the held messages came.
func (w *watch) oldest() time.Time {
	first := w.held[0].arrived
	for _, h := range w.held {
		if h.arrived.Before(first) {
			first = h.arrived
		}
	}
	return first
}

func (w *watch) release(excuse Excuse) []Decision {
	h := w.held[0]
	w.held = w.held[1:]
	if len(w.held) == 0 {
		w.held = nil
	}
	return w.feed(h.rows, excuse)
}

// feed gives a message's readings to the detectors. They are in order now, whatever the flag late says.
func (w *watch) feed(rs []sensors.Reading, excuse Excuse) []Decision {
	if rs[0].Seq == w.seq+1 {
		w.gaps = 0
	}
	if w.metrics == nil || w.seq != rs[0].Seq || !w.at.Equal(rs[0].At) {
		w.metrics = w.metrics[:0]
	}
	for i := range rs {
		w.metrics = append(w.metrics, rs[i].Metric)
	}
	w.at, w.seq = rs[0].At, rs[0].Seq
	w.seen[w.n%remembered] = moment{rs[0].At.UnixMilli(), rs[0].Seq}
	w.n++
	var ds []Decision
	for _, r := range w.rules {
		for i := range rs {
			m := slices.Index(r.rule.Metrics, rs[i].Metric)
			if m < 0 {
				continue
			}
			v, changed := r.detect.Observe(detect.Sample{Metric: m, At: rs[i].At, Seq: rs[i].Seq, Value: rs[i].Value,
				Flags: rs[i].Flags &^ sensors.Late})
			if changed {
				ds = append(ds, w.judge(r, v, excuse)...)
			}
		}
		ds = append(ds, w.expire(r, w.at, excuse)...)
	}
	return ds
}

// tick tells the detectors how late it is.
func (w *watch) tick(now time.Time, excuse Excuse) []Decision {
	w.ticked = now
	ds := w.overdue(now, excuse)
	for _, r := range w.rules {
		if v, changed := r.detect.Tick(now); changed {
			if w.changed.IsZero() {
				w.changed = now
			}
			ds = append(ds, w.judge(r, v, excuse)...)
		}
	}
	return ds
}

// judge turns a changed verdict into a decision, unless a permit excuses it.
func (w *watch) judge(r *ruleWatch, v detect.Verdict, excuse Excuse) []Decision {
	before := r.now
	r.now = v
	switch {
	case v.Grade == detect.None && (before.Grade == detect.None || r.excused):
		r.excused = false
		return nil
	case v.Grade == detect.None:
		v.Since = before.Since // the verdict's may already be gone
		v.Grade = before.Grade
		return []Decision{w.decision(r, End, v)}
	case before.Grade != detect.None && !r.excused:
		return []Decision{w.decision(r, Regrade, v)}
	}
	if r.excused = w.permitted(r, v.At, excuse); r.excused {
		return nil
	}
	return []Decision{w.decision(r, Raise, v)}
}

func (w *watch) permitted(r *ruleWatch, at time.Time, excuse Excuse) bool {
	if r.rule.Unless.Permit == "" || excuse == nil {
		return false
	}
	_, ok := excuse(r.rule.Unless.Permit, w.d.Site, at)
	return ok
}

// expire raises what a permit excused and no longer does.
func (w *watch) expire(r *ruleWatch, at time.Time, excuse Excuse) []Decision {
	if !r.excused || w.permitted(r, at, excuse) {
		return nil
	}
	r.excused = false
	v := r.now
	v.At = at
	return []Decision{w.decision(r, Raise, v)}
}

// decision is the alarm that a verdict stands for.
func (w *watch) decision(r *ruleWatch, op Op, v detect.Verdict) Decision {
	d := w.d
	a := Alarm{ID: Identity(d.ID, r.rule.Name, w.pack.Version, v.Since), Device: d.ID, DeviceName: d.Name, Kind: d.Kind,
		Rule: r.rule.Name, Pack: w.pack.Version, Title: r.rule.Title, Text: r.rule.Says(d, v), Basis: r.rule.Basis,
		Class: w.pack.ClassOf(r.rule), Grade: Grade(v.Grade), Peak: Grade(v.Grade), State: Open, Since: v.Since, At: v.At,
		Street: d.Street, Grid: d.Grid, Site: d.Site, Longitude: d.Longitude, Latitude: d.Latitude, Owner: d.Owner,
		Score: v.Score, Facts: v.Facts}
	var within time.Duration
	if a.Unit, within = r.rule.Answers(d, v.Grade); within > 0 {
		a.RespondBy = v.At.Add(within)
	}
	if r.rule.Unless.Permit != "" {
		a.Permit = "none"
	}
	for _, row := range v.Rows {
		a.Rows = append(a.Rows, Row(row))
	}
	return Decision{Op: op, At: v.At, Alarm: a}
}
