package detect_test

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"syscall"
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

// rater is what the contextual detector has beside the contract: its score for every value.
type rater interface{ Rate(v float64) float64 }

// whole are series of whole numbers from 0 to 99, the same on every machine.
func whole(n int, next func(rng *rand.Rand, i, last int) int) []float64 {
	rng := rand.New(rand.NewPCG(7, 0))
	values, last := make([]float64, n), 50
	for i := range values {
		last = max(0, min(99, next(rng, i, last)))
		values[i] = float64(last)
	}
	return values
}

// shapes are series that are easy and hard on the detector's time: noise makes it learn at every sample.
var shapes = map[string][]float64{
	"steps": whole(20000, func(_ *rand.Rand, i, _ int) int { return i % 8 * 14 }),
	"walk":  whole(20000, func(rng *rand.Rand, _, last int) int { return last + rng.IntN(7) - 3 }),
	"noise": whole(20000, func(rng *rand.Rand, _, _ int) int { return rng.IntN(100) }),
	"tides": whole(20000, func(rng *rand.Rand, i, _ int) int { return min(i%288, 288-i%288)/2 + rng.IntN(40) - 10 }),
}

// The digests were taken of the detector before its memory was laid out for speed: what is fast must say the same.
func TestTheContextualScoresAreWhatTheyWere(t *testing.T) {
	for name, want := range map[string]uint64{"steps": 0x60240759f3c0d092, "walk": 0x8ca2cf03ac776aee, "noise": 0xcdf0dffdaf20e630, "tides": 0x327cdb3eb420132b} {
		det := detector(t, &detect.ContextualAnomaly{Max: 99}, device(time.Minute, metric("x", "1")), "x").(rater)
		h := fnv.New64a()
		for _, v := range shapes[name] {
			h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(det.Rate(v))))
		}
		if got := h.Sum64(); got != want {
			t.Errorf("%s: scores have digest %#x, want %#x", name, got, want)
		}
	}
}

// BenchmarkContextual is one series after the other on one core, each from nothing, by shape.
func BenchmarkContextual(b *testing.B) {
	d, p := device(5*time.Minute, metric("x", "1")), &detect.ContextualAnomaly{Max: 99}
	for name, values := range shapes {
		samples := series(noon, 5*time.Minute, values...)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var det detect.Detector
			n, start := 0, processor()
			for b.Loop() {
				if n%len(samples) == 0 {
					det, _ = p.New(d, []string{"x"})
				}
				det.Observe(samples[n%len(samples)])
				n++
			}
			b.ReportMetric(float64(n)/(processor()-start).Seconds(), "samples/cpu-s")
			b.ReportMetric(float64(len(det.AppendState(nil))), "state-bytes")
		})
	}
}

// processor is the processor time of this process so far: on a busy machine the clock tells of others.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
