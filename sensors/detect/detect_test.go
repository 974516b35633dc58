package detect_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/detect"
)

var noon = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC) // noon in Shanghai

func device(interval time.Duration, metrics ...sensors.Metric) *sensors.Device {
	return &sensors.Device{ID: "d-1", Kind: "probe", Owner: "o", Interval: interval, Metrics: metrics}
}

func metric(name, unit string) sensors.Metric { return sensors.Metric{Name: name, Unit: unit} }

// series are samples of one metric, one per step.
func series(from time.Time, step time.Duration, values ...float64) []detect.Sample {
	out := make([]detect.Sample, len(values))
	for i, v := range values {
		out[i] = detect.Sample{At: from.Add(time.Duration(i) * step), Seq: uint64(i + 1), Value: v}
	}
	return out
}

func times(n int, v float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func detector(t *testing.T, p detect.Params, d *sensors.Device, metrics ...string) detect.Detector {
	t.Helper()
	got, err := p.New(d, metrics)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// run feeds samples, with a tick before each, and returns what changed. It also checks that a detector restarted from
// its state before every seventh sample says the same, bit by bit, and that the state is small.
func run(t *testing.T, p detect.Params, d *sensors.Device, metrics []string, samples []detect.Sample) []detect.Verdict {
	t.Helper()
	var got, again []detect.Verdict
	one, two := detector(t, p, d, metrics...), detector(t, p, d, metrics...)
	for i, s := range samples {
		if i%7 == 0 {
			state := two.AppendState(nil)
			if len(state) > detect.MaxState {
				t.Fatalf("the state has %d bytes, the limit is %d", len(state), detect.MaxState)
			}
			two = detector(t, p, d, metrics...)
			if err := two.SetState(state); err != nil {
				t.Fatal(err)
			}
		}
		got, again = feed(got, one, s), feed(again, two, s)
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Fatalf("a restart changes the verdicts (-without +with):\n%s", diff)
	}
	return got
}

func feed(to []detect.Verdict, d detect.Detector, s detect.Sample) []detect.Verdict {
	if v, ok := d.Tick(s.At); ok {
		to = append(to, v)
	}
	if v, ok := d.Observe(s); ok {
		to = append(to, v)
	}
	return to
}

// told are the grades and the times of the changes, as text.
func told(vs []detect.Verdict) []string {
	var out []string
	for _, v := range vs {
		out = append(out, v.Grade.String()+" at "+v.At.Sub(noon).String()+" since "+v.Since.Sub(noon).String())
	}
	return out
}

func decoded(t *testing.T, kind, text string) detect.Params {
	t.Helper()
	p := detect.Kinds[kind]()
	if err := yaml.Unmarshal([]byte(text), p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestADetectorRefusesTheStateOfAnother(t *testing.T) {
	d := device(time.Minute, metric("x", "1"))
	p := decoded(t, "threshold", "warning: {above: 1}")
	for name, b := range map[string][]byte{"empty": nil, "noise": []byte("nothing of the kind"),
		"cut off": detector(t, p, d, "x").AppendState(nil)[:100]} {
		if err := detector(t, p, d, "x").SetState(b); !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
}

func TestADetectorRefusesMetricsTheDeviceHasNot(t *testing.T) {
	d := device(time.Minute, metric("x", "1"))
	p := decoded(t, "threshold", "warning: {above: 1}")
	for _, metrics := range [][]string{nil, {"y"}, {"x", "x"}} {
		if _, err := p.New(d, metrics); !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("%v: %v, want it refused", metrics, err)
		}
	}
}
