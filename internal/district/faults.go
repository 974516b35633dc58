package district

import (
	"slices"
	"time"
)

// FaultKind is a way in which a sensor fails.
type FaultKind string

// The faults, each to be found by a quality flag.
const (
	Stuck FaultKind = "stuck" // repeats one value
	Spike FaultKind = "spike" // a single wild value inside the possible range
	Gap   FaultKind = "gap"   // says nothing
	Range FaultKind = "range" // says what cannot be
)

// Fault is a stretch of time in which a device fails; the truth that detection is scored against.
type Fault struct {
	Device string
	Metric string // empty for a gap
	Kind   FaultKind
	From   time.Time
	To     time.Time // exclusive
}

// faultPerDay is the chance that a device fails in some way on a day.
const faultPerDay = .12

// faultOf returns the fault of a device on a day since the reference, if it has one.
func (d *District) faultOf(dev Device, day int64) (Fault, bool) {
	r := dice(dev.seed, word("fault"), uint64(day))
	if d.cfg.NoFaults || !chance(r, faultPerDay) {
		return Fault{}, false
	}
	f := Fault{Device: dev.ID, Kind: pick(r, []FaultKind{Stuck, Spike, Gap, Range})}
	if f.Kind != Gap {
		f.Metric = faultyMetric(dev, f.Kind, r.IntN(len(dev.Metrics)))
	}
	start := time.Unix(referenceUnix+day*86400+int64(r.IntN(22*3600)), 0).UTC()
	f.From = start.Truncate(dev.Interval)
	length := time.Duration(10+r.IntN(110)) * time.Minute
	if f.Kind == Spike {
		length = dev.Interval
	}
	f.To = f.From.Add(max(length, dev.Interval).Truncate(dev.Interval))
	return f, true
}

// faultyMetric keeps faults visible: a floor or a flow that stays the same is no fault, and a meter's total cannot
// spike without breaking its own law.
func faultyMetric(dev Device, kind FaultKind, i int) string {
	switch dev.Kind {
	case Lift:
		return "vibration"
	case WaterMeter:
		if kind == Stuck {
			return "total"
		}
		return "flow"
	case ConstructionNoise:
		return "leq"
	default:
		return dev.Metrics[i].Name
	}
}

// apply bends the values of one tick; it reports false when the device is silent.
func (f Fault) apply(dev Device, values []float64, at time.Time, held []float64) bool {
	if f.Kind == Gap {
		return false
	}
	i := slices.IndexFunc(dev.Metrics, func(m Metric) bool { return m.Name == f.Metric })
	m := dev.Metrics[i]
	switch f.Kind {
	case Stuck:
		values[i] = held[i]
	case Spike:
		values[i] = min(values[i]+.6*(m.Max-values[i]), m.Max)
	case Range:
		values[i] = m.Max * (1.2 + .3*unit(mix(dev.seed, uint64(at.Unix()))))
	}
	return true
}

// Faults returns every fault that touches the period, by device and time.
func (d *District) Faults(from, to time.Time) []Fault {
	var out []Fault
	first, last := dayOf(from)-1, dayOf(to)
	for _, dev := range d.devices {
		for day := first; day <= last; day++ {
			if f, ok := d.faultOf(dev, day); ok && f.From.Before(to) && f.To.After(from) {
				out = append(out, f)
			}
		}
	}
	return out
}

// dayOf counts Shanghai's days since the reference.
func dayOf(at time.Time) int64 { return floorDiv(at.Unix()-referenceUnix, 86400) }

// midnight is the start of a day.
func midnight(day int64) time.Time { return time.Unix(referenceUnix+day*86400, 0).UTC() }
