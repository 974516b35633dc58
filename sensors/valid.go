package sensors

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"plinth"
)

// Limits of what a device may be.
const (
	MaxMetrics  = 64
	MaxAttrs    = 32
	maxInterval = 31 * 24 * time.Hour
	maxText     = 200
	maxRun      = 1_000_000
)

var (
	deviceID   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	metricName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	ownerName  = regexp.MustCompile(`^[!-~]{1,30}$`) // the log names it as the organisation
	twinsName  = regexp.MustCompile(`^([a-z0-9][a-z0-9_-]{0,63})?$`)
)

// Codecs are the ways in which a device may write its messages; "" is json.
var Codecs = []string{"json", "senml", "cbor", "plain", "sparkplug"}

// Validate tells what is wrong with d as ErrInvalid with the field.
func (d *Device) Validate() error {
	switch {
	case !deviceID.MatchString(string(d.ID)):
		return plinth.Invalid("id", "a device's id is 1 to 64 of a-z, 0-9, - and _, and begins with a letter or digit")
	case !metricName.MatchString(d.Kind):
		return plinth.Invalid("kind", "a kind is 1 to 32 of a-z, 0-9 and _, and begins with a letter")
	case !ownerName.MatchString(string(d.Owner)):
		return plinth.Invalid("owner", "a device has an owner, the id of a department or street: 1 to 30 letters without blanks")
	case !(d.Longitude >= -180 && d.Longitude <= 180):
		return plinth.Invalid("longitude", "the longitude is in degrees, -180 to 180")
	case !(d.Latitude >= -90 && d.Latitude <= 90):
		return plinth.Invalid("latitude", "the latitude is in degrees, -90 to 90")
	case d.Interval < time.Second || d.Interval > maxInterval:
		return plinth.Invalid("intervalS", "the interval is 1 s to 31 days, is %s", d.Interval)
	case len(d.Metrics) == 0 || len(d.Metrics) > MaxMetrics:
		return plinth.Invalid("metrics", "a device has 1 to %d metrics, here are %d", MaxMetrics, len(d.Metrics))
	}
	for _, valid := range []func() error{d.validTexts, d.validCare, d.validAttrs, d.validCode} {
		if err := valid(); err != nil {
			return err
		}
	}
	return validMetrics(d.Metrics)
}

func (d *Device) validTexts() error {
	for _, t := range []struct{ field, text string }{{"name.zh", d.Name.ZH}, {"name.en", d.Name.EN}, {"site", d.Site},
		{"street", d.Street}, {"grid", d.Grid}, {"maker", d.Maker}, {"model", d.Model}} {
		if err := validText(t.field, t.text); err != nil {
			return err
		}
	}
	return nil
}

// validCare checks what is known of the device's life and upkeep.
func (d *Device) validCare() error {
	switch {
	case d.Life != "" && !slices.Contains(Lives, d.Life):
		return plinth.Invalid("life", "a device is one of %v", Lives)
	case d.Codec != "" && !slices.Contains(Codecs, d.Codec):
		return plinth.Invalid("codec", "the codec is one of %v", Codecs)
	case !twinsName.MatchString(d.Twins):
		return plinth.Invalid("twins", "a group of twins is named by 1 to 64 of a-z, 0-9, - and _")
	case !d.CalibrationDue.IsZero() && d.CalibrationDue.Before(d.Calibrated):
		return plinth.Invalid("calibrationDue", "the calibration is due after it was done")
	}
	for _, t := range []struct {
		field string
		at    time.Time
	}{{"installed", d.Installed}, {"calibrated", d.Calibrated}, {"calibrationDue", d.CalibrationDue}} {
		if !t.at.IsZero() && (t.at.Before(firstInstant) || !t.at.Before(lastInstant)) {
			return plinth.Invalid(t.field, "the date lies in 1970 to 2260")
		}
	}
	return nil
}

func (d *Device) validAttrs() error {
	if len(d.Attrs) > MaxAttrs {
		return plinth.Invalid("attrs", "a device has at most %d attributes, here are %d", MaxAttrs, len(d.Attrs))
	}
	for _, key := range slices.Sorted(maps.Keys(d.Attrs)) {
		if !metricName.MatchString(key) {
			return plinth.Invalid("attrs", "an attribute's name is 1 to 32 of a-z, 0-9 and _, and begins with a letter; %.64q is not", key)
		}
		if err := validText("attrs."+key, d.Attrs[key]); err != nil {
			return err
		}
	}
	return nil
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
		if err := m.validCare(field); err != nil {
			return err
		}
		seen[m.Name] = true
	}
	return nil
}

// validCare checks what the quality flags go by.
func (m Metric) validCare(field string) error {
	for _, v := range []struct {
		field string
		value float64
	}{{"resolution", m.Resolution}, {"step", m.Step}, {"drift", m.Drift}} {
		if !finite(v.value) || v.value < 0 {
			return plinth.Invalid(field+v.field, "this is a number in the metric's unit, above zero, or zero when there is none")
		}
	}
	for _, v := range []struct {
		field string
		n     int
	}{{"stuckAfter", m.StuckAfter}, {"flatAfter", m.FlatAfter}} {
		if v.n < 0 || v.n == 1 || v.n > maxRun {
			return plinth.Invalid(field+v.field, "a run has 2 to %d readings, or 0 to look at none", maxRun)
		}
	}
	return nil
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
