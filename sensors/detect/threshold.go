package detect

import (
	"math"
	"time"

	"plinth"
	"plinth/sensors"
)

// Threshold compares one metric with a limit per grade. A grade is raised when the value has been beyond its limit for
// Hold, and is over when it has been back by more than Hysteresis for Calm. It serves e-bikes in lifts too (电动自行车进电梯):
// a camera or sensor that reports the metric ebike as 1 when it sees one, with above: 0.5.
//
// What it cannot see: a drift that stays below the limit, a limit that is wrong for the site, and time without samples:
// silence longer than three of the device's intervals begins the hold anew.
type Threshold struct {
	// Above and Below are the limits in the metric's unit. A grade without either is not raised; one with both alarms
	// outside the band.
	Notice     Bounds  `yaml:"notice"`
	Warning    Bounds  `yaml:"warning"`
	Urgent     Bounds  `yaml:"urgent"`
	Hysteresis float64 `yaml:"hysteresis"` // in the metric's unit; default 0
	Lasting    `yaml:",inline"`
}

// Bounds are what a value must stay within; nil is no bound.
type Bounds struct {
	Above *float64 `yaml:"above"`
	Below *float64 `yaml:"below"`
}

var _ Params = (*Threshold)(nil)

func (p *Threshold) grades() [3]Bounds { return [3]Bounds{p.Notice, p.Warning, p.Urgent} }

// Validate refuses limits that are no numbers, contradict each other, or are none.
func (p *Threshold) Validate() error {
	some := false
	for i, b := range p.grades() {
		field := Grades[i+1]
		if !b.finite() {
			return plinth.Invalid(field, "the limits are finite numbers")
		}
		if b.Above != nil && b.Below != nil && *b.Below > *b.Above {
			return plinth.Invalid(field, "below is under above: every value would alarm")
		}
		some = some || b.Above != nil || b.Below != nil
	}
	switch {
	case !some:
		return plinth.Invalid("warning", "a threshold has a limit for one grade at least")
	case !(p.Hysteresis >= 0) || math.IsInf(p.Hysteresis, 0):
		return plinth.Invalid("hysteresis", "the hysteresis is a number from 0")
	}
	if err := p.milder(); err != nil {
		return err
	}
	return p.Lasting.validate()
}

func (b Bounds) finite() bool {
	for _, f := range []*float64{b.Above, b.Below} {
		if f != nil && (math.IsNaN(*f) || math.IsInf(*f, 0)) {
			return false
		}
	}
	return true
}

// milder refuses a milder grade with a farther limit.
func (p *Threshold) milder() error {
	var above, below *float64
	for i, b := range p.grades() {
		if b.Above != nil && above != nil && *b.Above < *above || b.Below != nil && below != nil && *b.Below > *below {
			return plinth.Invalid(Grades[i+1], "a graver grade has the farther limit")
		}
		if b.Above != nil {
			above = b.Above
		}
		if b.Below != nil {
			below = b.Below
		}
	}
	return nil
}

// Lookback is what hold, calm and hysteresis reach back.
func (p *Threshold) Lookback() time.Duration { return p.Hold + p.calm() + time.Hour }

// New makes a detector for one metric.
func (p *Threshold) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 1, 1); err != nil {
		return nil, err
	}
	m, _ := d.Metric(metrics[0])
	return &threshold{p: *p, bounds: p.grades(), metrics: metrics, unit: m.Unit, stale: stale(d)}, nil
}

// stale is the silence after which the newest sample no longer speaks for the present.
func stale(d *sensors.Device) int64 { return 3 * d.Interval.Milliseconds() }

type threshold struct {
	p       Threshold
	bounds  [3]Bounds
	metrics []string
	unit    string
	stale   int64
	s       thresholdState
}

type thresholdState struct {
	latch
	Last  int64
	Value float64
}

func (t *threshold) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&Doubtful != 0 || at < t.s.Last {
		return Verdict{}, false
	}
	if at-t.s.Last > t.stale {
		t.s.forget()
	}
	t.s.keep(s)
	t.s.Last, t.s.Value = at, s.Value
	return t.step(at)
}

// Tick changes nothing: samples decide, so that a replay, which ticks at other times, decides the same.
func (t *threshold) Tick(time.Time) (Verdict, bool) { return Verdict{}, false }

func (t *threshold) step(at int64) (Verdict, bool) {
	up, keep := t.grade(t.s.Value, 0), t.grade(t.s.Value, t.p.Hysteresis)
	if !t.s.step(at, up, keep, t.p.Hold, t.p.calm()) {
		return Verdict{}, false
	}
	limit, beyond := t.beyond(max(t.s.Told, up))
	facts := map[string]string{"metric": t.metrics[0], "value": number(t.s.Value), "limit": limit, "unit": t.unit}
	return t.s.verdict(at, beyond, t.metrics, facts), true
}

// grade is the gravest grade whose limit, moved back by slack, v is beyond.
func (t *threshold) grade(v, slack float64) Grade {
	for i := len(t.bounds) - 1; i >= 0; i-- {
		b := t.bounds[i]
		if b.Above != nil && v > *b.Above-slack || b.Below != nil && v < *b.Below+slack {
			return Grade(i + 1)
		}
	}
	return None
}

// beyond is the limit of grade g nearest to the value, and by how much the value is beyond it.
func (t *threshold) beyond(g Grade) (limit string, by float64) {
	if g == None {
		return "", 0
	}
	b := t.bounds[g-1]
	switch {
	case b.Above != nil && (b.Below == nil || t.s.Value-*b.Above > *b.Below-t.s.Value):
		return number(*b.Above), t.s.Value - *b.Above
	case b.Below != nil:
		return number(*b.Below), *b.Below - t.s.Value
	}
	return "", 0
}

func (t *threshold) AppendState(b []byte) []byte { return appendState(b, "threshold", &t.s) }
func (t *threshold) SetState(b []byte) error     { return setState(b, "threshold", &t.s) }
