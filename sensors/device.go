package sensors

import (
	"fmt"
	"math"
	"regexp"
	"time"
	"unicode/utf8"

	"plinth"
)

// Text is a label in both languages of the console.
type Text struct{ ZH, EN string }

// Device is what sends readings.
type Device struct {
	ID                  plinth.DeviceID
	Kind                string // "lift", "water_meter", …; also its domain in the topics
	Name                Text
	Owner               plinth.AgentID
	Street, Grid, Site  string
	Longitude, Latitude float64 // WGS 84, degrees; both zero when not known
	Metrics             []Metric
	Interval            time.Duration // expected between readings
	Segment             time.Duration // the window of its segments in the log; zero takes the usual
}

// Metric is one thing a device measures.
type Metric struct {
	Name     string
	Title    Text
	Unit     string  // UCUM
	Min, Max float64 // equal when there are no limits
	// MaxRate is the fastest plausible change per second; zero when not known.
	MaxRate float64
	// StuckAfter is how many equal readings in a row are suspicious; zero when any number is fine.
	StuckAfter int
}

// Metric returns the metric of that name.
func (d *Device) Metric(name string) (*Metric, bool) {
	for i := range d.Metrics {
		if d.Metrics[i].Name == name {
			return &d.Metrics[i], true
		}
	}
	return nil, false
}

// Limits of what a device may be.
const (
	MaxMetrics  = 64
	maxInterval = 31 * 24 * time.Hour
	maxText     = 200
)

var (
	deviceID   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	metricName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
)

// Validate tells what is wrong with d as ErrInvalid with the field.
func (d *Device) Validate() error {
	switch {
	case !deviceID.MatchString(string(d.ID)):
		return plinth.Invalid("id", "a device's id is 1 to 64 of a-z, 0-9, - and _, and begins with a letter or digit")
	case !metricName.MatchString(d.Kind):
		return plinth.Invalid("kind", "a kind is 1 to 32 of a-z, 0-9 and _, and begins with a letter")
	case d.Owner == "":
		return plinth.Invalid("owner", "a device has an owner")
	case !(d.Longitude >= -180 && d.Longitude <= 180):
		return plinth.Invalid("longitude", "the longitude is in degrees, -180 to 180")
	case !(d.Latitude >= -90 && d.Latitude <= 90):
		return plinth.Invalid("latitude", "the latitude is in degrees, -90 to 90")
	case d.Interval < time.Second || d.Interval > maxInterval:
		return plinth.Invalid("intervalS", "the interval is 1 s to 31 days, is %s", d.Interval)
	case len(d.Metrics) == 0 || len(d.Metrics) > MaxMetrics:
		return plinth.Invalid("metrics", "a device has 1 to %d metrics, here are %d", MaxMetrics, len(d.Metrics))
	}
	for field, s := range map[string]string{"name.zh": d.Name.ZH, "name.en": d.Name.EN, "site": d.Site, "street": d.Street,
		"grid": d.Grid} {
		if err := validText(field, s); err != nil {
			return err
		}
	}
	return validMetrics(d.Metrics)
}

func validText(field, s string) error {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxText {
		return plinth.Invalid(field, "this text is UTF-8 of at most %d characters", maxText)
	}
	return nil
}

func validMetrics(metrics []Metric) error {
	seen := map[string]bool{}
	for i, m := range metrics {
		field := fmt.Sprintf("metrics[%d].", i)
		switch {
		case !metricName.MatchString(m.Name):
			return plinth.Invalid(field+"name", "a metric's name is 1 to 32 of a-z, 0-9 and _, and begins with a letter")
		case seen[m.Name]:
			return plinth.Invalid(field+"name", "the metric %s is there twice", m.Name)
		case m.Unit == "" || len(m.Unit) > 32:
			return plinth.Invalid(field+"unit", "a metric has a unit in UCUM, e.g. Cel, m/s, 1")
		case !finite(m.Min) || !finite(m.Max) || m.Min > m.Max:
			return plinth.Invalid(field+"max", "the limits are finite numbers, min below max")
		case !finite(m.MaxRate) || m.MaxRate < 0:
			return plinth.Invalid(field+"maxRate", "the rate is a number above zero")
		}
		seen[m.Name] = true
	}
	return nil
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// SegmentWindow is the window of d's segments: a minute for the frequent, an hour for the rest, unless d says.
func (d *Device) SegmentWindow() time.Duration {
	switch {
	case d.Segment > 0:
		return d.Segment
	case d.Interval <= time.Minute:
		return time.Minute
	}
	return time.Hour
}

// Topic is where d publishes.
func (d *Device) Topic() string { return "plinth/v1/" + d.Kind + "/" + string(d.ID) + "/data" }
