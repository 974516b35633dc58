// Package pack reads scenario packs: what a kind of device measures, the limits that standards set, the rules by which
// its readings raise alarms, and who must answer. A pack is data, one YAML file per kind; a new one needs no code. The
// detectors that a rule may name are in sensors/detect; sensors/alarm runs the rules.
package pack

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/detect"
)

// Pack is everything known of one kind of device.
type Pack struct {
	Kind    string       `yaml:"kind"`
	Version string       `yaml:"version"` // part of every alarm's identity: change it when a rule changes
	Name    sensors.Text `yaml:"name"`
	Class   string       `yaml:"class"` // of the event standard, for the alarms' events
	// Interval and Codec are taken for devices that state none.
	Interval time.Duration `yaml:"interval"`
	Codec    string        `yaml:"codec"`
	// Privacy says who may see the values of such devices; without it they are internal.
	Privacy sensors.Privacy `yaml:"privacy"`
	// OnFile is what such a device must have on file beside what all have, of sensors.FileFields.
	OnFile  []string `yaml:"on_file"`
	Metrics []Metric `yaml:"metrics"`
	Limits  []Limit  `yaml:"limits"`
	Rules   []Rule   `yaml:"rules"`

	// Origin is "built in" or the file's name.
	Origin string `yaml:"-"`
}

// Metric is what devices of the kind measure; the fields are those of sensors.Metric.
type Metric struct {
	Name       string       `yaml:"name"`
	Title      sensors.Text `yaml:"title"`
	Unit       string       `yaml:"unit"` // UCUM
	Min        float64      `yaml:"min"`
	Max        float64      `yaml:"max"`
	Rate       float64      `yaml:"rate"`       // per second
	Stuck      int          `yaml:"stuck"`      // equal readings
	Resolution float64      `yaml:"resolution"` // in the unit
	Flat       int          `yaml:"flat"`       // readings within the resolution
	Step       float64      `yaml:"step"`       // in the unit
	Drift      float64      `yaml:"drift"`      // in the unit
	Optional   bool         `yaml:"optional"`   // not every device has it: it is not given to one that states no metrics
}

// Limit is a number that a standard sets, shown beside the series. Rules state their own numbers.
type Limit struct {
	Metric string       `yaml:"metric"`
	Title  sensors.Text `yaml:"title"`
	Above  *float64     `yaml:"above"` // more is too much
	Below  *float64     `yaml:"below"` // less is too little
	Source string       `yaml:"source"`
}

// Rule raises one kind of alarm. It runs on the devices of the kind that have all of its metrics.
type Rule struct {
	Name     string       `yaml:"name"`
	Title    sensors.Text `yaml:"title"`
	Detector string       `yaml:"detector"` // of detect.Kinds
	Metrics  []string     `yaml:"metrics"`
	Params   Params       `yaml:"params"`
	Basis    string       `yaml:"basis"` // the standard and clause
	Class    string       `yaml:"class"` // instead of the pack's
	// Text says what was found; Texts does by grade. {name} is a fact of the verdict; {device}, {site} and {address} are
	// the device's.
	Text     sensors.Text                  `yaml:"text"`
	Texts    map[detect.Grade]sensors.Text `yaml:"texts"`
	Dispatch map[detect.Grade]Dispatch     `yaml:"dispatch"`
	Unless   Unless                        `yaml:"unless"`
}

// Params are the detector's numbers.
type Params struct{ detect.Params }

// Dispatch says who must answer an alarm of a grade, and how soon.
type Dispatch struct {
	// Unit is a department's id, "owner" for the device's owner, or "street" for its street or town.
	Unit   string        `yaml:"unit"`
	Within time.Duration `yaml:"within"`
}

// Unless says what excuses the condition.
type Unless struct {
	Permit string `yaml:"permit"` // the kind of a permit for the device's site
}

// Metric returns the metric of that name.
func (p *Pack) Metric(name string) (*Metric, bool) {
	i := slices.IndexFunc(p.Metrics, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return nil, false
	}
	return &p.Metrics[i], true
}

// Rule returns the rule of that name.
func (p *Pack) Rule(name string) (*Rule, bool) {
	i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return nil, false
	}
	return &p.Rules[i], true
}

// Known is what the registry completes devices with.
func (p *Pack) Known() sensors.Kind {
	k := sensors.Kind{Interval: p.Interval, Codec: p.Codec, Privacy: p.Privacy, OnFile: p.OnFile}
	for _, m := range p.Metrics {
		known := sensors.Metric{Name: m.Name, Title: m.Title, Unit: m.Unit, Min: m.Min, Max: m.Max, MaxRate: m.Rate, StuckAfter: m.Stuck,
			Resolution: m.Resolution, FlatAfter: m.Flat, Step: m.Step, Drift: m.Drift}
		if k.Metrics = append(k.Metrics, known); !m.Optional {
			k.Usual = append(k.Usual, known)
		}
	}
	return k
}

// Applies tells whether r can watch d: whether d has its metrics.
func (r *Rule) Applies(d *sensors.Device) bool {
	return !slices.ContainsFunc(r.Metrics, func(name string) bool { _, ok := d.Metric(name); return !ok })
}

// Watch makes the detector of r for d; it has seen nothing.
func (r *Rule) Watch(d *sensors.Device) (detect.Detector, error) { return r.Params.New(d, r.Metrics) }

// Says is what r says of a verdict about d.
func (r *Rule) Says(d *sensors.Device, v detect.Verdict) sensors.Text {
	text := r.Text
	if by, ok := r.Texts[v.Grade]; ok {
		text = by
	}
	return sensors.Text{ZH: fill(text.ZH, v.Facts, d, d.Name.ZH), EN: fill(text.EN, v.Facts, d, d.Name.EN)}
}

var blank = regexp.MustCompile(`\{[a-z][a-z0-9_]*\}`)

func fill(text string, facts map[string]string, d *sensors.Device, name string) string {
	return blank.ReplaceAllStringFunc(text, func(b string) string {
		key := strings.Trim(b, "{}")
		if fact, ok := facts[key]; ok {
			return fact
		}
		switch key {
		case "device":
			return name
		case "site":
			return d.Site
		}
		return "–"
	})
}

// Answers is who must answer an alarm of a grade on d, and how soon; zero sets no time. Without a line for the grade the
// next milder one counts, and without any the owner answers.
func (r *Rule) Answers(d *sensors.Device, g detect.Grade) (plinth.AgentID, time.Duration) {
	for ; g > detect.None; g-- {
		if by, ok := r.Dispatch[g]; ok {
			return unit(by.Unit, d), by.Within
		}
	}
	return d.Owner, 0
}

func unit(name string, d *sensors.Device) plinth.AgentID {
	switch {
	case name == "street" && d.Street != "":
		return plinth.AgentID(d.Street)
	case name == "street" || name == "owner":
		return d.Owner
	}
	return plinth.AgentID(name)
}

// ClassOf is the class of the events of r's alarms.
func (p *Pack) ClassOf(r *Rule) string {
	if r.Class != "" {
		return r.Class
	}
	return p.Class
}
