package sensors

import (
	"math"
	"time"
)

// Bounds of a plausible clock: what was buffered for a year is late, what is older has lost its clock.
const (
	clockAhead  = 5 * time.Minute
	clockBehind = 400 * 24 * time.Hour
	neighbours  = 7
	gapFactor   = 3
	learnt      = 16 // readings after which a series' own interval and noise are known
)

// series is the state of one metric of one device.
type series struct {
	metric   string
	at       time.Time
	seq      uint64
	value    float64
	flags    Flags
	run      int // equal values in a row
	n        int // values ever
	recent   [neighbours]float64
	seen     [neighbours]identity // of the same values
	interval float64              // seconds between readings, smoothed
	counts   int                  // readings in a row whose sequence was the next
	same     int                  // readings in a row at one instant
	flat     int                  // readings in a row within the resolution
	lo, hi   float64              // of these
	level    float64              // the mean since the last shift, smoothed
	up, down float64              // Page-Hinkley sums around it
	settled  int                  // readings since the last shift
}

type identity struct {
	at  int64
	seq uint64
}

// judge compares r with the series. A reading out of order or with an implausible clock is judged by its value alone and
// leaves the series as it is.
func (s *series) judge(d *Device, m *Metric, r *Reading, now time.Time) Flags {
	var f Flags
	if m.Min < m.Max && (r.Value < m.Min || r.Value > m.Max) {
		f |= Range
	}
	if r.At.After(now.Add(clockAhead)) || r.At.Before(now.Add(-clockBehind)) {
		return f | Clock
	}
	if s.n > 0 && !r.At.After(s.at) && s.replayed(r) {
		f |= Replay
	}
	if s.n > 0 && r.At.Before(s.at) {
		return f | Late | s.backwards(r)
	}
	if s.n > 0 {
		f |= s.compare(d, m, r)
	}
	s.remember(r, f)
	return f
}

// replayed tells that an identity came before with another value.
func (s *series) replayed(r *Reading) bool {
	id := identity{r.At.UnixMilli(), r.Seq}
	for i, was := range s.seen {
		if was == id && i < s.n && s.recent[i] != r.Value {
			return true
		}
	}
	return false
}

// counting is how many sequences in a row have been the next: then the device counts, and its numbers tell something.
const counting = 8

// backwards tells that the device counts on while its clock goes back.
func (s *series) backwards(r *Reading) Flags {
	if s.counts >= counting && r.Seq == s.seq+1 {
		return Clock
	}
	return 0
}

func (s *series) compare(d *Device, m *Metric, r *Reading) Flags {
	var f Flags
	elapsed := r.At.Sub(s.at)
	if elapsed > gapFactor*s.usual(d) {
		f |= Gap
	}
	if m.MaxRate > 0 && elapsed > 0 && math.Abs(r.Value-s.value) > m.MaxRate*elapsed.Seconds() {
		f |= Rate
	}
	if m.StuckAfter > 0 && r.Value == s.value && s.run+1 >= m.StuckAfter {
		f |= Stuck
	}
	if s.counts >= counting && r.Seq <= s.seq && r.Seq > 1 && elapsed > 0 {
		f |= Replay // an old number in a new message; a device that starts again begins at 0 or 1
	}
	if elapsed == 0 && r.Seq != s.seq && s.same >= neighbours {
		f |= Clock // quantised: many readings at one instant
	}
	if s.spike(m, r.Value) {
		f |= Spike
	}
	return f | s.still(m, r.Value) | s.shifted(m, r.Value)
}

// usual is the interval between readings: the device's, or the series' own when it is known and longer.
func (s *series) usual(d *Device) time.Duration {
	if s.n < learnt {
		return d.Interval
	}
	return max(d.Interval, time.Duration(s.interval*float64(time.Second)))
}

// spike is Hampel's rule over the last seven: farther than three scaled median deviations from their median, and
// farther than what the instrument's range makes visible, so that a quiet series does not cry at its own noise.
func (s *series) spike(m *Metric, v float64) bool {
	visible := (m.Max - m.Min) / 50
	if s.n < neighbours {
		return false
	}
	sorted := s.recent
	sort7(&sorted)
	median := sorted[neighbours/2]
	if math.Abs(v-median) <= visible {
		return false
	}
	for i, x := range sorted {
		sorted[i] = math.Abs(x - median)
	}
	sort7(&sorted)
	const scale = 1.4826 // of the median deviation to the standard deviation of a normal distribution
	far := 3 * scale * sorted[neighbours/2]
	if far == 0 && visible == 0 {
		return false // a constant series without limits tells nothing of its noise
	}
	return math.Abs(v-median) > max(far, visible)
}

// sort7 sorts by insertion: seven values fit the registers, a general sort does not.
func sort7(a *[neighbours]float64) {
	for i := 1; i < neighbours; i++ {
		v, j := a[i], i
		for ; j > 0 && a[j-1] > v; j-- {
			a[j] = a[j-1]
		}
		a[j] = v
	}
}

// still counts the readings that stay within the instrument's resolution.
func (s *series) still(m *Metric, v float64) Flags {
	if m.FlatAfter == 0 {
		return 0
	}
	lo, hi := min(s.lo, v), max(s.hi, v)
	if s.flat == 0 || hi-lo > m.Resolution {
		s.flat, s.lo, s.hi = 1, v, v
		return 0
	}
	s.flat, s.lo, s.hi = s.flat+1, lo, hi
	if s.flat >= m.FlatAfter {
		return Flat
	}
	return 0
}

// shifted is the Page-Hinkley test (Page 1954) of a shift by the metric's Step: sums of what exceeds half of it on either
// side of the level, which is learnt anew after a shift. It is told once, at the reading that proves it.
func (s *series) shifted(m *Metric, v float64) Flags {
	if m.Step == 0 {
		return 0
	}
	s.settled++
	if s.settled < learnt {
		s.level += (v - s.level) / float64(s.settled)
		return 0
	}
	// a reading counts for one step at most, so that a spike is none
	s.up = max(0, s.up+min(v-s.level-m.Step/2, m.Step))
	s.down = max(0, s.down+min(s.level-v-m.Step/2, m.Step))
	if max(s.up, s.down) > 2*m.Step {
		s.up, s.down, s.level, s.settled = 0, 0, v, 1
		return Step
	}
	s.level += max(-m.Step, min(m.Step, v-s.level)) / (4 * learnt)
	return 0
}

func (s *series) remember(r *Reading, f Flags) {
	if s.n > 0 {
		s.pace(r)
	} else {
		s.level, s.settled = r.Value, 1
	}
	if s.n > 0 && r.Value == s.value {
		s.run++
	} else {
		s.run = 1
	}
	s.at, s.seq, s.value, s.flags = r.At, r.Seq, r.Value, f
	s.recent[s.n%neighbours] = r.Value
	s.seen[s.n%neighbours] = identity{r.At.UnixMilli(), r.Seq}
	s.n++
}

// pace learns the interval and whether the device counts.
func (s *series) pace(r *Reading) {
	elapsed := r.At.Sub(s.at).Seconds()
	if s.n < learnt {
		s.interval += (elapsed - s.interval) / float64(s.n)
	} else {
		s.interval += (min(elapsed, 4*s.interval) - s.interval) / learnt
	}
	switch {
	case r.Seq == s.seq+1:
		s.counts = min(s.counts+1, math.MaxInt16)
	case r.Seq <= 1:
		s.counts = 0
	}
	if elapsed == 0 {
		s.same++
	} else {
		s.same = 0
	}
}
