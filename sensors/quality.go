package sensors

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"plinth"
)

// Watch judges readings as they come and remembers the newest of each series. Judging costs the same for every reading
// however long the series is. Many goroutines may use it.
type Watch struct {
	now func() time.Time

	mu      sync.RWMutex
	series  map[plinth.DeviceID]map[string]*series
	arrived map[plinth.DeviceID]time.Time
}

// NewWatch returns a Watch that has seen nothing.
func NewWatch(now func() time.Time) *Watch {
	return &Watch{now: now, series: map[plinth.DeviceID]map[string]*series{}, arrived: map[plinth.DeviceID]time.Time{}}
}

// Bounds of a plausible clock: what was buffered for a year is late, what is older has lost its clock.
const (
	clockAhead  = 5 * time.Minute
	clockBehind = 400 * 24 * time.Hour
	neighbours  = 7
	gapFactor   = 3
)

// series is the state of one metric of one device.
type series struct {
	at     time.Time
	value  float64
	flags  Flags
	run    int // equal values in a row
	recent [neighbours]float64
	n      int // values in recent, then all ever written
}

// Judge sets the flags of d's readings, in their order.
func (w *Watch) Judge(d *Device, rs []Reading) {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.series[d.ID]
	if all == nil {
		all = map[string]*series{}
		w.series[d.ID] = all
	}
	w.arrived[d.ID] = now
	for i := range rs {
		r := &rs[i]
		m, ok := d.Metric(r.Metric)
		if !ok {
			continue // Decode and Check let none through
		}
		s := all[r.Metric]
		if s == nil {
			s = &series{}
			all[r.Metric] = s
		}
		r.Flags = s.judge(d, m, r, now)
	}
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
	if s.n > 0 && r.At.Before(s.at) {
		return f | Late
	}
	if s.n > 0 {
		f |= s.compare(d, m, r)
	}
	s.remember(r, f)
	return f
}

func (s *series) compare(d *Device, m *Metric, r *Reading) Flags {
	var f Flags
	elapsed := r.At.Sub(s.at)
	if elapsed > gapFactor*d.Interval {
		f |= Gap
	}
	if m.MaxRate > 0 && elapsed > 0 && math.Abs(r.Value-s.value) > m.MaxRate*elapsed.Seconds() {
		f |= Rate
	}
	if m.StuckAfter > 0 && r.Value == s.value && s.run+1 >= m.StuckAfter {
		f |= Stuck
	}
	if s.spike(m, r.Value) {
		f |= Spike
	}
	return f
}

// spike is Hampel's rule over the last seven: farther than three scaled median deviations from their median, and
// farther than what the instrument's range makes visible, so that a quiet series does not cry at its own noise.
func (s *series) spike(m *Metric, v float64) bool {
	if s.n < neighbours {
		return false
	}
	sorted := s.recent
	slices.Sort(sorted[:])
	median := sorted[neighbours/2]
	for i, x := range sorted {
		sorted[i] = math.Abs(x - median)
	}
	slices.Sort(sorted[:])
	const scale = 1.4826 // of the median deviation to the standard deviation of a normal distribution
	far := 3 * scale * sorted[neighbours/2]
	visible := (m.Max - m.Min) / 50
	if sorted[neighbours/2] == 0 && visible == 0 {
		return false // a constant series without limits tells nothing of its noise
	}
	return math.Abs(v-median) > max(far, visible)
}

func (s *series) remember(r *Reading, f Flags) {
	s.run = next(s.run, s.n > 0 && r.Value == s.value)
	s.at, s.value, s.flags = r.At, r.Value, f
	s.recent[s.n%neighbours] = r.Value
	s.n++
}

func next(run int, same bool) int {
	if same {
		return run + 1
	}
	return 1
}

// Seed gives the newest stored readings to a Watch that has just begun, so that liveness and gaps survive a restart.
func (w *Watch) Seed(rs []Reading) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range rs {
		if w.series[r.Device] == nil {
			w.series[r.Device] = map[string]*series{}
		}
		if s := w.series[r.Device][r.Metric]; s == nil || s.at.Before(r.At) {
			fresh := &series{}
			fresh.remember(&r, r.Flags)
			w.series[r.Device][r.Metric] = fresh
		}
		if w.arrived[r.Device].Before(r.RX) {
			w.arrived[r.Device] = r.RX
		}
	}
}

// Liveness of a device.
type Liveness string

// A device is late after two of its intervals without a message and offline after five.
const (
	Online  Liveness = "online"
	Overdue Liveness = "late"
	Offline Liveness = "offline"
	Never   Liveness = "never"
)

// Status is what a device last said.
type Status struct {
	Arrived  time.Time // of the newest message, by our clock; zero when there was none
	Liveness Liveness
	Newest   []Reading // of each metric, by name
}

// Status tells what d last said.
func (w *Watch) Status(d *Device) Status {
	now := w.now()
	w.mu.RLock()
	defer w.mu.RUnlock()
	st := Status{Arrived: w.arrived[d.ID], Liveness: Never}
	for name, s := range w.series[d.ID] {
		if s.n > 0 {
			st.Newest = append(st.Newest, Reading{Device: d.ID, Metric: name, At: s.at, Value: s.value, Flags: s.flags})
		}
	}
	slices.SortFunc(st.Newest, func(a, b Reading) int { return cmp.Compare(a.Metric, b.Metric) })
	const slack = 5 * time.Second // of the network and the batch
	switch silence := now.Sub(st.Arrived); {
	case st.Arrived.IsZero():
	case silence <= 2*d.Interval+slack:
		st.Liveness = Online
	case silence <= 5*d.Interval+slack:
		st.Liveness = Overdue
	default:
		st.Liveness = Offline
	}
	return st
}
