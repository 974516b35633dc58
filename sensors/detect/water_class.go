package detect

import (
	"strconv"
	"time"

	"plinth"
	"plinth/sensors"
)

// WaterClass finds the class of surface water by the worst of its metrics (GB 3838-2002, table 1, by the rule of single
// factors, 单因子评价) and alarms when it has been worse than the target for Hold: one class worse is a notice, more a
// warning, worse than class V urgent. Metrics are ph, do (mg/L), nh3n (mg/L), tp (mg/L) and codmn (mg/L), any of them.
//
// What it cannot see: the other of the standard's 24 items; and it judges the newest values, where the standard's
// assessments are of means.
type WaterClass struct {
	Target  int              `yaml:"target"` // class 1 to 5; default: the device's attribute water_class, or 3
	Lake    bool             `yaml:"lake"`   // the limits of lakes and reservoirs for phosphorus
	Lasting `yaml:",inline"` // default 1h
}

// Limits of the classes I to V: the highest value, for oxygen the lowest.
var classLimits = map[string][5]float64{
	"do":    {7.5, 6, 5, 3, 2},
	"nh3n":  {0.15, 0.5, 1.0, 1.5, 2.0},
	"tp":    {0.02, 0.1, 0.2, 0.3, 0.4},
	"codmn": {2, 4, 6, 10, 15},
}

var lakePhosphorus = [5]float64{0.01, 0.025, 0.05, 0.1, 0.2}

// worst stands for worse than class V (劣Ⅴ类).
const worst = 6

var classNames = [...]string{"", "Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ", "劣Ⅴ"}

// Validate refuses numbers without meaning.
func (p *WaterClass) Validate() error {
	if p.Target < 0 || p.Target > 5 {
		return plinth.Invalid("target", "the target is class 1 to 5")
	}
	return p.Lasting.validate()
}

// Lookback is what hold and calm reach back.
func (p *WaterClass) Lookback() time.Duration {
	return p.lasting().Hold + p.lasting().calm() + 24*time.Hour
}

func (p *WaterClass) lasting() Lasting {
	return Lasting{Hold: or(p.Hold, time.Hour), Calm: p.Calm}
}

// New makes a detector for one to five metrics.
func (p *WaterClass) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 1, 5); err != nil {
		return nil, err
	}
	w := &waterClass{target: p.Target, lasting: p.lasting(), metrics: metrics, stale: stale(d)}
	if w.target == 0 {
		w.target, _ = strconv.Atoi(d.Attrs["water_class"])
	}
	if w.target < 1 || w.target > 5 {
		w.target = 3
	}
	for _, name := range metrics {
		limits, ok := classLimits[name]
		if !ok && name != "ph" {
			return nil, plinth.Invalid("metrics", "GB 3838 has no class of %s here", name)
		}
		if name == "tp" && p.Lake {
			limits = lakePhosphorus
		}
		w.limits = append(w.limits, limits)
	}
	return w, nil
}

type waterClass struct {
	target  int
	lasting Lasting
	metrics []string
	limits  [][5]float64
	stale   int64
	s       waterClassState
}

type waterClassState struct {
	latch
	Last  int64
	At    [5]int64
	Value [5]float64
}

func (w *waterClass) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&Doubtful != 0 || at < w.s.Last {
		return Verdict{}, false
	}
	if at-w.s.Last > w.stale {
		w.s.forget()
	}
	w.s.keep(s)
	w.s.Last, w.s.At[s.Metric], w.s.Value[s.Metric] = at, at, s.Value
	class, by := w.class(at)
	g := w.grade(class)
	if !w.s.step(at, g, g, w.lasting.Hold, w.lasting.calm()) {
		return Verdict{}, false
	}
	return w.s.verdict(at, float64(class-w.target), w.metrics, map[string]string{"class": classNames[class],
		"target": classNames[w.target], "metric": w.metrics[by], "value": number(w.s.Value[by])}), true
}

func (w *waterClass) grade(class int) Grade {
	switch {
	case class <= w.target:
		return None
	case class == worst:
		return Urgent
	case class == w.target+1:
		return Notice
	}
	return Warning
}

// class is the worst class of the fresh metrics, and the metric that has it.
func (w *waterClass) class(at int64) (class, by int) {
	class = 1
	for i, name := range w.metrics {
		if w.s.At[i] == 0 || at-w.s.At[i] > w.stale {
			continue
		}
		if c := classOf(name, w.limits[i], w.s.Value[i]); c > class {
			class, by = c, i
		}
	}
	return class, by
}

func classOf(name string, limits [5]float64, v float64) int {
	if name == "ph" {
		if v < 6 || v > 9 {
			return worst
		}
		return 1
	}
	for i, limit := range limits {
		if name == "do" && v >= limit || name != "do" && v <= limit {
			return i + 1
		}
	}
	return worst
}

// Tick changes nothing: samples decide.
func (w *waterClass) Tick(time.Time) (Verdict, bool) { return Verdict{}, false }

func (w *waterClass) AppendState(b []byte) []byte { return appendState(b, "water_class", &w.s) }
func (w *waterClass) SetState(b []byte) error     { return setState(b, "water_class", &w.s) }
