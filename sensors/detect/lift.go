package detect

import (
	"math"
	"strconv"
	"time"

	"plinth"
	"plinth/sensors"
)

// Trapped tells that someone is shut in a lift that stands: presence, doors closed and at rest for After, or at rest
// between two floors for BetweenFloors. Metrics in this order: presence (1 with someone inside), door (0 closed, 1
// open), speed in m/s, and if there is one the floor as a number whose fraction is the way to the next. It serves the
// remote alarm of GB/T 24475-2023; the times are ours, not the standard's.
//
// What it cannot see: who waits of their own will, and a presence sensor that is stuck; see the flag stuck.
type Trapped struct {
	After         time.Duration `yaml:"after"`          // default 60s
	BetweenFloors time.Duration `yaml:"between_floors"` // default 15s
	Rest          float64       `yaml:"rest"`           // m/s below which it stands; default 0.05
	Level         float64       `yaml:"level"`          // floors from level that are between floors; default 0.2
	Grade         Grade         `yaml:"grade"`          // default urgent
}

// Validate refuses numbers without meaning.
func (p *Trapped) Validate() error {
	switch {
	case p.After < 0 || p.After > time.Hour:
		return plinth.Invalid("after", "the time is 0 to 1 h")
	case p.BetweenFloors < 0 || p.BetweenFloors > time.Hour:
		return plinth.Invalid("between_floors", "the time is 0 to 1 h")
	case !(p.Rest >= 0 && p.Rest < 10):
		return plinth.Invalid("rest", "the speed at rest is 0 to 10 m/s")
	case !(p.Level >= 0 && p.Level < 0.5):
		return plinth.Invalid("level", "the distance from level is 0 to 0.5 floors")
	}
	return nil
}

// Lookback is the longer of the times.
func (p *Trapped) Lookback() time.Duration {
	return max(p.After, p.BetweenFloors, time.Minute) + time.Hour
}

// New makes a detector for three or four metrics.
func (p *Trapped) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 3, 4); err != nil {
		return nil, err
	}
	t := &trapped{p: *p, metrics: metrics, stale: stale(d)}
	t.p.After, t.p.BetweenFloors = or(p.After, time.Minute), or(p.BetweenFloors, 15*time.Second)
	t.p.Rest, t.p.Level, t.p.Grade = orNumber(p.Rest, 0.05), orNumber(p.Level, 0.2), orGrade(p.Grade, Urgent)
	return t, nil
}

func orNumber(f, standard float64) float64 {
	if f == 0 {
		return standard
	}
	return f
}

type trapped struct {
	p       Trapped
	metrics []string
	stale   int64
	s       trappedState
}

type trappedState struct {
	latch
	Last    int64
	At      [4]int64
	Value   [4]float64
	Begin   int64 // of standing with someone inside and doors closed
	Between int64 // of standing so between floors
}

const (
	presence = iota
	door
	speed
	floor
)

func (t *trapped) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&Doubtful != 0 || at < t.s.Last {
		return Verdict{}, false
	}
	t.s.keep(s)
	t.s.Last, t.s.At[s.Metric], t.s.Value[s.Metric] = at, at, s.Value
	shut := t.shut(at)
	since(&t.s.Begin, shut, at)
	since(&t.s.Between, shut && t.between(), at)
	up := None
	if lasted(t.s.Begin, at, t.p.After) || lasted(t.s.Between, at, t.p.BetweenFloors) {
		up = t.p.Grade
	}
	return t.step(at, up)
}

// since keeps in begin when a condition began, zero while it does not hold.
func since(begin *int64, holds bool, at int64) {
	switch {
	case !holds:
		*begin = 0
	case *begin == 0:
		*begin = at
	}
}

func lasted(begin, at int64, d time.Duration) bool { return begin != 0 && at-begin >= d.Milliseconds() }

// shut tells that all three newest values are fresh and say so.
func (t *trapped) shut(at int64) bool {
	for _, seen := range t.s.At[:floor] {
		if seen == 0 || at-seen > t.stale {
			return false
		}
	}
	return t.s.Value[presence] >= 0.5 && t.s.Value[door] < 0.5 && math.Abs(t.s.Value[speed]) <= t.p.Rest
}

func (t *trapped) between() bool {
	f := t.s.Value[floor]
	return t.s.At[floor] != 0 && math.Abs(f-math.Round(f)) > t.p.Level
}

func (t *trapped) step(at int64, up Grade) (Verdict, bool) {
	begun := t.s.Begin
	if !t.s.step(at, up, up, 0, 0) {
		return Verdict{}, false
	}
	if up != None {
		t.s.Since = begun
	}
	v := t.s.verdict(at, float64(at-t.s.Since)/1000, t.metrics, map[string]string{"limit": t.p.After.String(),
		"value": strconv.FormatInt((at-t.s.Since)/1000, 10), "unit": "s", "between_floors": strconv.FormatBool(t.s.Between != 0)})
	if t.s.At[floor] != 0 {
		v.Facts["floor"] = number(t.s.Value[floor])
	}
	return v, true
}

// Tick changes nothing: samples decide.
func (t *trapped) Tick(time.Time) (Verdict, bool) { return Verdict{}, false }

func (t *trapped) AppendState(b []byte) []byte { return appendState(b, "lift_trapped", &t.s) }
func (t *trapped) SetState(b []byte) error     { return setState(b, "lift_trapped", &t.s) }

// Overspeed tells that a lift ran faster than Factor times its rated speed, in either direction: the speed at which its
// governor must trip (GB/T 7588.1-2020: at least 115 %). The rated speed in m/s is Rated, or the device's
// attribute rated_speed.
//
// What it cannot see: speeds between two samples.
type Overspeed struct {
	Rated   float64 `yaml:"rated"`  // m/s; default: the attribute rated_speed
	Factor  float64 `yaml:"factor"` // default 1.15
	Grade   Grade   `yaml:"grade"`  // default urgent
	Lasting `yaml:",inline"`
}

// Validate refuses numbers without meaning.
func (p *Overspeed) Validate() error {
	switch {
	case !(p.Rated >= 0 && p.Rated <= 30):
		return plinth.Invalid("rated", "the rated speed is 0 to 30 m/s")
	case p.Factor != 0 && !(p.Factor >= 1 && p.Factor <= 3):
		return plinth.Invalid("factor", "the factor is 1 to 3")
	}
	return p.Lasting.validate()
}

// Lookback is what hold and calm reach back.
func (p *Overspeed) Lookback() time.Duration { return p.Hold + p.calm() + time.Hour }

// New makes a detector for the speed.
func (p *Overspeed) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	rated := p.Rated
	if rated == 0 {
		var err error
		if rated, err = strconv.ParseFloat(d.Attrs["rated_speed"], 64); err != nil || !(rated > 0 && rated <= 30) {
			return nil, plinth.Invalid("attrs.rated_speed", "the device %s needs its rated speed in m/s here", d.ID)
		}
	}
	limit := rated * orNumber(p.Factor, 1.15)
	back := -limit
	bounds := [4]Bounds{}
	bounds[orGrade(p.Grade, Urgent)] = Bounds{Above: &limit, Below: &back}
	th := &Threshold{Notice: bounds[1], Warning: bounds[2], Urgent: bounds[3], Lasting: p.Lasting}
	return th.New(d, metrics)
}

// Door tells that a lift's door has been open for longer than Open, or that it opened more than Cycles times within
// Window, as a door does that something blocks. The metric is the door (0 closed, 1 open), or with Counts the number of
// cycles since the device's last report.
//
// What it cannot see: openings between two samples, unless the device counts them.
type Door struct {
	Open   time.Duration `yaml:"open"`   // default 3m
	Window time.Duration `yaml:"window"` // default 10m
	Cycles int           `yaml:"cycles"` // default 20
	Counts bool          `yaml:"counts"`
	Grade  Grade         `yaml:"grade"` // default notice
}

// Validate refuses numbers without meaning.
func (p *Door) Validate() error {
	switch {
	case p.Open < 0 || p.Open > 24*time.Hour:
		return plinth.Invalid("open", "the time is 0 to 24 h")
	case p.Window < 0 || p.Window > 24*time.Hour:
		return plinth.Invalid("window", "the window is 0 to 24 h")
	case p.Cycles < 0 || p.Cycles > 10000:
		return plinth.Invalid("cycles", "the number of cycles is 0 to 10 000")
	}
	return nil
}

// Lookback is the longer of the times.
func (p *Door) Lookback() time.Duration { return max(p.Open, p.Window) + time.Hour }

// New makes a detector for the door.
func (p *Door) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 1, 1); err != nil {
		return nil, err
	}
	t := &liftDoor{p: *p, metrics: metrics, stale: stale(d)}
	t.p.Open, t.p.Window, t.p.Grade = or(p.Open, 3*time.Minute), or(p.Window, 10*time.Minute), orGrade(p.Grade, Notice)
	if p.Cycles == 0 {
		t.p.Cycles = 20
	}
	return t, nil
}

type liftDoor struct {
	p       Door
	metrics []string
	stale   int64
	s       liftDoorState
}

// doorBins divide the window: cycles are counted to a sixteenth of it.
const doorBins = 16

type liftDoorState struct {
	latch
	Last  int64
	Open  int64 // since when it is open, or zero
	Bin   int64
	Count [doorBins]float64
}

func (t *liftDoor) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&Doubtful != 0 || at < t.s.Last {
		return Verdict{}, false
	}
	fresh := at-t.s.Last <= t.stale
	t.s.keep(s)
	t.s.Last = at
	t.roll(at)
	t.count(s.Value, at, fresh)
	cycles := 0.0
	for _, c := range t.s.Count {
		cycles += c
	}
	up := None
	if lasted(t.s.Open, at, t.p.Open) || cycles > float64(t.p.Cycles) {
		up = t.p.Grade
	}
	return t.step(at, up, cycles)
}

// roll empties the bins that the window has left.
func (t *liftDoor) roll(at int64) {
	bin := at / max(1, t.p.Window.Milliseconds()/doorBins)
	for n := min(bin-t.s.Bin, doorBins); n > 0; n-- {
		t.s.Count[(bin-n+1)%doorBins] = 0
	}
	t.s.Bin = bin
}

func (t *liftDoor) count(v float64, at int64, fresh bool) {
	if t.p.Counts {
		t.s.Count[t.s.Bin%doorBins] += max(0, v)
		return
	}
	if !fresh {
		t.s.Open = 0 // what happened in the silence is not known
	}
	if v >= 0.5 && t.s.Open == 0 {
		t.s.Count[t.s.Bin%doorBins]++
	}
	since(&t.s.Open, v >= 0.5, at)
}

func (t *liftDoor) step(at int64, up Grade, cycles float64) (Verdict, bool) {
	open := t.s.Open
	if !t.s.step(at, up, up, 0, 0) {
		return Verdict{}, false
	}
	if lasted(open, at, t.p.Open) {
		t.s.Since = open
		return t.s.verdict(at, float64(at-open)/t.p.Open.Seconds()/1000, t.metrics, map[string]string{"reason": "open",
			"value": number(float64(at-open) / 1000), "unit": "s", "limit": number(t.p.Open.Seconds())}), true
	}
	return t.s.verdict(at, cycles/float64(t.p.Cycles), t.metrics, map[string]string{"reason": "cycles",
		"value": number(cycles), "unit": "{count}", "limit": strconv.Itoa(t.p.Cycles)}), true
}

// Tick changes nothing: samples decide.
func (t *liftDoor) Tick(time.Time) (Verdict, bool) { return Verdict{}, false }

func (t *liftDoor) AppendState(b []byte) []byte { return appendState(b, "lift_door", &t.s) }
func (t *liftDoor) SetState(b []byte) error     { return setState(b, "lift_door", &t.s) }
