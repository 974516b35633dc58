package detect

import (
	"time"

	"plinth"
	"plinth/sensors"
)

// Silent tells that a device has stopped sending. It is an alarm of its own: to the other detectors silence is never a
// value. Any sample is a sign of life, a doubtful one too.
//
// What it cannot see: silence before the first sample, and between ticks; a replay has to tick as time passes.
type Silent struct {
	// After how long without a sample; default five of the device's intervals.
	After time.Duration `yaml:"after"`
	Grade Grade         `yaml:"grade"` // default warning
}

// Validate refuses a time without meaning.
func (p *Silent) Validate() error {
	if p.After < 0 || p.After > maxLasting {
		return plinth.Invalid("after", "the time is 0 to 31 days, is %s", p.After)
	}
	return nil
}

// Lookback is the silence itself.
func (p *Silent) Lookback() time.Duration { return p.After + time.Hour }

// New makes a detector for any of the device's metrics.
func (p *Silent) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 1, sensors.MaxMetrics); err != nil {
		return nil, err
	}
	s := &silent{p: *p, metrics: metrics}
	if s.p.After == 0 {
		s.p.After = 5 * d.Interval
	}
	s.p.Grade = orGrade(s.p.Grade, Warning)
	return s, nil
}

func orGrade(g, or Grade) Grade {
	if g == None {
		return or
	}
	return g
}

type silent struct {
	p       Silent
	metrics []string
	s       silentState
}

type silentState struct {
	latch
	Last, Now int64 // newest sign of life and newest tick
}

func (t *silent) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&sensors.Clock != 0 {
		at = t.s.Now // alive, but it does not know when
	}
	t.s.keep(s)
	t.s.Last = max(t.s.Last, at)
	return t.step(t.s.Last, None)
}

func (t *silent) Tick(now time.Time) (Verdict, bool) {
	t.s.Now = max(t.s.Now, millis(now))
	if t.s.Last == 0 || t.s.Now-t.s.Last <= t.p.After.Milliseconds() {
		return Verdict{}, false
	}
	return t.step(t.s.Now, t.p.Grade)
}

// step raises with the newest sample as the beginning, whenever the tick came.
func (t *silent) step(at int64, g Grade) (Verdict, bool) {
	last := t.s.Last
	if g == None {
		last = at
	}
	if !t.s.step(last, g, g, 0, 0) {
		return Verdict{}, false
	}
	silence := time.Duration(at-t.s.Since) * time.Millisecond
	return t.s.verdict(at, silence.Hours(), t.metrics, map[string]string{"value": silence.Round(time.Second).String(),
		"limit": t.p.After.String()}), true
}

func (t *silent) AppendState(b []byte) []byte { return appendState(b, "offline", &t.s) }
func (t *silent) SetState(b []byte) error     { return setState(b, "offline", &t.s) }
