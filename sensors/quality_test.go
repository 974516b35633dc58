package sensors_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"plinth"
	"plinth/sensors"
)

func probe(m sensors.Metric) *sensors.Device {
	m.Name, m.Unit = "x", "1"
	return &sensors.Device{ID: "p-1", Kind: "probe", Owner: "o", Interval: time.Minute, Metrics: []sensors.Metric{m}}
}

// flagged feeds readings and returns the flags of each.
func flagged(d *sensors.Device, rs ...sensors.Reading) []sensors.Flags {
	w := sensors.NewWatch(func() time.Time { return noon.Add(24 * time.Hour) })
	out := make([]sensors.Flags, len(rs))
	for i, r := range rs {
		one := []sensors.Reading{r}
		one[0].Device, one[0].Metric = d.ID, "x"
		w.Judge(d, one)
		out[i] = one[0].Flags
	}
	return out
}

// minutely are readings a minute apart whose sequence counts.
func minutely(values ...float64) []sensors.Reading {
	out := make([]sensors.Reading, len(values))
	for i, v := range values {
		out[i] = sensors.Reading{At: noon.Add(time.Duration(i) * time.Minute), Seq: uint64(i + 10), Value: v}
	}
	return out
}

// wave is a lively series.
func wave(n int, at float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = at + math.Sin(float64(i))
	}
	return out
}

func count(fs []sensors.Flags, f sensors.Flags) (n, first int) {
	first = -1
	for i, got := range fs {
		if got&f != 0 {
			if first < 0 {
				first = i
			}
			n++
		}
	}
	return n, first
}

func TestFlatIsToldOfASpreadWithinTheResolution(t *testing.T) {
	d := probe(sensors.Metric{Resolution: 0.1, FlatAfter: 10})
	values := append(wave(20, 5), 5, 5.05, 5, 5.1, 5, 5.05, 5, 5.1, 5, 5.05, 5, 7)
	n, first := count(flagged(d, minutely(values...)...), sensors.Flat)
	if n != 2 || first != 29 {
		t.Errorf("flat %d times from %d, want 2 from 29", n, first)
	}
}

func TestStepIsToldOnceAndASpikeIsNone(t *testing.T) {
	d := probe(sensors.Metric{Step: 4})
	if n, first := count(flagged(d, minutely(append(wave(60, 10), wave(60, 16)...)...)...), sensors.Step); n != 1 || first < 60 || first > 64 {
		t.Errorf("a shift by 6 at 60: flagged %d times from %d", n, first)
	}
	spiked := wave(120, 10)
	spiked[70] = 500
	if n, _ := count(flagged(d, minutely(spiked...)...), sensors.Step); n != 0 {
		t.Errorf("a spike is a step %d times", n)
	}
}

func TestReplayIsTold(t *testing.T) {
	d := probe(sensors.Metric{})
	rs := minutely(wave(20, 5)...)
	for name, tt := range map[string]struct {
		last sensors.Reading
		want sensors.Flags
	}{
		"the same again":              {rs[19], 0},
		"another value":               {sensors.Reading{At: rs[19].At, Seq: rs[19].Seq, Value: 5.5}, sensors.Replay},
		"an older one, another value": {sensors.Reading{At: rs[15].At, Seq: rs[15].Seq, Value: 5.5}, sensors.Replay | sensors.Late},
		"an old number now":           {sensors.Reading{At: rs[19].At.Add(time.Minute), Seq: 12, Value: 5}, sensors.Replay},
		"begun again":                 {sensors.Reading{At: rs[19].At.Add(time.Minute), Seq: 1, Value: 5}, 0},
		"counts on, clock back":       {sensors.Reading{At: rs[10].At.Add(time.Second), Seq: rs[19].Seq + 1, Value: 5}, sensors.Late | sensors.Clock},
	} {
		got := flagged(d, append(rs[:20:20], tt.last)...)
		if got[20] != tt.want {
			t.Errorf("%s: %v, want %v", name, got[20].Names(), tt.want.Names())
		}
	}
}

func TestAClockThatStandsIsTold(t *testing.T) {
	rs := minutely(wave(20, 5)...)
	for i := range rs {
		rs[i].At = noon
	}
	if n, first := count(flagged(probe(sensors.Metric{}), rs...), sensors.Clock); n == 0 || first < 7 {
		t.Errorf("twenty readings at one instant: %d flagged, from %d", n, first)
	}
}

func TestGapIsOfTheIntervalThatTheDeviceKeeps(t *testing.T) {
	var rs []sensors.Reading
	for i, v := range wave(30, 5) {
		rs = append(rs, sensors.Reading{At: noon.Add(time.Duration(i) * 5 * time.Minute), Value: v})
	}
	fs := flagged(probe(sensors.Metric{}), append(rs, sensors.Reading{At: noon.Add(170 * time.Minute), Value: 5})...)
	if n, _ := count(fs[20:], sensors.Gap); n != 1 || fs[30]&sensors.Gap == 0 {
		t.Errorf("every five minutes, then twenty-five: %d gaps after learning", n)
	}
}

func TestDriftAgainstTwinsIsTold(t *testing.T) {
	w := sensors.NewWatch(func() time.Time { return noon.Add(24 * time.Hour) })
	got := map[plinth.DeviceID]int{}
	for i := range 300 {
		for k := range 4 {
			d := probe(sensors.Metric{Drift: 2})
			d.ID, d.Twins = plinth.DeviceID(fmt.Sprintf("p-%d", k)), "group"
			v := 10 + math.Sin(float64(i)/20)
			if k == 3 && i > 100 {
				v += 3
			}
			rs := []sensors.Reading{{Device: d.ID, Metric: "x", At: noon.Add(time.Duration(i) * time.Minute), Value: v}}
			w.Judge(d, rs)
			if rs[0].Flags&sensors.Drift != 0 {
				got[d.ID]++
			}
		}
	}
	if len(got) != 1 || got["p-3"] < 100 {
		t.Errorf("drift of %v, want of p-3 alone", got)
	}
}

// BenchmarkJudge is a message of two metrics from one of a thousand devices.
func BenchmarkJudge(b *testing.B) {
	w := sensors.NewWatch(func() time.Time { return noon })
	devices := make([]*sensors.Device, 1000)
	for i := range devices {
		devices[i] = station()
		devices[i].ID = plinth.DeviceID(fmt.Sprintf("wq-%d", i))
	}
	rs := make([]sensors.Reading, 2)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		d := devices[n%len(devices)]
		at := noon.Add(time.Duration(n/len(devices)) * time.Millisecond)
		rs[0] = sensors.Reading{Device: d.ID, Metric: "ph", At: at, Value: 7 + float64(n%13)/10}
		rs[1] = sensors.Reading{Device: d.ID, Metric: "do", At: at, Value: 5 + float64(n%7)/10}
		w.Judge(d, rs)
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*n), "ns/reading")
}
