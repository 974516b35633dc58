package detect_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/detect"
)

func TestThresholdRaisesRegradesAndClears(t *testing.T) {
	d := device(time.Minute, metric("x", "dB"))
	for name, tt := range map[string]struct {
		rule   string
		values []float64
		want   []string
	}{
		"at once": {"warning: {above: 5}", []float64{5, 6, 5}, []string{"warning at 1m0s since 1m0s", "none at 2m0s since 1m0s"}},
		"below":   {"urgent: {below: 5}", []float64{5, 4}, []string{"urgent at 1m0s since 1m0s"}},
		"grades keep the beginning": {"notice: {above: 5}\nurgent: {above: 9}", []float64{6, 10, 6, 1},
			[]string{"notice at 0s since 0s", "urgent at 1m0s since 0s", "notice at 2m0s since 0s", "none at 3m0s since 0s"}},
		"hysteresis":        {"warning: {above: 5}\nhysteresis: 1", []float64{6, 4.5, 5.5, 4}, []string{"warning at 0s since 0s", "none at 3m0s since 0s"}},
		"too short":         {"warning: {above: 5}\nhold: 3m", []float64{6, 6, 6, 5, 6}, nil},
		"long enough":       {"warning: {above: 5}\nhold: 3m\ncalm: 1m", []float64{6, 6, 6, 6, 1, 6, 1, 1}, []string{"warning at 3m0s since 0s", "none at 7m0s since 0s"}},
		"band":              {"warning: {above: 9, below: 6}", []float64{7, 5}, []string{"warning at 1m0s since 1m0s"}},
		"a graver one only": {"notice: {above: 5}\nurgent: {above: 9}\nhold: 2m", []float64{10, 10, 10}, []string{"urgent at 2m0s since 0s"}},
	} {
		got := run(t, decoded(t, "threshold", tt.rule), d, []string{"x"}, series(noon, time.Minute, tt.values...))
		if diff := cmp.Diff(tt.want, told(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestThresholdTellsItsReasons(t *testing.T) {
	d := device(time.Minute, metric("x", "dB"))
	got := run(t, decoded(t, "threshold", "warning: {above: 5.5}"), d, []string{"x"}, series(noon, time.Minute, 1, 6.25))
	want := []detect.Verdict{{Grade: detect.Warning, Since: noon.Add(time.Minute), At: noon.Add(time.Minute), Score: 0.75,
		Rows:  []detect.Ref{{"x", noon, 1}, {"x", noon.Add(time.Minute), 2}},
		Facts: map[string]string{"metric": "x", "value": "6.25", "limit": "5.5", "unit": "dB"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestThresholdDoesNotCountSilenceAsHolding(t *testing.T) {
	d := device(time.Minute, metric("x", "dB"))
	samples := append(series(noon, time.Minute, 6), series(noon.Add(time.Hour), time.Minute, 6)...)
	if got := run(t, decoded(t, "threshold", "warning: {above: 5}\nhold: 30m"), d, []string{"x"}, samples); got != nil {
		t.Errorf("two samples an hour apart alarm: %v", told(got))
	}
}

func TestThresholdIgnoresDoubtfulSamples(t *testing.T) {
	d := device(time.Minute, metric("x", "dB"))
	for _, f := range []sensors.Flags{sensors.Range, sensors.Clock, sensors.Late} {
		s := detect.Sample{At: noon, Value: 99, Flags: f}
		if got := run(t, decoded(t, "threshold", "warning: {above: 5}"), d, []string{"x"}, []detect.Sample{s}); got != nil {
			t.Errorf("a sample flagged %v alarms: %v", f.Names(), told(got))
		}
	}
}

func TestThresholdNamesTheParameterAtFault(t *testing.T) {
	for field, rule := range map[string]string{
		"warning":    "hysteresis: 1",
		"urgent":     "notice: {above: 9}\nurgent: {above: 5}",
		"notice":     "notice: {above: 1, below: 2}",
		"hysteresis": "warning: {above: 1}\nhysteresis: -1",
		"hold":       "warning: {above: 1}\nhold: -1s",
		"calm":       "warning: {above: 1}\ncalm: 9999h",
	} {
		var e *plinth.Error
		if err := decoded(t, "threshold", rule).Validate(); !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
