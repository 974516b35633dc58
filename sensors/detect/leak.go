package detect

import (
	"time"

	"plinth"
	"plinth/sensors"
)

// Leak tells that water has run away: more than Day within 24 h, or some in every half hour of 24 h (the rules of the
// Shanghai districts Jing'an and of Shenzhen Longgang). The metric is a water meter's total or flow.
//
// What it cannot see: leaks smaller than the meter's start-up flow; and the half hours of a meter that reports less often
// than every half hour: it never alarms by them.
type Leak struct {
	Day      float64 `yaml:"day"`       // m³ in 24 h; default 2
	HalfHour float64 `yaml:"half_hour"` // m³ that count as use; default 0.0005, half a litre
	Grade    Grade   `yaml:"grade"`     // default warning
}

// Validate refuses numbers without meaning.
func (p *Leak) Validate() error {
	switch {
	case !(p.Day >= 0 && p.Day <= 1e6):
		return plinth.Invalid("day", "the volume is 0 to 1 000 000 m³")
	case !(p.HalfHour >= 0 && p.HalfHour <= 1e3):
		return plinth.Invalid("half_hour", "the volume is 0 to 1000 m³")
	}
	return nil
}

// Lookback is the day.
func (p *Leak) Lookback() time.Duration { return 25 * time.Hour }

// New makes a detector for one meter.
func (p *Leak) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 1, 1); err != nil {
		return nil, err
	}
	m, err := newMeter(d, metrics[0])
	if err != nil {
		return nil, err
	}
	return &leak{p: Leak{orNumber(p.Day, 2), orNumber(p.HalfHour, 0.0005), orGrade(p.Grade, Warning)}, metrics: metrics, meter: m}, nil
}

type leak struct {
	p       Leak
	metrics []string
	meter   meter
	s       leakState
}

const (
	slots     = 48
	slotWidth = 30 * 60 * 1000 // milliseconds
)

type leakState struct {
	latch
	Meter  meterState
	Slot   int64
	Known  int64 // slots ever closed
	Volume [slots]float64
}

func (l *leak) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&Doubtful != 0 || at < l.s.Meter.Last {
		return Verdict{}, false
	}
	l.s.keep(s)
	l.roll(at / slotWidth)
	l.s.Volume[l.s.Slot%slots] += l.meter.volume(&l.s.Meter, at, s.Value)
	day, used := l.day()
	up, reason := None, "volume"
	if day > l.p.Day {
		up = l.p.Grade
	} else if used == slots && l.s.Known >= slots {
		up, reason = l.p.Grade, "every_half_hour"
	}
	// an open slot without use yet does not end the alarm
	keep := up
	if used == slots-1 && l.s.Volume[l.s.Slot%slots] < l.p.HalfHour {
		keep = l.s.Told
	}
	before := l.s.Told
	if !l.s.step(at, up, max(up, keep), 0, 0) {
		return Verdict{}, false
	}
	if before == None {
		l.s.Since = at - slots*slotWidth
	}
	return l.s.verdict(at, day/l.p.Day, l.metrics, map[string]string{"reason": reason, "value": number(round(day)),
		"limit": number(l.p.Day), "unit": "m3"}), true
}

func (l *leak) roll(slot int64) {
	if l.s.Meter.Last == 0 {
		l.s.Slot = slot
	}
	for n := min(slot-l.s.Slot, slots); n > 0; n-- {
		l.s.Volume[(slot-n+1)%slots] = 0
		l.s.Known++
	}
	l.s.Slot = slot
}

// day is the volume of the last 24 h and in how many of its half hours there was use.
func (l *leak) day() (volume float64, used int) {
	for _, v := range l.s.Volume {
		volume += v
		if v >= l.p.HalfHour {
			used++
		}
	}
	return volume, used
}

// Tick changes nothing: samples decide.
func (l *leak) Tick(time.Time) (Verdict, bool) { return Verdict{}, false }

func (l *leak) AppendState(b []byte) []byte { return appendState(b, "leak", &l.s) }
func (l *leak) SetState(b []byte) error     { return setState(b, "leak", &l.s) }
