// Package detect decides from a device's readings whether something is wrong: one Detector per device and rule, fed in
// order of time. It is pure: no clock, no I/O, no randomness, so the same samples give the same verdicts, bit by bit.
// Every detector costs the same per sample however long the series is, keeps bounded state, and goes on from its stored
// state without relearning. It does not store, tell or withdraw alarms, and it does not judge the quality of readings:
// that is sensors.Watch, whose flags come with each sample.
package detect

import (
	"time"

	"plinth"
	"plinth/sensors"
)

// Sample is one reading of one of a rule's metrics.
type Sample struct {
	Metric int // index in the rule's metrics
	At     time.Time
	Seq    uint64
	Value  float64
	Flags  sensors.Flags
}

// Grade tells how urgent an alarm is; zero means that there is none.
type Grade uint8

// The grades. Their values are stored: never renumber.
const (
	None    Grade = iota
	Notice        // 提示
	Warning       // 预警
	Urgent        // 紧急
)

// Grades are the grades' names as packs write them, by value.
var Grades = [...]string{"none", "notice", "warning", "urgent"}

func (g Grade) String() string {
	if int(g) < len(Grades) {
		return Grades[g]
	}
	return "unknown"
}

// UnmarshalText reads a grade by its name.
func (g *Grade) UnmarshalText(text []byte) error {
	for i, name := range Grades {
		if i > 0 && name == string(text) {
			*g = Grade(i)
			return nil
		}
	}
	return plinth.Invalid("grade", "a grade is notice, warning or urgent, not %q", text)
}

// Ref names a reading that a verdict rests on.
type Ref struct {
	Metric string
	At     time.Time
	Seq    uint64
}

// MaxRows is how many readings a verdict names at most: the newest ones up to the moment it changed.
const MaxRows = 16

// Verdict is what a detector thinks of its device now.
type Verdict struct {
	Grade Grade     // none: the condition is over
	Since time.Time // when the condition began; part of the alarm's identity, the same through all grades until it is over
	At    time.Time // the sample or tick that changed it
	Score float64   // how far beyond the limit, in the detector's own measure; see docs/streams.md
	Rows  []Ref     // at most MaxRows, oldest first
	// Facts fill the alarm's texts: "value", "limit", "unit" and what the detector adds. Numbers are in the shortest
	// form that reads back the same.
	Facts map[string]string
}

// MaxState is the most bytes a detector's state takes.
const MaxState = 64 << 10

// Detector watches one device for one rule. It is not safe for concurrent use.
type Detector interface {
	// Observe takes the next sample and tells the verdict and whether it changed: raised, another grade, or over.
	// Samples come in order of time; one that is older than its predecessor of the same metric, or whose clock or
	// range is in doubt, changes nothing.
	Observe(s Sample) (Verdict, bool)
	// Tick tells that it is now so late, as Observe does. It may come at any rate; verdicts depend on it only where
	// the absence of samples matters.
	Tick(now time.Time) (Verdict, bool)
	// AppendState appends the whole state, at most MaxState bytes.
	AppendState(b []byte) []byte
	// SetState goes on from what AppendState of the same kind and parameters gave; anything else is ErrInvalid and
	// leaves the detector unusable.
	SetState(b []byte) error
}

// Params are a rule's numbers. The zero value of a field takes its default; units are in the field's comment.
type Params interface {
	// Validate is ErrInvalid with the field, named as in the pack.
	Validate() error
	// Lookback is how far before a moment the readings reach that decide it; zero when the detector learns for ever.
	Lookback() time.Duration
	// New makes a detector that has seen nothing. metrics are the rule's, which must be d's.
	New(d *sensors.Device, metrics []string) (Detector, error)
}

// Kinds are the detectors a pack may name. The values are pointers to structs with yaml tags.
var Kinds = map[string]func() Params{
	"threshold":    func() Params { return &Threshold{} },
	"cad_ose":      func() Params { return &ContextualAnomaly{} },
	"cusum":        func() Params { return &Cusum{} },
	"water_use":    func() Params { return &WaterUse{} },
	"leak":         func() Params { return &Leak{} },
	"offline":      func() Params { return &Silent{} },
	"lift_trapped": func() Params { return &Trapped{} },
	"lift_door":    func() Params { return &Door{} },
	"overspeed":    func() Params { return &Overspeed{} },
	"overdue":      func() Params { return &Overdue{} },
	"night_noise":  func() Params { return &NightNoise{} },
	"settlement":   func() Params { return &Settlement{} },
	"water_class":  func() Params { return &WaterClass{} },
}

// Doubtful are the flags of samples that detectors do not look at.
const Doubtful = sensors.Range | sensors.Clock | sensors.Late | sensors.Refused

// checked refuses a rule whose metrics are not the device's or not as many as the detector takes.
func checked(d *sensors.Device, metrics []string, least, most int) error {
	if len(metrics) < least || len(metrics) > most {
		return plinth.Invalid("metrics", "this detector takes %d to %d metrics, here are %d", least, most, len(metrics))
	}
	for _, name := range metrics {
		if _, ok := d.Metric(name); !ok {
			return plinth.Invalid("metrics", "the device %s has no metric %s", d.ID, name)
		}
	}
	return nil
}
