package detect

import (
	"math"
	"time"

	"plinth"
	"plinth/sensors"
)

// ContextualAnomaly is the Contextual Anomaly Detector, Open Source Edition (M. Smirnov, 2016; an entry of the Numenta
// Anomaly Benchmark), after its description, with bounded memory, and the benchmark's rule about values more than 5 %
// outside of the range so far. It learns for ever.
//
// What it cannot see: changes within one eighth of the range, seasons longer than its memory of pairs, and anything in
// its first Probation samples. It alarms at a change and not for as long as it lasts.
type ContextualAnomaly struct {
	// Min and Max are the range in which values are told apart, in the metric's unit; default: what has been seen.
	Min float64 `yaml:"min"`
	Max float64 `yaml:"max"`
	// Score from which a sample is anomalous, 0 to 1; default 0.79, the threshold that serves the benchmark best.
	Score float64 `yaml:"score"`
	// Probation is how many samples it learns before it tells anything; default 750, the benchmark's.
	Probation int `yaml:"probation"`
	// Grade of the alarm; default notice.
	Grade Grade `yaml:"grade"`
	// Calm is how long after the last anomalous sample the alarm is over; default 30 of the device's intervals.
	Calm time.Duration `yaml:"calm"`
}

// The detector's constants: after a raw score of strange it is silent for rest samples; values are outside by margin.
const (
	strange = 0.75
	rest    = 30
	margin  = 0.05
)

func (p *ContextualAnomaly) defaults() ContextualAnomaly {
	q := *p
	if q.Score == 0 {
		q.Score = 0.79
	}
	if q.Probation == 0 {
		q.Probation = 750
	}
	if q.Grade == None {
		q.Grade = Notice
	}
	return q
}

// Validate refuses numbers without meaning.
func (p *ContextualAnomaly) Validate() error {
	switch {
	case math.IsNaN(p.Min) || math.IsInf(p.Min, 0) || math.IsNaN(p.Max) || math.IsInf(p.Max, 0) || p.Min > p.Max:
		return plinth.Invalid("max", "the range is of finite numbers, min below max")
	case !(p.Score >= 0 && p.Score <= 1):
		return plinth.Invalid("score", "the score is 0 to 1")
	case p.Probation < 0 || p.Probation > 1e6:
		return plinth.Invalid("probation", "the probation is 0 to 1 000 000 samples")
	}
	return Lasting{Calm: p.Calm}.validate()
}

// Lookback is zero: it learns for ever.
func (p *ContextualAnomaly) Lookback() time.Duration { return 0 }

// New makes a detector for one metric.
func (p *ContextualAnomaly) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 1, 1); err != nil {
		return nil, err
	}
	m, _ := d.Metric(metrics[0])
	c := &contextual{p: p.defaults(), metrics: metrics, unit: m.Unit, mind: newMind()}
	if c.p.Calm == 0 {
		c.p.Calm = rest * d.Interval
	}
	return c, nil
}

type contextual struct {
	p       ContextualAnomaly
	metrics []string
	unit    string
	s       contextualState
	mind    *mind
}

type contextualState struct {
	latch
	Last   int64
	N      int64
	Lo, Hi float64 // seen so far
}

func (c *contextual) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&(sensors.Clock|sensors.Late) != 0 || at < c.s.Last || math.IsNaN(s.Value) {
		return Verdict{}, false
	}
	c.s.Last = at
	c.s.keep(s)
	score := c.Rate(s.Value)
	up := None
	if score >= c.p.Score && c.s.N > int64(c.p.Probation) {
		up = c.p.Grade
	}
	return c.step(at, up, s.Value, score)
}

// Rate takes the next value and tells how strange it is, 0 to 1.
func (c *contextual) Rate(v float64) float64 {
	lo, hi := c.p.Min, c.p.Max
	if lo == hi {
		lo, hi = min(c.s.Lo, v), max(c.s.Hi, v)
		if c.s.N == 0 {
			lo, hi = v, v
		}
	}
	score := c.rested(c.mind.see(sense(v, lo, hi)))
	if c.outside(v) {
		score = 1
	}
	if c.s.N == 0 {
		c.s.Lo, c.s.Hi = v, v
	}
	c.s.Lo, c.s.Hi, c.s.N = min(c.s.Lo, v), max(c.s.Hi, v), c.s.N+1
	return score
}

// rested silences the scores of the samples after a strange one.
func (c *contextual) rested(raw float64) float64 {
	m := &c.mind.m
	quiet := m.SinceStrange < rest
	switch {
	case raw >= strange:
		m.SinceStrange = 0
	case m.SinceStrange < rest:
		m.SinceStrange++
	}
	if quiet {
		return 0
	}
	return raw
}

func (c *contextual) outside(v float64) bool {
	far := margin * (c.s.Hi - c.s.Lo)
	return c.s.N >= int64(c.p.Probation) && far > 0 && (v > c.s.Hi+far || v < c.s.Lo-far)
}

func (c *contextual) step(at int64, up Grade, v, score float64) (Verdict, bool) {
	if !c.s.step(at, up, up, 0, c.p.Calm) {
		return Verdict{}, false
	}
	return c.s.verdict(at, score, c.metrics, map[string]string{"metric": c.metrics[0], "value": number(v), "unit": c.unit,
		"score": number(score), "limit": number(c.p.Score)}), true
}

// Tick changes nothing: samples decide.
func (c *contextual) Tick(time.Time) (Verdict, bool) { return Verdict{}, false }

func (c *contextual) AppendState(b []byte) []byte {
	return c.mind.m.append(appendState(b, "cad_ose", &c.s))
}

func (c *contextual) SetState(b []byte) error {
	head := min(len(b), len(appendState(nil, "cad_ose", &c.s)))
	if err := setState(b[:head], "cad_ose", &c.s); err != nil {
		return err
	}
	c.mind = newMind()
	return c.mind.set(b[head:])
}
