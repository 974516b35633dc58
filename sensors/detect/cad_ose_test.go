package detect_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"plinth/sensors/detect"
)

// daily is a seeded series with a day of 288 samples and some noise.
func daily(n int, seed uint64) []detect.Sample {
	rng := rand.New(rand.NewPCG(seed, 0))
	values := make([]float64, n)
	for i := range values {
		values[i] = 50 + 30*math.Sin(2*math.Pi*float64(i)/288) + rng.NormFloat64()
	}
	return series(noon, 5*time.Minute, values...)
}

func TestContextualAnomalyIsToldOnceAndAfterARestart(t *testing.T) {
	d := device(5*time.Minute, metric("x", "1"))
	samples := daily(3000, 1)
	for i := 2500; i < 2510; i++ {
		samples[i].Value = 140
	}
	got := run(t, decoded(t, "cad_ose", "{}"), d, []string{"x"}, samples)
	hits := 0
	for _, v := range got {
		if v.Grade == detect.Notice && v.At.Equal(samples[2500].At) {
			hits++
		}
	}
	if hits != 1 || len(got) > 8 {
		t.Errorf("%d alarms at the anomaly, want 1; all: %v", hits, told(got))
	}
}

func TestContextualAnomalySeesAnOrderItDoesNotKnow(t *testing.T) {
	d := device(5*time.Minute, metric("x", "1"))
	values := make([]float64, 2000)
	for i := range values {
		values[i] = float64(i % 8)
	}
	values[1500], values[1501], values[1502] = 7, 0, 7
	got := run(t, decoded(t, "cad_ose", "{min: 0, max: 7}"), d, []string{"x"}, series(noon, 5*time.Minute, values...))
	if len(got) != 2 || got[0].At.Sub(noon) < 1500*5*time.Minute || got[0].At.Sub(noon) > 1503*5*time.Minute {
		t.Errorf("every value was in range, the order was not: %v", told(got))
	}
}

// BenchmarkContextual is one series after the other on one core, each from nothing.
func BenchmarkContextual(b *testing.B) {
	samples, d, p := daily(20000, 2), device(5*time.Minute, metric("x", "1")), &detect.ContextualAnomaly{}
	b.ReportAllocs()
	var det detect.Detector
	n := 0
	for b.Loop() {
		if n%len(samples) == 0 {
			det, _ = p.New(d, []string{"x"})
		}
		s := samples[n%len(samples)]
		det.Observe(s)
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "samples/s")
	full, _ := p.New(d, []string{"x"})
	for _, s := range samples {
		full.Observe(s)
	}
	b.ReportMetric(float64(len(full.AppendState(nil))), "state-bytes")
	b.ReportMetric(detect.ContextualBytes, "bytes/series")
}
