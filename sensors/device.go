package sensors

import (
	"time"

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
	// System is the coordinate system in which the position was given, e.g. "gcj02"; "" is WGS 84.
	System   string
	Metrics  []Metric
	Interval time.Duration // expected between readings
	Segment  time.Duration // the window of its segments in the log; zero takes the usual

	Life       Life   // "" reads as active
	Codec      string // how its messages are written, see Codecs; "" is "json"
	Maker      string
	Model      string
	Installed  time.Time // zero when not known, like the two that follow
	Calibrated time.Time
	// CalibrationDue is when the calibration ends.
	CalibrationDue time.Time
	// Twins is the group of devices that measure the same thing; "" when there are none.
	Twins string
	// Attrs are what scenario packs need to know of a device, e.g. "inspection_due": "2026-12-31"; nothing personal.
	Attrs map[string]string

	// Registered is when it came into the registry. It is no part of what is registered, so no record holds it.
	Registered time.Time `json:"-"`

	// Version counts the changes of what is registered; a change names the version that it was made from.
	Version int64
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
	// Resolution is the smallest step that the instrument shows, in the unit; zero when not known.
	Resolution float64
	// FlatAfter is how many readings whose spread stays within Resolution are suspicious; zero when any number is fine.
	FlatAfter int
	// Step and Drift are the sizes, in the unit, of a shift of level and of a lasting difference to the twins that are
	// flagged; zero flags none.
	Step, Drift float64
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
