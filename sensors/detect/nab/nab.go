// Package nab scores detectors as the Numenta Anomaly Benchmark does (Lavin and Ahmad, Evaluating Real-time Anomaly
// Detection Algorithms, ICMLA 2015, §II; version 1.1 of the benchmark), so that our figures can be laid beside published
// ones. It judges scores, not detectors: who made them does not matter.
package nab

import (
	"cmp"
	"math"
	"slices"
)

// Profile weighs the outcomes of one use.
type Profile struct {
	Name       string
	TP, FP, FN float64 // A_TP, A_FP, A_FN
}

// The published profiles.
var (
	Standard = Profile{"standard", 1, 0.11, 1}
	LowFP    = Profile{"reward_low_FP_rate", 1, 0.22, 1}
	LowFN    = Profile{"reward_low_FN_rate", 1, 0.11, 2}
)

// Window is a labelled anomaly: indices into the series, both inside.
type Window struct{ First, Last int }

// Scored is a series' labels and what a detector thought of each of its points.
type Scored struct {
	Windows []Window  // in order, without overlap
	Scores  []float64 // one per point, more is stranger
}

// Probation is how many points at the beginning do not count: 15 %, at most 750.
func Probation(points int) int { return int(0.15 * float64(min(points, 5000))) }

// Score is the normalised score of the whole set under the threshold that serves the profile best over the whole set,
// and that threshold: 0 is a detector that says nothing, 100 one that alarms at the first point of every window only.
func Score(set []Scored, p Profile) (score, threshold float64) {
	var points []point
	windows := 0
	for _, s := range set {
		ps, n := weigh(s, p, windows)
		points, windows = append(points, ps...), windows+n
	}
	raw, threshold := sweep(points, windows, p)
	null, perfect := -p.FN*float64(windows), p.TP*float64(windows)
	return 100 * (raw - null) / (perfect - null), threshold
}

// point is what an alarm at this point would be worth.
type point struct {
	score  float64
	window int // of the whole set; -1 for none
	worth  float64
}

// weigh values the points of s behind the probation; its windows that reach behind it are numbered from first.
func weigh(s Scored, p Profile, first int) (points []point, windows int) {
	next, before := 0, -1 // the window at or after the point, and the one before it
	gone := 0
	for gone < len(s.Windows) && s.Windows[gone].Last < Probation(len(s.Scores)) {
		gone++
	}
	for i := range s.Scores {
		if next < len(s.Windows) && i > s.Windows[next].Last {
			before, next = next, next+1
		}
		if i < Probation(len(s.Scores)) {
			continue
		}
		pt := point{score: s.Scores[i], window: -1}
		switch {
		case next < len(s.Windows) && i >= s.Windows[next].First:
			pt.window, pt.worth = first+next-gone, p.TP*inside(s.Windows[next], i)
		case before >= 0:
			pt.worth = p.FP * past(s.Windows[before], i)
		default:
			pt.worth = -p.FP
		}
		points = append(points, pt)
	}
	return points, len(s.Windows) - gone
}

// inside is 1 at the first point of w and nearly 0 at the last.
func inside(w Window, i int) float64 {
	y := -float64(w.Last-i+1) / float64(w.Last-w.First+1)
	return sigmoid(y) / sigmoid(-1)
}

// past is nearly 0 just behind w and -1 far from it.
func past(w Window, i int) float64 { return sigmoid(float64(i-w.Last) / float64(w.Last-w.First)) }

func sigmoid(y float64) float64 {
	if y > 3 {
		return -1
	}
	return 2/(1+math.Exp(5*y)) - 1
}

// sweep lowers the threshold point by point and keeps the best total. In a window only the best alarm counts.
func sweep(points []point, windows int, p Profile) (best, threshold float64) {
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(b.score, a.score) })
	got := make([]float64, windows)
	for i := range got {
		got[i] = -p.FN
	}
	total := -p.FN * float64(windows)
	best, threshold = total, math.Inf(1)
	for i, pt := range points {
		if pt.window < 0 {
			total += pt.worth
		} else if pt.worth > got[pt.window] {
			total, got[pt.window] = total+pt.worth-got[pt.window], pt.worth
		}
		last := i+1 == len(points) || points[i+1].score != pt.score
		if last && total > best {
			best, threshold = total, pt.score
		}
	}
	return best, threshold
}
