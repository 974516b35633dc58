package vitals

import (
	"math"
	"slices"
	"time"
)

// Grade says how far off a value is.
type Grade int8

// The grades. Their values are stored: never renumber.
const (
	Unknown Grade = -1 // no baseline yet, or too little data
	Normal  Grade = 0
	Notice  Grade = 1
	Warning Grade = 2
	Urgent  Grade = 3
)

var gradeNames = []string{"unknown", "normal", "notice", "warning", "urgent"}

// String is the grade's name.
func (g Grade) String() string {
	if g < Unknown || g > Urgent {
		return "unknown"
	}
	return gradeNames[g+1]
}

// GradeOf reads a grade's name.
func GradeOf(name string) (Grade, bool) {
	i := slices.Index(gradeNames, name)
	return Grade(i - 1), i >= 0
}

// Trend is where the last values go.
type Trend int8

// The trends. Their values are stored: never renumber.
const (
	Down     Trend = -1
	Steady   Trend = 0
	Up       Trend = 1
	NoTrend  Trend = 2 // too few values
	trendLen       = 8
)

// String is the trend's name.
func (t Trend) String() string {
	return map[Trend]string{Down: "down", Steady: "steady", Up: "up"}[t]
}

// Value is what an indicator was in a place and period. NaN stands for what there is not.
type Value struct {
	Indicator string
	Street    string // "" is the district
	From, To  time.Time
	Version   int
	Value     float64
	Weight    float64
	Baseline  float64
	Score     float64 // what the limits were held against
	Grade     Grade
	Trend     Trend
	Since     time.Time // since when the grade is other than normal without a break; zero when it is not
	Computed  time.Time
}

// grade holds a score against limits on both sides. The limit itself is still normal.
func grade(score float64, high, low Limits) Grade {
	if math.IsNaN(score) {
		return Unknown
	}
	above := func(limit float64) bool { return score > limit }
	below := func(limit float64) bool { return score < limit }
	return max(high.reached(above), low.reached(below))
}

func (l Limits) reached(beyond func(float64) bool) Grade {
	g := Normal
	for i, limit := range []*float64{l.Notice, l.Warning, l.Urgent} {
		if limit != nil && beyond(*limit) {
			g = Grade(i + 1)
		}
	}
	return g
}

// score is what the limits are held against, and the baseline that it was made with. NaN when it cannot be said.
func (b Baseline) score(value float64, past []float64) (score, base float64) {
	switch b.Kind {
	case SameHour:
		if len(past) < leastWeeks {
			return math.NaN(), math.NaN()
		}
		base = max(median(past), b.Floor)
		if base == 0 {
			return math.NaN(), base
		}
		return value / base, base
	case Quantile:
		if len(past) < leastPast {
			return math.NaN(), math.NaN()
		}
		return rank(value, past), median(past)
	}
	return value, math.NaN()
}

// What a baseline needs before it says anything.
const (
	weeks      = 4
	leastWeeks = 2
	leastPast  = 20
)

// rank is value's place among past values, 0 to 1: the share below it, and half of those equal to it.
func rank(value float64, past []float64) float64 {
	n := 0.0
	for _, p := range past {
		switch {
		case p < value:
			n++
		case p == value:
			n += .5
		}
	}
	return n / float64(len(past))
}

func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	if n == 0 {
		return math.NaN()
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// kendall are the least |S| of the Mann–Kendall test that is significant at 10 % on two sides, by number of values
// (exact distribution; Kendall, Rank Correlation Methods, 1970, table 1).
var kendall = map[int]int{4: 6, 5: 8, 6: 11, 7: 13, 8: 16}

// trend tells where values, oldest first, go.
func trend(values []float64) Trend {
	if len(values) > trendLen {
		values = values[len(values)-trendLen:]
	}
	need, ok := kendall[len(values)]
	if !ok {
		return NoTrend
	}
	s := 0
	for i, a := range values {
		for _, b := range values[i+1:] {
			switch {
			case b > a:
				s++
			case b < a:
				s--
			}
		}
	}
	switch {
	case s >= need:
		return Up
	case s <= -need:
		return Down
	}
	return Steady
}
