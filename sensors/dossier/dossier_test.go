package dossier_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/dossier"
)

var now = time.Date(2026, 11, 24, 12, 30, 0, 0, time.UTC)

// squares is a district of two streets, a tenth of a degree each, the western with two grids.
type squares struct{}

func (squares) At(x, y float64) (street, grid string, ok bool) {
	switch {
	case y < 31 || y >= 31.1 || x < 121 || x >= 121.2:
		return "", "", false
	case x >= 121.1:
		return "east", "east-01", true
	case y < 31.05:
		return "west", "west-01", true
	}
	return "west", "west-02", true
}

func (squares) StreetOf(grid string) (string, bool) {
	street, ok := map[string]string{"west-01": "west", "west-02": "west", "east-01": "east"}[grid]
	return street, ok
}

// heard is what was stored.
type heard struct {
	reported  map[plinth.DeviceID]time.Duration
	strangers []dossier.Stranger
	err       error
	asked     *int
}

func (h heard) Reported(context.Context, time.Time, time.Time) (map[plinth.DeviceID]time.Duration, error) {
	*h.asked++
	return h.reported, h.err
}

func (h heard) Strangers(context.Context, time.Time, time.Time, int) ([]dossier.Stranger, error) {
	return h.strangers, nil
}

// camera is one with everything on file, in the middle of west-01.
func camera(n int, change func(*sensors.Device)) *sensors.Device {
	d := &sensors.Device{ID: plinth.DeviceID(fmt.Sprintf("cam-%d", n)), Kind: "camera", Name: sensors.Text{ZH: fmt.Sprintf("路口%d号", n)},
		Owner: "police", Street: "west", Grid: "west-01", Site: "路口", Longitude: 121.05, Latitude: 31.02 + float64(n)/1000, Interval: time.Minute,
		Life: sensors.Active, Registered: now.AddDate(-1, 0, 0), Attrs: map[string]string{"gb28181": fmt.Sprintf("31010700001320%06d", n)}}
	if change != nil {
		change(d)
	}
	return d
}

func survey(t *testing.T, h heard, devices ...*sensors.Device) *dossier.Survey {
	t.Helper()
	sensors.UseKinds(map[string]sensors.Kind{"camera": {OnFile: []string{"attrs.gb28181"}}})
	t.Cleanup(func() { sensors.UseKinds(nil) })
	h.asked = new(int)
	s, err := dossier.NewSurveyor(dossier.Config{Devices: func() []*sensors.Device { return devices }, Areas: squares{}, Presence: h,
		Now: func() time.Time { return now }}).Survey(t.Context(), dossier.Day)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rulesOf(s *dossier.Survey, f dossier.Figure) map[string][]string {
	out := map[string][]string{}
	for _, l := range s.Lines(dossier.Narrow{Figure: f}) {
		out[string(l.ID)] = append(out[string(l.ID)], l.Rule.Name)
	}
	return out
}

func TestWhatIsNotOnFileOrWrongIsNamed(t *testing.T) {
	s := survey(t, heard{strangers: []dossier.Stranger{{ID: "cam-99", Kind: "camera"}, {ID: "cam-1", Kind: "camera"}}},
		camera(1, nil),
		camera(2, func(d *sensors.Device) { d.Grid, d.Attrs = "", nil }),
		camera(3, func(d *sensors.Device) { d.Longitude, d.Latitude = 0, 0 }),
		camera(4, func(d *sensors.Device) { d.Longitude = 122 }),
		camera(5, func(d *sensors.Device) { d.Longitude = 121.15 }),
		camera(6, func(d *sensors.Device) { d.Latitude = 31.08 }),
		camera(7, func(d *sensors.Device) { d.Grid = "east-01" }),
		camera(8, func(d *sensors.Device) { d.Longitude = 120.9999 }), // ten metres over the edge
		camera(9, func(d *sensors.Device) { d.CalibrationDue = now.Add(-time.Hour) }),
		camera(10, func(d *sensors.Device) { d.Attrs["gb28181"] = "123" }),
		camera(11, func(d *sensors.Device) { d.Attrs["gb28181"] = "31010700001320000001" }),
		camera(12, nil), camera(13, func(d *sensors.Device) { d.Name, d.Latitude = camera(12, nil).Name, 31.032 }),
		camera(14, func(d *sensors.Device) { d.Life, d.Grid, d.Longitude = sensors.Retired, "", 122 }))
	want := map[string][]string{"cam-2": {"missing_grid", "missing_gb28181"}, "cam-3": {"missing_position"}, "cam-99": {"unregistered"}}
	if d := cmp.Diff(want, rulesOf(s, dossier.Archive)); d != "" {
		t.Errorf("not on file (-want +got):\n%s", d)
	}
	want = map[string][]string{"cam-1": {"code_twice"}, "cam-4": {"outside_district"}, "cam-5": {"wrong_street"}, "cam-6": {"wrong_grid"},
		"cam-7": {"unknown_grid", "wrong_grid"}, "cam-9": {"calibration_overdue"}, "cam-10": {"bad_code"}, "cam-11": {"code_twice"},
		"cam-12": {"registered_twice"}, "cam-13": {"registered_twice"}}
	if d := cmp.Diff(want, rulesOf(s, dossier.Accuracy)); d != "" {
		t.Errorf("wrong (-want +got):\n%s", d)
	}
	total, groups, err := s.Figures(dossier.ByOwner, dossier.Filter{})
	if err != nil || total.Expected != 14 || total.Registered != 13 || total.Unregistered != 1 || total.Complete != 11 || total.Accurate != 3 {
		t.Errorf("figures %+v, %v", total, err)
	}
	if len(groups) != 2 || groups[0].Key != "" || groups[0].Unregistered != 1 || groups[1].Key != "police" || groups[1].Complete != 11 {
		t.Errorf("groups %+v", groups)
	}
	if got := s.Lines(dossier.Narrow{Unregistered: true}); len(got) != 1 || got[0].ID != "cam-99" {
		t.Errorf("strangers %v", got)
	}
}

func TestTheOnlineRateIsTheMeanOverDevicesInUse(t *testing.T) {
	whole := now.Sub(now.Add(-24 * time.Hour).Truncate(time.Hour))
	s := survey(t, heard{reported: map[plinth.DeviceID]time.Duration{"cam-1": whole + time.Hour, "cam-2": whole / 2, "cam-4": whole, "cam-5": time.Hour}},
		camera(1, nil), camera(2, nil), camera(3, nil), camera(4, func(d *sensors.Device) { d.Life = sensors.Maintenance }),
		camera(5, func(d *sensors.Device) { d.Registered = now.Add(-2 * time.Hour) }),
		camera(6, func(d *sensors.Device) { d.Registered = now.Add(-time.Second) }))
	total, _, err := s.Figures(dossier.ByKind, dossier.Filter{Kind: "camera"})
	if rate, ok := dossier.Rate(total.Online, total.InUse); err != nil || !ok || total.InUse != 4 || math.Abs(rate-(1+.5+0+.5)/4) > 1e-9 {
		t.Errorf("online %v of %d, %v", total.Online, total.InUse, err)
	}
	want := map[string][]string{"cam-2": {"irregular"}, "cam-3": {"silent"}, "cam-5": {"irregular"}}
	if d := cmp.Diff(want, rulesOf(s, dossier.Online)); d != "" {
		t.Errorf("not online (-want +got):\n%s", d)
	}
	if _, ok := dossier.Rate(0, 0); ok {
		t.Error("nothing of nothing is a rate")
	}
}

func TestASurveyAnswersForAMinuteAndAnErrorForNone(t *testing.T) {
	asked, at := 0, now
	h := &heard{asked: &asked}
	s := dossier.NewSurveyor(dossier.Config{Devices: func() []*sensors.Device { return nil }, Areas: squares{}, Presence: h,
		Now: func() time.Time { return at }})
	for i, tt := range []struct {
		after time.Duration
		err   error
		asked int
	}{{0, errors.New("away"), 1}, {0, nil, 2}, {30 * time.Second, nil, 2}, {2 * time.Minute, nil, 3}, {-time.Hour, nil, 4}} {
		at, h.err = now.Add(tt.after), tt.err
		if _, err := s.Survey(t.Context(), dossier.Week); !errors.Is(err, tt.err) || asked != tt.asked {
			t.Errorf("%d: %v, asked %d times, want %d", i, err, asked, tt.asked)
		}
	}
	if _, err := s.Survey(t.Context(), "year"); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("a year: %v", err)
	}
}
