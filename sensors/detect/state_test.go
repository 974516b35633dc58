package detect_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"plinth"
	"plinth/sensors/detect"
)

// fed is a detector of each kind that has seen two days, by kind, and what makes another.
func fed(tb testing.TB) map[string]func(state bool) detect.Detector {
	d := device(time.Minute, metric("total", "m3"), metric("ph", "[pH]"), metric("tp", "mg/L"))
	d.Attrs = map[string]string{"inspection_due": "2026-12-31", "rated_speed": "1.75"}
	metrics := map[string][]string{"lift_trapped": {"total", "ph", "tp"}, "water_class": {"ph"}, "overdue": nil}
	out := map[string]func(bool) detect.Detector{}
	for kind := range detect.Kinds {
		names, ok := metrics[kind]
		if !ok {
			names = []string{"total"}
		}
		out[kind] = func(old bool) detect.Detector {
			p := detect.Kinds[kind]()
			if kind == "threshold" {
				if err := yaml.Unmarshal([]byte("warning: {above: 50}"), p); err != nil {
					tb.Fatal(err)
				}
			}
			det, err := p.New(d, names)
			if err != nil {
				tb.Fatal(err)
			}
			if old && len(names) > 0 {
				observe(det, len(names), 0)
			}
			return det
		}
	}
	return out
}

// observe gives a detector two days of steps.
func observe(det detect.Detector, metrics int, from time.Duration) {
	for i := range 400 {
		at := noon.Add(from + time.Duration(i)*7*time.Minute)
		det.Tick(at)
		for m := range metrics {
			det.Observe(detect.Sample{Metric: m, At: at, Seq: uint64(i), Value: float64(i % 90)})
		}
	}
}

func TestAStateThatLostABitIsRefused(t *testing.T) {
	for kind, make := range fed(t) {
		state := make(true).AppendState(nil)
		for i := 0; i < len(state); i += 1 + len(state)/200 {
			bad := bytes.Clone(state)
			bad[i] ^= 1 << (i % 8)
			if err := make(false).SetState(bad); !errors.Is(err, plinth.ErrInvalid) {
				t.Errorf("%s takes a state with bit %d of byte %d of %d turned: %v", kind, i%8, i, len(state), err)
			}
		}
		if err := make(false).SetState(state); err != nil {
			t.Errorf("%s refuses the state of its like: %v", kind, err)
		}
	}
}

// FuzzSetState: what is no state is refused; what is taken is a state, and the detector goes on from it.
func FuzzSetState(f *testing.F) {
	makers := fed(f)
	for kind, make := range makers {
		state := make(true).AppendState(nil)
		f.Add(kind, state)
		f.Add(kind, state[:len(state)/2])
		f.Add(kind, make(false).AppendState(nil))
	}
	f.Fuzz(func(t *testing.T, kind string, state []byte) {
		make, ok := makers[kind]
		if !ok {
			return
		}
		det := make(false)
		if err := det.SetState(state); err != nil {
			if !errors.Is(err, plinth.ErrInvalid) {
				t.Fatalf("%s: %v is no fault of the state", kind, err)
			}
			return
		}
		if again := det.AppendState(nil); !bytes.Equal(again, state) {
			t.Fatalf("%s: a state of %d bytes is taken and given back as another of %d", kind, len(state), len(again))
		}
		observe(det, 1, 72*time.Hour)
	})
}
