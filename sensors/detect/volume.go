package detect

import (
	"plinth"
	"plinth/sensors"
)

// meter turns a water meter's samples into volumes: of a total by difference, of a flow by the time since the last
// sample.
type meter struct {
	flow  bool
	scale float64 // to m³, or m³ per millisecond
	most  int64   // milliseconds for which one value of flow speaks
}

type meterState struct {
	Last  int64
	Value float64
}

// newMeter reads totals in m3 and L, and flows in L/min, L/s, L/h and m3/h.
func newMeter(d *sensors.Device, metric string) (meter, error) {
	m, _ := d.Metric(metric)
	switch m.Unit {
	case "m3":
		return meter{scale: 1}, nil
	case "L", "l":
		return meter{scale: 1e-3}, nil
	}
	perMS := map[string]float64{"L/min": 1e-3 / 60e3, "L/s": 1e-6, "L/h": 1e-3 / 3600e3, "m3/h": 1 / 3600e3, "l/min": 1e-3 / 60e3}[m.Unit]
	if perMS == 0 {
		return meter{}, plinth.Invalid("metrics", "the volume of %s in %s is not known; use m3, L, L/min, L/s, L/h or m3/h", metric, m.Unit)
	}
	return meter{flow: true, scale: perMS, most: 2 * d.Interval.Milliseconds()}, nil
}

// volume is what passed since the last sample, in m³. A total that falls is a new meter: nothing passed.
func (m meter) volume(s *meterState, at int64, v float64) float64 {
	last := *s
	*s = meterState{at, v}
	if last.Last == 0 {
		return 0
	}
	if m.flow {
		return max(0, v) * m.scale * float64(min(at-last.Last, m.most))
	}
	return max(0, v-last.Value) * m.scale
}
