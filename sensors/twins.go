package sensors

import (
	"math"
	"sync"
	"time"

	"plinth"
)

// twins compares devices that measure the same thing: each with the median of the others of its group, by metric.
type twins struct {
	mu     sync.Mutex
	groups map[twinMetric]map[plinth.DeviceID]*twin
}

type twinMetric struct{ group, metric string }

// twin is a device's newest value, and its smoothed difference to the others.
type twin struct {
	at      time.Time
	value   float64
	differs float64
	n       int
}

// maxTwins bounds a group; more devices than this are not compared.
const maxTwins = 64

// apart tells that r's device has lastingly differed from its twins by more than the metric's Drift: the difference to
// the median of the twins' fresh values, smoothed over some 30 readings.
func (t *twins) apart(d *Device, m *Metric, r *Reading) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	me, group := t.twin(twinMetric{d.Twins, m.Name}, d.ID)
	if me == nil {
		return false
	}
	me.at, me.value = r.At, r.Value
	usual, ok := median(group, me, r.At.Add(-3*d.Interval))
	if !ok {
		return false
	}
	const smooth = 30
	me.n = min(me.n+1, smooth)
	me.differs += (r.Value - usual - me.differs) / float64(me.n)
	return me.n == smooth && math.Abs(me.differs) > m.Drift
}

func (t *twins) twin(key twinMetric, id plinth.DeviceID) (*twin, map[plinth.DeviceID]*twin) {
	if t.groups == nil {
		t.groups = map[twinMetric]map[plinth.DeviceID]*twin{}
	}
	group := t.groups[key]
	if group == nil {
		group = map[plinth.DeviceID]*twin{}
		t.groups[key] = group
	}
	me := group[id]
	if me == nil && len(group) < maxTwins {
		me = &twin{}
		group[id] = me
	}
	return me, group
}

// median is that of the values of the others since then.
func median(group map[plinth.DeviceID]*twin, me *twin, since time.Time) (float64, bool) {
	var values [maxTwins]float64
	n := 0
	for _, other := range group {
		if other != me && !other.at.Before(since) && !other.at.IsZero() {
			at := n
			for ; at > 0 && values[at-1] > other.value; at-- {
				values[at] = values[at-1]
			}
			values[at] = other.value
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return (values[(n-1)/2] + values[n/2]) / 2, true
}
