package sensors_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"plinth"
	"plinth/sensors"
)

// rows are stored readings.
type rows []sensors.Reading

// Recent is of devices with one metric, whose rows are in the order of their time.
func (s rows) Recent(_ context.Context, ds []plinth.DeviceID, from, to time.Time, n int) ([]sensors.Reading, error) {
	var out []sensors.Reading
	got := map[plinth.DeviceID]int{}
	for _, r := range slices.Backward(s) {
		if slices.Contains(ds, r.Device) && got[r.Device] < n && !r.At.Before(from) && r.At.Before(to) {
			got[r.Device]++
			out = append(out, r)
		}
	}
	return out, nil
}

// latest are the newest of each device, which has one metric.
func (s rows) latest() []sensors.Reading {
	newest := map[plinth.DeviceID]sensors.Reading{}
	for _, r := range s {
		if !r.At.Before(newest[r.Device].At) {
			newest[r.Device] = r
		}
	}
	var out []sensors.Reading
	for _, r := range newest {
		out = append(out, r)
	}
	return out
}

type nothing struct{}

func (nothing) Recent(context.Context, []plinth.DeviceID, time.Time, time.Time, int) ([]sensors.Reading, error) {
	return nil, errors.New("away")
}

// troubled are three twins over 400 minutes; after the restart at 300 one drifts since before it, one shifts, one has a
// spike, a gap and a value that is stuck since before it.
func troubled() (map[plinth.DeviceID]*sensors.Device, rows) {
	devices := map[plinth.DeviceID]*sensors.Device{}
	for _, id := range []plinth.DeviceID{"t-1", "t-2", "t-3"} {
		d := probe(sensors.Metric{Max: 100, Step: 4, Drift: 2, StuckAfter: 20, FlatAfter: 30, Resolution: 0.01})
		d.ID, d.Twins = id, "group"
		devices[id] = d
	}
	rng := rand.New(rand.NewPCG(3, 0))
	var out rows
	for i := range 400 {
		for k, id := range []plinth.DeviceID{"t-1", "t-2", "t-3"} {
			v := 50 + math.Round(100*math.Sin(float64(i)/20)+50*rng.Float64())/100
			switch {
			case k == 0 && i > 220:
				v += 3
			case k == 1 && i > 305:
				v += 8
			case k == 2 && i > 285 && i < 310:
				v = 50
			case k == 2 && i == 330:
				v = 90
			case k == 2 && i > 340 && i < 350:
				continue
			}
			at := noon.Add(time.Duration(i) * time.Minute)
			out = append(out, sensors.Reading{Device: id, Metric: "x", At: at, Seq: uint64(i + 1), Value: v, RX: at.Add(time.Second)})
		}
	}
	return devices, out
}

// flagsOf judges rs in turn and sets their flags.
func flagsOf(w *sensors.Watch, devices map[plinth.DeviceID]*sensors.Device, rs rows) {
	for i := range rs {
		w.Judge(devices[rs[i].Device], rs[i:i+1])
	}
}

func TestFlagsGoOnAfterARestart(t *testing.T) {
	devices, want := troubled()
	now := func() time.Time { return noon.Add(8 * time.Hour) }
	flagsOf(sensors.NewWatch(now), devices, want)
	const restart = 900
	_, got := troubled()
	after := sensors.NewWatch(now)
	err := after.Relearn(t.Context(), want[:restart].latest(), func(id plinth.DeviceID) *sensors.Device { return devices[id] }, want[:restart])
	if err != nil {
		t.Fatal(err)
	}
	flagsOf(after, devices, got[restart:])
	var seen sensors.Flags
	for i := restart; i < len(want); i++ {
		if got[i].Flags != want[i].Flags {
			t.Errorf("%s at %s: %v after a restart, %v without", want[i].Device, want[i].At.Sub(noon), got[i].Flags.Names(), want[i].Flags.Names())
		}
		seen |= want[i].Flags
	}
	if all := sensors.Step | sensors.Drift | sensors.Stuck | sensors.Spike | sensors.Gap; seen&all != all {
		t.Errorf("the story has the flags %v, want all of %v", seen.Names(), all.Names())
	}
}

func TestARestartWithoutTheStoreKnowsTheLatest(t *testing.T) {
	devices, rs := troubled()
	d := devices["t-1"]
	w := sensors.NewWatch(func() time.Time { return noon.Add(6*time.Hour + 40*time.Minute) })
	if err := w.Relearn(t.Context(), rs.latest(), func(id plinth.DeviceID) *sensors.Device { return devices[id] }, nothing{}); err == nil {
		t.Error("the store is away and nothing is said")
	}
	if st := w.Status(d); len(st.Newest) != 1 || st.Liveness != sensors.Online {
		t.Errorf("the newest reading is not known: %+v", st)
	}
}
