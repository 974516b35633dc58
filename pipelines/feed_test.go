package pipelines_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/pipelines"
	"plinth/sensors"
)

// kept takes whatever it is given.
type kept struct{}

func (kept) InsertReadings(context.Context, []sensors.Reading) error         { return nil }
func (kept) InsertEvents(context.Context, []pipelines.Event) error           { return nil }
func (kept) InsertDeadLetters(context.Context, []pipelines.DeadLetter) error { return nil }

// seen counts the readings by device that a looker was shown.
func seen(l *pipelines.Looker) map[string]int {
	counts := map[string]int{}
	for {
		select {
		case n := <-l.C:
			if s, ok := n.Data.(pipelines.Shown); ok {
				counts[s.Device]++
			}
		default:
			return counts
		}
	}
}

func TestOneWhoLooksAtADeviceSeesEachOfItsReadingsAndTheOthersASample(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	feed := pipelines.NewFeed(clock)
	direct := pipelines.Direct{Watch: sensors.NewWatch(clock), Sink: kept{}, Feed: feed, Meter: &pipelines.Meter{}, Now: clock}
	one, all := feed.Look("lift-1"), feed.Look("")
	defer one.Close()
	defer all.Close()
	const sent = 120
	for _, id := range []plinth.DeviceID{"lift-2", "lift-1"} {
		d := &sensors.Device{ID: id, Kind: "lift", Interval: time.Second, Metrics: []sensors.Metric{{Name: "speed", Unit: "m/s", Max: 5}}}
		rs := make([]sensors.Reading, sent)
		for i := range rs {
			rs[i] = sensors.Reading{Metric: "speed", At: now.Add(time.Duration(i-sent) * time.Second), Seq: uint64(i + 1), Value: 1 + float64(i%3)/10}
		}
		if _, err := direct.Store(t.Context(), d, rs); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]int{"lift-1": sent}, seen(one)); diff != "" {
		t.Errorf("who looks at lift-1 (-want +got):\n%s", diff)
	}
	sample := seen(all)
	if n := sample["lift-1"] + sample["lift-2"]; n == 0 || n > 50 {
		t.Errorf("got %d readings in one second, want a sample of at most 50: %v", n, sample)
	}
}
