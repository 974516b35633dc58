package nab_test

import (
	"math"
	"os"
	"testing"
	"time"

	"plinth/sensors"
	"plinth/sensors/detect"
	"plinth/sensors/detect/nab"
)

var profiles = []nab.Profile{nab.Standard, nab.LowFP, nab.LowFN}

// labelled is a set with two windows, one in each series.
func labelled(score func(series, i int) float64) []nab.Scored {
	set := []nab.Scored{{Windows: []nab.Window{{500, 599}}, Scores: make([]float64, 1000)},
		{Windows: []nab.Window{{800, 899}}, Scores: make([]float64, 2000)}}
	for n := range set {
		for i := range set[n].Scores {
			set[n].Scores[i] = score(n, i)
		}
	}
	return set
}

func TestSilenceScoresNothingAndPerfectionAll(t *testing.T) {
	for _, p := range profiles {
		if got, _ := nab.Score(labelled(func(int, int) float64 { return 0.5 }), p); got < 0 || got > 20 {
			t.Errorf("%s: equal scores give %v", p.Name, got)
		}
		perfect := labelled(func(n, i int) float64 {
			if n == 0 && i == 500 || n == 1 && i == 800 {
				return 1
			}
			return 0
		})
		if got, threshold := nab.Score(perfect, p); math.Abs(got-100) > 1e-9 || threshold != 1 {
			t.Errorf("%s: the perfect detector has %v at %v, want 100 at 1", p.Name, got, threshold)
		}
		if got, _ := nab.Score(labelled(func(n, i int) float64 {
			if i == 400 {
				return 1
			}
			return 0
		}), p); got > 1 {
			t.Errorf("%s: false alarms alone give %v", p.Name, got)
		}
	}
}

func TestLateAlarmsAreWorthLess(t *testing.T) {
	last := 101.0
	for _, at := range []int{0, 30, 60, 99} {
		got, _ := nab.Score(labelled(func(n, i int) float64 {
			if n == 0 && i == 500+at || n == 1 && i == 800+at {
				return 1
			}
			return 0
		}), nab.Standard)
		if got >= last || got < 50 {
			t.Errorf("alarms %d points late give %v, before %v", at, got, last)
		}
		last = got
	}
}

func TestProbationDoesNotCount(t *testing.T) {
	if nab.Probation(1000) != 150 || nab.Probation(15902) != 750 {
		t.Errorf("probations %d and %d, want 150 and 750", nab.Probation(1000), nab.Probation(15902))
	}
	set := []nab.Scored{{Windows: []nab.Window{{10, 50}, {500, 599}}, Scores: make([]float64, 1000)}}
	set[0].Scores[500] = 1
	if got, _ := nab.Score(set, nab.Standard); math.Abs(got-100) > 1e-9 {
		t.Errorf("a window inside the probation counts: %v", got)
	}
}

// seriesDir is where the labelled series are on this machine; they are not ours to ship.
func seriesDir() string {
	if dir := os.Getenv("PLINTH_SERIES_DIR"); dir != "" {
		return dir
	}
	return "../../../../shared/data/series"
}

// rater is what the contextual detector has beside the contract: its score for every value.
type rater interface{ Rate(v float64) float64 }

// rate lets a detector score s; declared gives it the range of the whole series, as the benchmark does.
func rate(tb testing.TB, s *nab.Series, declared bool) nab.Scored {
	p := &detect.ContextualAnomaly{Probation: nab.Probation(len(s.Value))}
	if declared {
		p.Min, p.Max = s.Value[0], s.Value[0]
		for _, v := range s.Value {
			p.Min, p.Max = min(p.Min, v), max(p.Max, v)
		}
	}
	d := &sensors.Device{ID: "s", Interval: 5 * time.Minute, Metrics: []sensors.Metric{{Name: "v"}}}
	det, err := p.New(d, []string{"v"})
	if err != nil {
		tb.Fatal(err)
	}
	out := nab.Scored{Windows: s.Windows, Scores: make([]float64, len(s.Value))}
	for i, v := range s.Value {
		out.Scores[i] = det.(rater).Rate(v)
	}
	return out
}

// BenchmarkNAB scores the contextual detector over the labelled series that are there.
func BenchmarkNAB(b *testing.B) {
	all, err := nab.Load(seriesDir())
	if err != nil {
		b.Fatalf("the labelled series are not there; PLINTH_SERIES_DIR names their folder: %v", err)
	}
	var set, learned []nab.Scored
	samples := 0
	var took time.Duration
	for b.Loop() {
		set, learned, samples = nil, nil, 0
		start := time.Now()
		for i := range all {
			set = append(set, rate(b, &all[i], true))
			samples += len(all[i].Value)
		}
		took = time.Since(start)
		for i := range all {
			learned = append(learned, rate(b, &all[i], false))
		}
	}
	for _, p := range profiles {
		score, threshold := nab.Score(set, p)
		b.ReportMetric(score, p.Name)
		b.ReportMetric(threshold, p.Name+"-threshold")
		score, _ = nab.Score(learned, p)
		b.ReportMetric(score, p.Name+"-range-learned")
	}
	b.ReportMetric(detect.ContextualBytes, "bytes/series")
	b.ReportMetric(float64(len(all)), "series")
	b.ReportMetric(float64(samples)/took.Seconds(), "samples/s")
}
