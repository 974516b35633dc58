package pipelines

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"plinth"
	"plinth/sensors"
)

// Rule is one rule of a data standard that every row of a pipeline must keep: a code list, a pattern, a range, a unit. A
// row that breaks it is a dead letter that names the rule.
type Rule struct {
	Name     string   `yaml:"name" json:"name"`
	Standard string   `yaml:"standard,omitempty" json:"standard,omitempty"` // where it comes from, e.g. "GB/T 30428.2"
	Field    string   `yaml:"field,omitempty" json:"field,omitempty"`       // of the row; "value" when empty
	Metric   string   `yaml:"metric,omitempty" json:"metric,omitempty"`     // readings: of this metric alone
	Required bool     `yaml:"required,omitempty" json:"required,omitempty"`
	OneOf    []string `yaml:"one_of,omitempty" json:"one_of,omitempty"`
	Pattern  string   `yaml:"pattern,omitempty" json:"pattern,omitempty"` // the whole value must match
	Min      *float64 `yaml:"min,omitempty" json:"min,omitempty"`
	Max      *float64 `yaml:"max,omitempty" json:"max,omitempty"`
	Unit     string   `yaml:"unit,omitempty" json:"unit,omitempty"` // readings: the metric's unit, in UCUM
}

// Rules are a pipeline's rules, ready to judge rows. A nil *Rules lets everything through. It is read-only, so that many
// goroutines may use it.
type Rules struct{ all []rule }

type rule struct {
	Rule
	pattern *regexp.Regexp
	codes   map[string]bool
	said    string // the name and the standard, as a dead letter tells them
}

const maxCodes = 10_000

// compileRules makes rules ready. A fault names the field of the declaration.
func compileRules(rs []Rule, into Target) (*Rules, error) {
	if len(rs) == 0 {
		return nil, nil
	}
	out := &Rules{}
	names := map[string]bool{}
	for i, r := range rs {
		at := fmt.Sprintf("checks[%d].", i)
		if names[r.Name] {
			return nil, plinth.Invalid(at+"name", "the rule %q is there twice", r.Name)
		}
		names[r.Name] = true
		c, err := compileRule(at, r, into)
		if err != nil {
			return nil, err
		}
		out.all = append(out.all, c)
	}
	return out, nil
}

func compileRule(at string, r Rule, into Target) (rule, error) {
	r.Field = cmp.Or(r.Field, "value")
	c := rule{Rule: r, said: r.Name}
	if r.Standard != "" {
		c.said += " (" + r.Standard + ")"
	}
	switch {
	case r.Name == "" || len(r.Name) > 100:
		return c, plinth.Invalid(at+"name", "a rule has a name of at most 100 bytes")
	case len(r.Standard) > maxLabel:
		return c, plinth.Invalid(at+"standard", "the standard has at most %d bytes", maxLabel)
	case len(r.OneOf) > maxCodes:
		return c, plinth.Invalid(at+"one_of", "a code list has at most %d codes", maxCodes)
	case r.Min != nil && !finiteNumber(*r.Min), r.Max != nil && !finiteNumber(*r.Max):
		return c, plinth.Invalid(at+"min", "the limits are finite numbers")
	case r.Min != nil && r.Max != nil && *r.Min > *r.Max:
		return c, plinth.Invalid(at+"max", "the upper limit is below the lower one")
	case !r.Required && len(r.OneOf) == 0 && r.Pattern == "" && r.Min == nil && r.Max == nil && r.Unit == "":
		return c, plinth.Invalid(at+"name", "the rule %q demands nothing", r.Name)
	}
	if err := r.fits(at, into); err != nil {
		return c, err
	}
	return c, c.prepare(at)
}

func finiteNumber(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// fits tells whether the target's rows have what the rule asks about.
func (r *Rule) fits(at string, into Target) error {
	text := r.Required || len(r.OneOf) > 0 || r.Pattern != ""
	switch {
	case into == ToReadings && !slices.Contains([]string{"value", "metric", "device"}, r.Field):
		return plinth.Invalid(at+"field", "a reading's fields are value, metric and device")
	case into == ToReadings && r.Field == "value" && text:
		return plinth.Invalid(at+"field", "a value is a number: its rules are min, max and unit")
	case into == ToReadings && r.Field != "value" && (r.Min != nil || r.Max != nil || r.Unit != ""):
		return plinth.Invalid(at+"field", "a text's rules are one_of and pattern")
	case into == ToEvents && (r.Metric != "" || r.Unit != ""):
		return plinth.Invalid(at+"metric", "events have neither metric nor unit")
	case into == ToEvents && !slices.Contains(eventFields, r.Field) && !strings.HasPrefix(r.Field, "attrs."):
		return plinth.Invalid(at+"field", "events have no field %q", clip(r.Field, 64))
	case into == ToEvents && r.Field == "at":
		return plinth.Invalid(at+"field", "the time is judged by the mapping")
	}
	return nil
}

func (c *rule) prepare(at string) error {
	if c.Pattern != "" {
		var err error
		if c.pattern, err = regexp.Compile(`^(?:` + c.Pattern + `)$`); err != nil || len(c.Pattern) > 1000 {
			return plinth.Invalid(at+"pattern", "the pattern is no regular expression of at most 1000 bytes")
		}
	}
	if len(c.OneOf) > 0 {
		c.codes = make(map[string]bool, len(c.OneOf))
		for _, code := range c.OneOf {
			c.codes[code] = true
		}
	}
	return nil
}

// Reading tells which rule a reading of d breaks, or nil.
func (rs *Rules) Reading(d *sensors.Device, r *sensors.Reading) *sensors.Fault {
	if rs == nil {
		return nil
	}
	for i := range rs.all {
		c := &rs.all[i]
		if c.Metric != "" && c.Metric != r.Metric {
			continue
		}
		if reason := c.reading(d, r); reason != "" {
			return &sensors.Fault{Device: r.Device, Field: c.Field, Reason: c.broken(reason)}
		}
	}
	return nil
}

// sift keeps the readings that break no rule, in place, and adds a fault for each of the others.
func (rs *Rules) sift(d *sensors.Device, all []sensors.Reading, faults []sensors.Fault) ([]sensors.Reading, []sensors.Fault) {
	kept := all[:0]
	for i := range all {
		if f := rs.Reading(d, &all[i]); f != nil {
			faults = append(faults, *f)
			continue
		}
		kept = append(kept, all[i])
	}
	return kept, faults
}

func (c *rule) broken(reason string) string { return "the rule " + c.said + " is broken: " + reason }

func (c *rule) reading(d *sensors.Device, r *sensors.Reading) string {
	switch c.Field {
	case "metric":
		return c.text(r.Metric)
	case "device":
		return c.text(string(r.Device))
	}
	if c.Unit != "" {
		if m, ok := d.Metric(r.Metric); ok && m.Unit != c.Unit {
			return fmt.Sprintf("%s is measured in %s and must be in %s", m.Name, m.Unit, c.Unit)
		}
	}
	return c.number(r.Value)
}

// Event tells which rule e breaks, or nil.
func (rs *Rules) Event(e *Event) *fault {
	if rs == nil {
		return nil
	}
	for i := range rs.all {
		c := &rs.all[i]
		if reason := c.event(e); reason != "" {
			return &fault{c.Field, c.broken(reason)}
		}
	}
	return nil
}

func (c *rule) event(e *Event) string {
	switch c.Field {
	case "longitude":
		return c.number(e.Longitude)
	case "latitude":
		return c.number(e.Latitude)
	}
	s := eventText(e, c.Field)
	if reason := c.text(s); reason != "" || s == "" || c.Min == nil && c.Max == nil {
		return reason
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !finiteNumber(v) {
		return fmt.Sprintf("%q is no number", clip(s, 100))
	}
	return c.number(v)
}

func eventText(e *Event, field string) string {
	switch field {
	case "source_id":
		return e.SourceID
	case "class":
		return e.Class
	case "title":
		return e.Title
	case "text":
		return e.Text
	case "street":
		return e.Street
	case "grid":
		return e.Grid
	case "address":
		return e.Address
	case "contact":
		return e.Contact
	}
	return e.Attrs[strings.TrimPrefix(field, "attrs.")]
}

// text judges a text. An empty one breaks no rule but Required.
func (c *rule) text(s string) string {
	switch {
	case s == "" && c.Required:
		return "it is empty"
	case s == "":
	case c.codes != nil && !c.codes[s]:
		return fmt.Sprintf("%q is not in the code list", clip(s, 100))
	case c.pattern != nil && !c.pattern.MatchString(s):
		return fmt.Sprintf("%q does not match %s", clip(s, 100), clip(c.Pattern, 100))
	}
	return ""
}

func (c *rule) number(v float64) string {
	switch {
	case c.Min != nil && v < *c.Min:
		return fmt.Sprintf("%v is below %v", v, *c.Min)
	case c.Max != nil && v > *c.Max:
		return fmt.Sprintf("%v is above %v", v, *c.Max)
	}
	return ""
}
