package detect

import (
	"math"
	"time"

	"plinth"
	"plinth/sensors"
)

// Settlement watches the settlement, tilt or crack of a building whose readings move with temperature. Recursive least
// squares learns value = a + b·temperature over the first Learn; from then on b is kept and the residual is judged: its
// sum since the beginning (Total), its velocity over the last Days by the slope of daily means (Velocity), and by
// cumulative sums of the standardised daily means for slow movements that reach neither. JGJ 8-2016 takes a building
// for stable below 0.01 to 0.04 mm/d; limits of a listed building are its expert's, so those of the pack.
//
// Metrics in this order: the movement, and if there is one the temperature in degrees Celsius.
//
// What it cannot see: movement during Learn, which it takes for the baseline, and what other than temperature moves the
// instrument, e.g. the ground water.
type Settlement struct {
	Learn    time.Duration `yaml:"learn"`    // default 720h, 30 days
	Days     int           `yaml:"days"`     // of the velocity; default 7, at most 30
	Velocity Levels        `yaml:"velocity"` // per day, either direction; default warning 0.1, in the metric's unit
	Total    Levels        `yaml:"total"`    // default warning 10, in the metric's unit
	H        float64       `yaml:"h"`        // limit of the cumulative sum in standard deviations of a day; default 10
}

// Levels are a limit for each grade; zero is none.
type Levels struct {
	Notice  float64 `yaml:"notice"`
	Warning float64 `yaml:"warning"`
	Urgent  float64 `yaml:"urgent"`
}

func (l Levels) grade(v float64) (g Grade, limit float64) {
	for i, at := range []float64{l.Notice, l.Warning, l.Urgent} {
		if at > 0 && v > at {
			g, limit = Grade(i+1), at
		}
	}
	return g, limit
}

func (l Levels) validate(field string) error {
	last := 0.0
	for _, f := range []float64{l.Notice, l.Warning, l.Urgent} {
		if !(f >= 0) || math.IsInf(f, 0) || f != 0 && f < last {
			return plinth.Invalid(field, "the limits are numbers from 0, the graver the farther")
		}
		last = max(last, f)
	}
	return nil
}

const maxDays = 30

// Validate refuses numbers without meaning.
func (p *Settlement) Validate() error {
	switch {
	case p.Learn < 0 || p.Learn > 400*24*time.Hour:
		return plinth.Invalid("learn", "the baseline is 0 to 400 days")
	case p.Days < 0 || p.Days == 1 || p.Days > maxDays:
		return plinth.Invalid("days", "the velocity is of 2 to %d days", maxDays)
	case !(p.H >= 0 && p.H <= 1000):
		return plinth.Invalid("h", "the limit is 0 to 1000 standard deviations")
	}
	if err := p.Velocity.validate("velocity"); err != nil {
		return err
	}
	return p.Total.validate("total")
}

// Lookback is zero: it learns for ever.
func (p *Settlement) Lookback() time.Duration { return 0 }

// New makes a detector for the movement, with or without temperature.
func (p *Settlement) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 1, 2); err != nil {
		return nil, err
	}
	m, _ := d.Metric(metrics[0])
	t := &settlement{p: *p, metrics: metrics, unit: m.Unit, floor: m.Resolution, stale: stale(d)}
	t.p.Learn, t.p.H = or(p.Learn, 30*24*time.Hour), orNumber(p.H, 10)
	if p.Days == 0 {
		t.p.Days = 7
	}
	if p.Velocity == (Levels{}) {
		t.p.Velocity.Warning = 0.1
	}
	if p.Total == (Levels{}) {
		t.p.Total.Warning = 10
	}
	return t, nil
}

type settlement struct {
	p       Settlement
	metrics []string
	unit    string
	floor   float64
	stale   int64
	s       settlementState
}

type settlementState struct {
	latch
	First, Last     int64
	Warm            int64 // when the temperature was measured
	Temperature     float64
	Fit             line
	Noise           moments // of daily means of the residual while learning
	Sum             float64 // of today's residuals
	N, Day          int64
	Means           [maxDays]float64
	Known           int64 // daily means ever
	Up, Down        float64
	Velocity, Total float64
}

// line is the recursive least-squares fit of y = A + B·x, with a weak prior at zero.
type line struct{ A, B, Paa, Pab, Pbb float64 }

func (l *line) begin(y float64) { *l = line{A: y, Paa: 1e6, Pbb: 1e3} }

func (l *line) add(x, y float64) {
	ga, gb := l.Paa+l.Pab*x, l.Pab+l.Pbb*x
	scale := 1 + ga + gb*x
	e := y - l.A - l.B*x
	l.A += ga / scale * e
	l.B += gb / scale * e
	l.Paa -= ga * ga / scale
	l.Pab -= ga * gb / scale
	l.Pbb -= gb * gb / scale
}

func (t *settlement) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&(Doubtful|sensors.Spike) != 0 || at < t.s.Last {
		return Verdict{}, false
	}
	t.s.keep(s)
	t.s.Last = at
	if s.Metric == 1 {
		t.s.Warm, t.s.Temperature = at, s.Value
		return Verdict{}, false
	}
	if len(t.metrics) == 2 && (t.s.Warm == 0 || at-t.s.Warm > t.stale) {
		return Verdict{}, false // without its temperature the reading says nothing
	}
	if t.s.First == 0 {
		t.s.First = at
		t.s.Fit.begin(s.Value)
	}
	if t.learning(at) {
		t.s.Fit.add(t.s.Temperature, s.Value)
	}
	t.add(s.Value-t.s.Fit.A-t.s.Fit.B*t.s.Temperature, s.At)
	if t.learning(at) {
		return Verdict{}, false
	}
	return t.step(at, s.Value)
}

func (t *settlement) learning(at int64) bool { return at-t.s.First < t.p.Learn.Milliseconds() }

// add puts a residual into its day, and closes the day before.
func (t *settlement) add(r float64, at time.Time) {
	day := (millis(at) + 8*3600*1000) / (24 * 3600 * 1000) // of Shanghai
	if day != t.s.Day && t.s.N > 0 {
		t.close(t.s.Sum/float64(t.s.N), millis(at))
		t.s.Sum, t.s.N = 0, 0
	}
	t.s.Day = day
	t.s.Sum += r
	t.s.N++
}

func (t *settlement) close(mean float64, at int64) {
	t.s.Means[t.s.Known%maxDays] = mean
	t.s.Known++
	t.s.Total, t.s.Velocity = mean, t.velocity()
	if t.learning(at) {
		t.s.Noise.add(mean)
		return
	}
	sigma := max(t.s.Noise.deviation(), t.floor, 1e-9)
	z := mean / sigma
	t.s.Up = min(max(0, t.s.Up+z-0.5), 2*t.p.H)
	t.s.Down = min(max(0, t.s.Down-z-0.5), 2*t.p.H)
}

// velocity is the slope of the last days' means.
func (t *settlement) velocity() float64 {
	n := min(t.s.Known, int64(t.p.Days))
	if n < int64(t.p.Days) {
		return 0
	}
	var sxy, sxx float64
	for i := range n {
		x := float64(i) - float64(n-1)/2
		sxy += x * t.s.Means[(t.s.Known-n+i)%maxDays]
		sxx += x * x
	}
	return sxy / sxx
}

// step takes the gravest of the three reasons.
func (t *settlement) step(at int64, v float64) (Verdict, bool) {
	g, limit := t.p.Total.grade(math.Abs(t.s.Total))
	reason, value := "total", t.s.Total
	if fast, l := t.p.Velocity.grade(math.Abs(t.s.Velocity)); fast > g {
		g, limit, reason, value = fast, l, "velocity", t.s.Velocity
	}
	if slow := max(t.s.Up, t.s.Down); g == None && slow > t.p.H {
		g, limit, reason, value = Notice, t.p.H, "cusum", slow
	}
	keep := g
	if max(t.s.Up, t.s.Down) > t.p.H/2 {
		keep = max(keep, min(t.s.Told, Notice))
	}
	if !t.s.step(at, g, keep, 0, 0) {
		return Verdict{}, false
	}
	score := 0.0
	if limit > 0 {
		score = math.Abs(value) / limit
	}
	return t.s.verdict(at, score, t.metrics, map[string]string{"metric": t.metrics[0], "reason": reason, "value": number(round(value)),
		"limit": number(limit), "unit": t.unit, "reading": number(v), "per_degree": number(round(t.s.Fit.B))}), true
}

// round is to a thousandth, for texts.
func round(f float64) float64 { return math.Round(f*1000) / 1000 }

// Tick changes nothing: samples decide.
func (t *settlement) Tick(time.Time) (Verdict, bool) { return Verdict{}, false }

func (t *settlement) AppendState(b []byte) []byte { return appendState(b, "settlement", &t.s) }
func (t *settlement) SetState(b []byte) error     { return setState(b, "settlement", &t.s) }
