package district_test

import (
	"testing"
	"time"

	"plinth/internal/district"
)

// TestWhatHappensShowsInTheReadings holds the readings of silent meters and settling buildings against the truth.
func TestWhatHappensShowsInTheReadings(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, district.Shanghai)
	to := from.AddDate(0, 0, 70)
	d := district.New(district.Config{Devices: 200, Start: from, Interval: 2 * time.Hour, NoFaults: true, Incidents: -1})
	silent, settling := map[string][]district.Happening{}, map[string]district.Happening{}
	for _, h := range d.Happenings(from, to) {
		switch {
		case h.Kind == district.Offline:
			silent[h.Device] = append(silent[h.Device], h)
		case h.Kind == district.Settling && h.From.After(from) && h.To.Before(to):
			settling[h.Device] = h
		}
	}
	before, after := map[string]float64{}, map[string]float64{}
	for r := range d.Readings(from, to) {
		for _, h := range silent[r.Device.ID] {
			if !r.At.Before(h.From) && r.At.Before(h.To) {
				t.Fatalf("%s speaks at %s, silent from %s", r.Device.ID, r.At, h.From)
			}
		}
		switch h, ok := settling[r.Device.ID]; {
		case ok && r.At.Before(h.From):
			before[r.Device.ID] = r.Values[1]
		case ok && r.At.After(h.To) && after[r.Device.ID] == 0:
			after[r.Device.ID] = r.Values[1]
		}
	}
	if len(silent) == 0 || len(after) == 0 {
		t.Fatalf("%d meters are silent and %d buildings settle in ten weeks", len(silent), len(after))
	}
	for id := range after {
		if down := before[id] - after[id]; down < 3.5 || down > 4.5 {
			t.Errorf("%s went down by %.2f mm, want 4", id, down)
		}
	}
}
