package sensors

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// Kind is what is known of a kind of device, from its scenario pack.
type Kind struct {
	Metrics  []Metric // all that devices of the kind may measure
	Usual    []Metric // what a device measures that states no metrics
	Interval time.Duration
	Codec    string
	Privacy  Privacy // "" is internal
	// OnFile is what a device of the kind must have on file beside what all have, as it is named in a change, e.g.
	// "maker", "attrs.gb28181".
	OnFile []string
}

// FileFields are what a kind may ask to be on file.
var FileFields = []string{"maker", "model", "installed", "calibration_due", "attrs." + CodeAttr}

// OnFile is what d must have on file by its kind.
func (d *Device) OnFile() []string { return knownKinds()[d.Kind].OnFile }

var kinds atomic.Pointer[map[string]Kind]

// UseKinds sets what is known of the kinds of devices. The service does it once, from its packs, before it opens a
// registry; without it nothing is known of any kind.
func UseKinds(known map[string]Kind) {
	known = maps.Clone(known)
	kinds.Store(&known)
}

// KnownKinds are the kinds that UseKinds set, in order.
func KnownKinds() []string { return slices.Sorted(maps.Keys(knownKinds())) }

func knownKinds() map[string]Kind {
	if p := kinds.Load(); p != nil {
		return *p
	}
	return nil
}

// fromKind completes a device by what is known of its kind: its metrics when it gave none, what its own metrics do not
// state, its interval and its codec.
func fromKind(d *Device) {
	known, ok := knownKinds()[d.Kind]
	if !ok {
		return
	}
	if d.Interval == 0 {
		d.Interval = known.Interval
	}
	if d.Codec == "" {
		d.Codec = known.Codec
	}
	if len(d.Metrics) == 0 {
		d.Metrics = append(d.Metrics, known.Usual...)
		return
	}
	of := Device{Metrics: known.Metrics}
	for i := range d.Metrics {
		if m, ok := of.Metric(d.Metrics[i].Name); ok && m.Unit == d.Metrics[i].Unit {
			complete(&d.Metrics[i], m)
		}
	}
}

// complete fills in what m does not state.
func complete(m, known *Metric) {
	for _, f := range []struct {
		own   *float64
		known float64
	}{{&m.MaxRate, known.MaxRate}, {&m.Resolution, known.Resolution}, {&m.Step, known.Step}, {&m.Drift, known.Drift}} {
		if *f.own == 0 {
			*f.own = f.known
		}
	}
	if m.StuckAfter == 0 {
		m.StuckAfter = known.StuckAfter
	}
	if m.FlatAfter == 0 {
		m.FlatAfter = known.FlatAfter
	}
}
