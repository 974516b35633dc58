package sensors

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"plinth"
)

// Watch judges readings as they come and remembers the newest of each series. Judging costs the same for every reading
// however long the series is, and a series takes some 300 bytes. Many goroutines may use it.
type Watch struct {
	now    func() time.Time
	shards [shards]shard
	twins  twins
}

// shards are independent, so that devices do not wait for one another.
const shards = 64

type shard struct {
	mu      sync.RWMutex
	devices map[plinth.DeviceID]*watched
}

// watched is what is remembered of a device.
type watched struct {
	arrived time.Time
	judged  time.Time // when it was judged here last
	series  []*series
}

// NewWatch returns a Watch that has seen nothing.
func NewWatch(now func() time.Time) *Watch { return &Watch{now: now} }

func (w *Watch) shard(id plinth.DeviceID) *shard {
	h := uint32(2166136261) // FNV-1a
	for i := range len(id) {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return &w.shards[h%shards]
}

// device is what is remembered of id; the caller holds the lock.
func (s *shard) device(id plinth.DeviceID) *watched {
	d := s.devices[id]
	if d == nil {
		if s.devices == nil {
			s.devices = map[plinth.DeviceID]*watched{}
		}
		d = &watched{}
		s.devices[id] = d
	}
	return d
}

// of is the series of a metric; hint is where it was last.
func (d *watched) of(metric string, hint int) *series {
	if hint < len(d.series) && d.series[hint].metric == metric {
		return d.series[hint]
	}
	for _, s := range d.series {
		if s.metric == metric {
			return s
		}
	}
	s := &series{metric: metric}
	d.series = append(d.series, s)
	return s
}

// Judge sets the flags of d's readings, in their order.
func (w *Watch) Judge(d *Device, rs []Reading) {
	now := w.now()
	sh := w.shard(d.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	known := sh.device(d.ID)
	known.arrived, known.judged = now, now
	for i := range rs {
		r := &rs[i]
		m, ok := d.Metric(r.Metric)
		if !ok {
			continue // Decode and Check let none through
		}
		r.Flags = known.of(r.Metric, i).judge(d, m, r, now)
		if m.Drift > 0 && d.Twins != "" && r.Flags&(Range|Clock|Late) == 0 && w.twins.apart(d, m, r) {
			r.Flags |= Drift
		}
	}
}

// Seed gives the newest stored readings to a Watch that has just begun, so that liveness and gaps survive a restart.
// Series that it knows by more stay as they are.
func (w *Watch) Seed(rs []Reading) {
	for _, r := range rs {
		sh := w.shard(r.Device)
		sh.mu.Lock()
		d := sh.device(r.Device)
		if s := d.of(r.Metric, 0); s.n == 0 {
			*s = series{metric: r.Metric}
			s.remember(&r, r.Flags)
		}
		if d.arrived.Before(r.RX) {
			d.arrived = r.RX
		}
		sh.mu.Unlock()
	}
}

// foreign is how long after a device was judged here its row must have been stored to be another instance's work.
const foreign = 15 * time.Second

// Follow makes readings that another instance judged and stored the newest of their series; what is judged here stays as it
// is. It returns those that were news.
func (w *Watch) Follow(rs []Reading) []Reading {
	var news []Reading
	for i := range rs {
		if w.follow(&rs[i]) {
			news = append(news, rs[i])
		}
	}
	return news
}

// follow makes r the newest of its series if it is, and tells so.
func (w *Watch) follow(r *Reading) bool {
	sh := w.shard(r.Device)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	d := sh.device(r.Device)
	if !d.judged.IsZero() && r.RX.Sub(d.judged) < foreign {
		return false
	}
	if d.arrived.Before(r.RX) {
		d.arrived = r.RX
	}
	s := d.of(r.Metric, 0)
	if s.n > 0 && !s.at.Before(r.At) {
		return false
	}
	*s = series{metric: r.Metric}
	s.remember(r, r.Flags)
	return true
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
	sh := w.shard(d.ID)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	st := Status{Liveness: Never}
	if known := sh.devices[d.ID]; known != nil {
		st.Arrived = known.arrived
		for _, s := range known.series {
			if s.n > 0 {
				st.Newest = append(st.Newest, Reading{Device: d.ID, Metric: s.metric, At: s.at, Value: s.value, Flags: s.flags})
			}
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
