package sensors

import (
	"cmp"
	"context"
	"slices"
	"time"

	"plinth"
)

// Stored reads stored readings.
type Stored interface {
	// Recent returns the newest readings, at most n of a series, of several devices from a moment until before another,
	// each once, in any order.
	Recent(ctx context.Context, ds []plinth.DeviceID, from, to time.Time, n int) ([]Reading, error)
}

const (
	// remembered is how many intervals, and how many readings in them, teach a Watch its series again: interval, noise,
	// level, run and the difference to twins are of the last 64 readings or fewer, all but for longer runs of equal values.
	remembered = 128
	// devicesAtOnce bounds the rows in memory: with four metrics each, a quarter of a million.
	devicesAtOnce = 500
)

// Relearn has a Watch that has just begun learn from stored readings what it knew before a restart, so that flags go on
// as if there had been none. latest are the newest readings of each series. A device that was silent for long when the
// service stopped is known by its latest reading alone, as by Seed, and so is what is not read because of an error.
func (w *Watch) Relearn(ctx context.Context, latest []Reading, device func(plinth.DeviceID) *Device, stored Stored) error {
	defer w.Seed(latest)
	newest := map[plinth.DeviceID]time.Time{}
	for _, r := range latest {
		if r.At.After(newest[r.Device]) && r.Flags&Clock == 0 {
			newest[r.Device] = r.At
		}
	}
	var ds []*Device
	for id := range newest {
		if d := device(id); d != nil && d.Interval > 0 {
			ds = append(ds, d)
		}
	}
	slices.SortFunc(ds, func(a, b *Device) int { // of one interval, and twins, together
		return cmp.Or(cmp.Compare(a.Interval, b.Interval), cmp.Compare(a.Twins, b.Twins), cmp.Compare(a.ID, b.ID))
	})
	for len(ds) > 0 {
		n := 1
		for n < min(len(ds), devicesAtOnce) && ds[n].Interval == ds[0].Interval {
			n++
		}
		if err := w.relearn(ctx, ds[:n], newest, device, stored); err != nil {
			return err
		}
		ds = ds[n:]
	}
	return nil
}

// relearn reads the last intervals before the newest reading of these devices, which have one interval.
func (w *Watch) relearn(ctx context.Context, ds []*Device, newest map[plinth.DeviceID]time.Time, device func(plinth.DeviceID) *Device, stored Stored) error {
	var to time.Time
	ids := make([]plinth.DeviceID, len(ds))
	for i, d := range ds {
		ids[i] = d.ID
		if newest[d.ID].After(to) {
			to = newest[d.ID]
		}
	}
	rs, err := stored.Recent(ctx, ids, to.Add(-remembered*ds[0].Interval), to.Add(time.Millisecond), remembered)
	if err != nil {
		return err
	}
	slices.SortFunc(rs, func(a, b Reading) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Metric, b.Metric))
	})
	for i := range rs {
		w.again(device(rs[i].Device), &rs[i])
	}
	return nil
}

// again learns from a stored reading what Judge learnt from it, by the clock of then.
func (w *Watch) again(d *Device, r *Reading) {
	m, ok := d.Metric(r.Metric)
	if !ok || r.Flags&Late != 0 {
		return // what came late taught nothing
	}
	sh := w.shard(d.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	known := sh.device(d.ID)
	if known.arrived.Before(r.RX) {
		known.arrived = r.RX
	}
	s := known.of(r.Metric, 0)
	s.judge(d, m, r, r.RX)
	if s.at.Equal(r.At) {
		s.flags = r.Flags
	}
	if m.Drift > 0 && d.Twins != "" && r.Flags&(Range|Clock) == 0 {
		w.twins.apart(d, m, r)
	}
}
