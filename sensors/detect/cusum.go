package detect

import (
	"math"
	"time"

	"plinth"
	"plinth/sensors"
)

// Cusum is the two-sided cumulative sum chart (Page 1954; tabular form of Montgomery, Statistical Quality Control, §9.1)
// of a metric standardised by a baseline that it learns from the first samples: S⁺ = max(0, S⁺ + z − K), S⁻ likewise;
// it alarms when either exceeds H. With K 0.5 and H 8 a shift of one standard deviation is seen after some 16 samples.
//
// What it cannot see: what was wrong while it learned, and seasons, which it takes for shifts: choose a metric without
// them or detrend it first. Neighbouring samples that resemble each other make false alarms more frequent than in the
// books.
type Cusum struct {
	Learn int     `yaml:"learn"` // samples of the baseline; default 200
	K     float64 `yaml:"k"`     // slack in standard deviations; default 0.5
	H     float64 `yaml:"h"`     // decision limit in standard deviations; default 8
	// Floor is the least standard deviation, in the metric's unit; default the metric's resolution.
	Floor float64 `yaml:"floor"`
	Grade Grade   `yaml:"grade"` // default notice
}

// Validate refuses numbers without meaning.
func (p *Cusum) Validate() error {
	switch {
	case p.Learn < 0 || p.Learn == 1 || p.Learn > 1e6:
		return plinth.Invalid("learn", "the baseline has 2 to 1 000 000 samples")
	case !(p.K >= 0 && p.K <= 10):
		return plinth.Invalid("k", "the slack is 0 to 10 standard deviations")
	case !(p.H >= 0 && p.H <= 1000):
		return plinth.Invalid("h", "the limit is 0 to 1000 standard deviations")
	case !(p.Floor >= 0) || math.IsInf(p.Floor, 0):
		return plinth.Invalid("floor", "the least deviation is a number from 0")
	}
	return nil
}

// Lookback is zero: it learns for ever.
func (p *Cusum) Lookback() time.Duration { return 0 }

// New makes a detector for one metric.
func (p *Cusum) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 1, 1); err != nil {
		return nil, err
	}
	m, _ := d.Metric(metrics[0])
	c := &cusum{p: *p, metrics: metrics, unit: m.Unit}
	if p.Learn == 0 {
		c.p.Learn = 200
	}
	c.p.K, c.p.H, c.p.Floor = orNumber(p.K, 0.5), orNumber(p.H, 8), orNumber(p.Floor, m.Resolution)
	c.p.Grade = orGrade(p.Grade, Notice)
	return c, nil
}

type cusum struct {
	p       Cusum
	metrics []string
	unit    string
	s       cusumState
}

type cusumState struct {
	latch
	Last               int64
	Base               moments
	Up, Down           float64
	BeginUp, BeginDown int64 // when the sums left zero, or zero
}

// moments are mean and variance after Welford.
type moments struct {
	N        int64
	Mean, M2 float64
}

func (m *moments) add(x float64) {
	m.N++
	d := x - m.Mean
	m.Mean += d / float64(m.N)
	m.M2 += d * (x - m.Mean)
}

func (m *moments) deviation() float64 {
	if m.N < 2 {
		return 0
	}
	return math.Sqrt(m.M2 / float64(m.N-1))
}

func (c *cusum) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&(Doubtful|sensors.Spike) != 0 || at < c.s.Last {
		return Verdict{}, false
	}
	c.s.keep(s)
	c.s.Last = at
	if c.s.Base.N < int64(c.p.Learn) {
		c.s.Base.add(s.Value)
		return Verdict{}, false
	}
	sigma := max(c.s.Base.deviation(), c.p.Floor)
	if sigma == 0 {
		return Verdict{}, false // a constant baseline without a resolution tells nothing of its noise
	}
	c.sum((s.Value-c.s.Base.Mean)/sigma, at)
	return c.step(at, s.Value)
}

// sum adds z to both sums; they stop at twice the limit, so that the alarm ends soon after the shift.
func (c *cusum) sum(z float64, at int64) {
	c.s.Up = min(max(0, c.s.Up+z-c.p.K), 2*c.p.H)
	c.s.Down = min(max(0, c.s.Down-z-c.p.K), 2*c.p.H)
	since(&c.s.BeginUp, c.s.Up > 0, at)
	since(&c.s.BeginDown, c.s.Down > 0, at)
}

// step raises above the limit and clears below half of it. The shift began when the sum left zero.
func (c *cusum) step(at int64, v float64) (Verdict, bool) {
	top, begin, direction := c.s.Up, c.s.BeginUp, "up"
	if c.s.Down > top {
		top, begin, direction = c.s.Down, c.s.BeginDown, "down"
	}
	up, keep := None, None
	if top > c.p.H {
		up = c.p.Grade
	}
	if top > c.p.H/2 {
		keep = c.p.Grade
	}
	if !c.s.step(at, up, keep, 0, 0) {
		return Verdict{}, false
	}
	if up != None {
		c.s.Since = begin
	}
	return c.s.verdict(at, top/c.p.H, c.metrics, map[string]string{"metric": c.metrics[0], "value": number(v), "unit": c.unit,
		"baseline": number(c.s.Base.Mean), "deviation": number(c.s.Base.deviation()), "direction": direction}), true
}

// Tick changes nothing: samples decide.
func (c *cusum) Tick(time.Time) (Verdict, bool) { return Verdict{}, false }

func (c *cusum) AppendState(b []byte) []byte { return appendState(b, "cusum", &c.s) }
func (c *cusum) SetState(b []byte) error     { return setState(b, "cusum", &c.s) }
