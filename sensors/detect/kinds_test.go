package detect_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/detect"
)

// cases are stories of one detector: samples, and what is told of them.
type story struct {
	rule    string
	samples []detect.Sample
	want    []string
}

func tell(t *testing.T, kind string, d *sensors.Device, metrics []string, stories map[string]story) {
	t.Helper()
	for name, st := range stories {
		got := run(t, decoded(t, kind, st.rule), d, metrics, st.samples)
		if diff := cmp.Diff(st.want, told(got)); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", kind, name, diff)
		}
	}
}

// together are samples of several metrics, a row per moment.
func together(from time.Time, step time.Duration, rows ...[]float64) []detect.Sample {
	var out []detect.Sample
	for i, row := range rows {
		for m, v := range row {
			out = append(out, detect.Sample{Metric: m, At: from.Add(time.Duration(i) * step), Seq: uint64(i + 1), Value: v})
		}
	}
	return out
}

func rows(n int, row ...float64) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = row
	}
	return out
}

func TestEveryKindHasDefaultsAndRefusesForeignState(t *testing.T) {
	d := device(time.Minute, metric("total", "m3"), metric("ph", "[pH]"), metric("tp", "mg/L"), metric("nh3n", "mg/L"))
	d.Attrs = map[string]string{"inspection_due": "2026-12-31", "rated_speed": "1.75"}
	metrics := map[string][]string{"lift_trapped": {"total", "ph", "tp"}, "water_class": {"ph"}, "overdue": nil}
	for kind := range detect.Kinds {
		rule := "{}"
		if kind == "threshold" {
			rule = "warning: {above: 1}"
		}
		names, ok := metrics[kind]
		if !ok {
			names = []string{"total"}
		}
		det := detector(t, decoded(t, kind, rule), d, names...)
		state := det.AppendState(nil)
		if err := det.SetState(state); err != nil {
			t.Errorf("%s refuses its own state: %v", kind, err)
		}
		for _, bad := range [][]byte{nil, []byte("of another"), state[:len(state)-1], append(state[:len(state):len(state)], 0)} {
			if err := detector(t, decoded(t, kind, rule), d, names...).SetState(bad); !errors.Is(err, plinth.ErrInvalid) {
				t.Errorf("%s takes %d bytes that are no state: %v", kind, len(bad), err)
			}
		}
	}
}

func TestTheParameterAtFaultIsNamed(t *testing.T) {
	for kind, faults := range map[string]map[string]string{
		"cad_ose":      {"max": "{min: 2, max: 1}", "score": "score: 2", "probation": "probation: -1", "calm": "calm: -1s"},
		"cusum":        {"learn": "learn: 1", "k": "k: -1", "h": "h: .nan", "floor": "floor: -1"},
		"water_use":    {"draws": "draws: -1", "most": "most: -1h", "small": "small: 2", "peer": "peer: -1", "profile": "profile: [1]"},
		"leak":         {"day": "day: -1", "half_hour": "half_hour: .nan"},
		"offline":      {"after": "after: -1s"},
		"lift_trapped": {"after": "after: 2h", "between_floors": "between_floors: -1s", "rest": "rest: 11", "level": "level: 0.5"},
		"lift_door":    {"open": "open: 25h", "window": "window: -1s", "cycles": "cycles: -1"},
		"overspeed":    {"rated": "rated: 31", "factor": "factor: 0.5", "hold": "hold: -1s"},
		"overdue":      {"ahead": "ahead: -1h", "grace": "grace: 99999h"},
		"night_noise":  {"day": "day: -1", "night": "night: 300", "peak": "peak: -1", "window": "window: 1s", "cover": "cover: 2"},
		"settlement":   {"learn": "learn: -1h", "days": "days: 99", "h": "h: -1", "velocity": "velocity: {notice: 2, warning: 1}", "total": "total: {notice: -1}"},
		"water_class":  {"target": "target: 6", "hold": "hold: -1s"},
	} {
		for field, rule := range faults {
			var e *plinth.Error
			if err := decoded(t, kind, rule).Validate(); !errors.As(err, &e) || e.Field != field {
				t.Errorf("%s, %s: %v", kind, field, err)
			}
		}
	}
}

func TestOfflineIsToldFromTheLastSample(t *testing.T) {
	d := device(time.Minute, metric("x", "1"))
	det := detector(t, decoded(t, "offline", "{}"), d, "x")
	s := series(noon, time.Minute, 1)[0]
	det.Observe(s)
	if _, ok := det.Tick(noon.Add(5 * time.Minute)); ok {
		t.Error("five intervals of silence are told")
	}
	v, ok := det.Tick(noon.Add(6 * time.Minute))
	if !ok || v.Grade != detect.Warning || !v.Since.Equal(noon) {
		t.Errorf("six intervals: %v, %v", v, ok)
	}
	if _, ok := det.Tick(noon.Add(7 * time.Minute)); ok {
		t.Error("the same is told twice")
	}
	s.At = noon.Add(8 * time.Minute)
	if v, ok := det.Observe(s); !ok || v.Grade != detect.None || !v.Since.Equal(noon) {
		t.Errorf("a sign of life: %v, %v", v, ok)
	}
	if _, ok := det.Tick(s.At.Add(time.Minute)); ok {
		t.Error("after a sign of life the silence goes on")
	}
}

func TestCusumSeesAShiftWithinTheNoise(t *testing.T) {
	d := device(time.Minute, metric("x", "1"))
	rng := rand.New(rand.NewPCG(7, 0))
	values := make([]float64, 900)
	for i := range values {
		values[i] = 10 + rng.NormFloat64()
		if i >= 500 && i < 700 {
			values[i] += 1.5
		}
	}
	got := run(t, decoded(t, "cusum", "{}"), d, []string{"x"}, series(noon, time.Minute, values...))
	if len(got) != 2 || got[0].Facts["direction"] != "up" || got[0].At.Sub(noon) < 500*time.Minute || got[0].At.Sub(noon) > 530*time.Minute ||
		got[0].Since.Sub(noon) < 480*time.Minute || got[1].Grade != detect.None || got[1].At.Sub(noon) > 730*time.Minute {
		t.Errorf("a shift by 1.5 deviations from minute 500 to 700: %v", told(got))
	}
}

func TestLeak(t *testing.T) {
	d := device(10*time.Minute, metric("total", "m3"))
	rising := func(n int, by float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = 100 + float64(i)*by
		}
		return out
	}
	burst := times(10, 100)
	burst = append(burst, 102.5, 102.5)
	tell(t, "leak", d, []string{"total"}, map[string]story{
		"a burst":       {"{}", series(noon, 10*time.Minute, burst...), []string{"warning at 1h40m0s since -22h20m0s"}},
		"drips all day": {"{}", series(noon, 10*time.Minute, rising(148, 0.0005)...), []string{"warning at 24h0m0s since 0s"}},
		"a usual day":   {"{}", series(noon, 10*time.Minute, append(rising(60, 0.002), times(100, 100.2)...)...), nil},
		"a new meter":   {"{}", series(noon, 10*time.Minute, 5000, 5000, 1, 1, 1), nil},
	})
}

func TestWaterUse(t *testing.T) {
	d := device(15*time.Minute, metric("total", "m3"))
	// draws every hour of the day until day 20, then none
	var values []float64
	total := 0.0
	for i := range 4 * 24 * 23 {
		h := (i/4 + 12) % 24
		if i < 4*24*20 && h >= 6 && h < 22 && i%4 == 0 {
			total += 0.005
		}
		values = append(values, total)
	}
	samples := series(noon, 15*time.Minute, values...)
	got := run(t, decoded(t, "water_use", "{}"), d, []string{"total"}, samples)
	if len(got) != 1 || got[0].Facts["reason"] != "hazard" || got[0].At.Sub(got[0].Since) < 5*time.Hour || got[0].At.Sub(got[0].Since) > 18*time.Hour {
		t.Errorf("an hourly user who stops at noon of day 20: %v", told(got))
	}
	rare := decoded(t, "water_use", "draws: 1000")
	if got := run(t, rare, d, []string{"total"}, samples); len(got) != 1 || got[0].Facts["reason"] != "longest" || got[0].At.Sub(got[0].Since) != 24*time.Hour {
		t.Errorf("24 h without use: %v", told(got))
	}
}

func TestWaterUseIsSilentWhileAwayAndWhileTheMeterIs(t *testing.T) {
	flow := device(15*time.Minute, metric("flow", "L/min"))
	quiet := append(series(noon, 15*time.Minute, 0, 1, 1), series(noon.Add(48*time.Hour), 15*time.Minute, times(8, 0)...)...)
	if got := run(t, decoded(t, "water_use", "{}"), flow, []string{"flow"}, quiet); got != nil {
		t.Errorf("a silence of the meter is taken for no use: %v", told(got))
	}
	total := device(15*time.Minute, metric("total", "m3"))
	back := append(series(noon, 15*time.Minute, 1, 1.1), series(noon.Add(48*time.Hour), 15*time.Minute, 2, 2, 2)...)
	if got := run(t, decoded(t, "water_use", "{}"), total, []string{"total"}, back); got != nil {
		t.Errorf("the total grew while the meter was silent: %v", told(got))
	}
	det := detector(t, decoded(t, "water_use", "{}"), total, "total")
	det.(detect.Absence).Away(noon, noon.Add(72*time.Hour))
	for _, s := range series(noon, 15*time.Minute, times(4*97, 5)...) {
		v, ok := det.Observe(s)
		if ok && s.At.Before(noon.Add(74*time.Hour)) {
			t.Fatalf("away, and told: %v", v)
		}
		if ok && v.Grade != detect.None {
			return // and again when they should be back
		}
	}
	t.Error("after the absence nothing is told")
}

func TestADrawBeforeAnAnnouncedAbsenceDoesNotEndIt(t *testing.T) {
	d := device(15*time.Minute, metric("total", "m3"))
	det := detector(t, decoded(t, "water_use", "{}"), d, "total")
	det.(detect.Absence).Away(noon.Add(time.Hour), noon.Add(72*time.Hour))
	values := append([]float64{1, 1.1, 1.2, 1.3, 1.4}, times(4*70, 1.4)...)
	for _, s := range series(noon, 15*time.Minute, values...) {
		if v, ok := det.Observe(s); ok {
			t.Fatalf("they left after a draw, as announced, and it is told: %v", v)
		}
	}
}

func TestLiftTrapped(t *testing.T) {
	d := device(10*time.Second, metric("presence", "1"), metric("door", "1"), metric("speed", "m/s"), metric("floor", "{floor}"))
	step := 10 * time.Second
	in, out := rows(8, 1, 0, 0, 5), rows(3, 0, 0, 0, 5)
	all := []string{"presence", "door", "speed", "floor"}
	tell(t, "lift_trapped", d, all, map[string]story{
		"a minute":       {"{}", together(noon, step, append(in, rows(1, 1, 1, 0, 5)...)...), []string{"urgent at 1m0s since 0s", "none at 1m20s since 0s"}},
		"empty":          {"{}", together(noon, step, out...), nil},
		"moving":         {"{}", together(noon, step, rows(9, 1, 0, 1.5, 5)...), nil},
		"door open":      {"{}", together(noon, step, rows(9, 1, 1, 0, 5)...), nil},
		"between floors": {"{}", together(noon, step, rows(3, 1, 0, 0, 5.5)...), []string{"urgent at 20s since 0s"}},
	})
}

func TestLiftDoor(t *testing.T) {
	d := device(10*time.Second, metric("door", "1"), metric("door_cycles", "{count}"))
	var cycling []float64
	for range 30 {
		cycling = append(cycling, 1, 0)
	}
	tell(t, "lift_door", d, []string{"door"}, map[string]story{
		"open":     {"{}", series(noon, 10*time.Second, append(times(20, 1), 0)...), []string{"notice at 3m0s since 0s", "none at 3m20s since 0s"}},
		"cycling":  {"{}", series(noon, 10*time.Second, cycling...), []string{"notice at 6m40s since 6m40s"}},
		"in use":   {"{}", series(noon, 10*time.Second, 1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0), nil},
		"a silent": {"{}", []detect.Sample{{At: noon, Value: 1}, {At: noon.Add(time.Hour), Value: 1}}, nil},
	})
	tell(t, "lift_door", d, []string{"door_cycles"}, map[string]story{
		"counted": {"counts: true", series(noon, 10*time.Second, 5, 5, 5, 6), []string{"notice at 30s since 30s"}}})
}

func TestOverspeed(t *testing.T) {
	d := device(time.Second, metric("speed", "m/s"))
	d.Attrs = map[string]string{"rated_speed": "2"}
	tell(t, "overspeed", d, []string{"speed"}, map[string]story{
		"up":         {"{}", series(noon, time.Second, 2, 2.3, 2.31, 1), []string{"urgent at 2s since 2s", "none at 3s since 2s"}},
		"down":       {"{}", series(noon, time.Second, -2, -2.4), []string{"urgent at 1s since 1s"}},
		"rated rule": {"rated: 1", series(noon, time.Second, 1.2), []string{"urgent at 0s since 0s"}},
	})
	d.Attrs = nil
	var e *plinth.Error
	if _, err := decoded(t, "overspeed", "{}").New(d, []string{"speed"}); !errors.As(err, &e) || e.Field != "attrs.rated_speed" {
		t.Errorf("without a rated speed: %v", err)
	}
}

func TestOverdue(t *testing.T) {
	d := device(time.Hour, metric("x", "1"))
	d.Attrs = map[string]string{"inspection_due": "2026-12-31"}
	det := detector(t, decoded(t, "overdue", "{}"), d)
	end := time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC) // midnight in Shanghai
	for at, want := range map[time.Duration]detect.Grade{-31 * 24 * time.Hour: 0} {
		if v, ok := det.Tick(end.Add(at)); ok {
			t.Errorf("%s: %v, want %v", at, v, want)
		}
	}
	for _, tt := range []struct {
		at   time.Duration
		want detect.Grade
	}{{-30 * 24 * time.Hour, detect.Notice}, {0, detect.Warning}, {30 * 24 * time.Hour, detect.Urgent}} {
		if _, ok := det.Tick(end.Add(tt.at - time.Millisecond)); ok {
			t.Errorf("%s: told a moment early", tt.at)
		}
		if v, ok := det.Tick(end.Add(tt.at)); !ok || v.Grade != tt.want || !v.Since.Equal(end.AddDate(0, 0, -30)) {
			t.Errorf("%s: %v, %v, want %v", tt.at, v, ok, tt.want)
		}
	}
}

func TestNightNoise(t *testing.T) {
	d := device(time.Minute, metric("leq", "dB(A)"))
	ten := noon.Add(10 * time.Hour) // 22:00 in Shanghai
	tell(t, "night_noise", d, []string{"leq"}, map[string]story{
		"by day":            {"{}", series(noon, time.Minute, times(12, 72)...), []string{"notice at 7m0s since -3m0s"}},
		"allowed by day":    {"{}", series(noon, time.Minute, times(12, 69)...), nil},
		"not at night":      {"{}", series(ten, time.Minute, times(12, 69)...), []string{"warning at 10h7m0s since 9h57m0s"}},
		"a quiet night":     {"{}", series(ten, time.Minute, times(30, 54)...), nil},
		"the evening stays": {"{}", series(ten.Add(-30*time.Minute), time.Minute, append(times(30, 69), times(30, 50)...)...), nil},
		"a peak":            {"{}", series(ten, time.Minute, 50, 71, 50), []string{"warning at 10h1m0s since 10h1m0s", "none at 10h2m0s since 10h1m0s"}},
		"two samples":       {"{}", series(noon, 30*time.Minute, 80, 80), nil},
	})
}

func TestSettlement(t *testing.T) {
	d := device(time.Hour, sensors.Metric{Name: "settlement", Unit: "mm", Resolution: 0.01}, metric("temperature", "Cel"))
	rng := rand.New(rand.NewPCG(3, 0))
	walk := func(days int, move func(day float64) float64) []detect.Sample {
		var rows [][]float64
		for i := range days * 24 {
			day := float64(i) / 24
			warm := 15 + 8*math.Sin(2*math.Pi*day) + 5*math.Sin(2*math.Pi*day/30)
			rows = append(rows, []float64{warm, 3 + 0.2*warm + move(day) + 0.05*rng.NormFloat64()})
		}
		var out []detect.Sample
		for i, r := range rows { // the temperature first
			at := noon.Add(time.Duration(i) * time.Hour)
			out = append(out, detect.Sample{Metric: 1, At: at, Value: r[0]}, detect.Sample{Metric: 0, At: at, Value: r[1]})
		}
		return out
	}
	names := []string{"settlement", "temperature"}
	after := func(day float64, rate float64) float64 { return max(0, day-60) * rate }
	for name, tt := range map[string]struct {
		move   func(float64) float64
		reason string
		from   float64
		to     float64
	}{
		"only warmth": {func(float64) float64 { return 0 }, "", 0, 0},
		"fast":        {func(d float64) float64 { return after(d, 0.3) }, "velocity", 61, 67},
		"slow":        {func(d float64) float64 { return after(d, 0.02) }, "cusum", 61, 75},
	} {
		got := run(t, decoded(t, "settlement", "{}"), d, names, walk(100, tt.move))
		switch {
		case tt.reason == "" && got != nil:
			t.Errorf("%s: %v", name, told(got))
		case tt.reason != "" && !slices.ContainsFunc(got, func(v detect.Verdict) bool {
			day := v.At.Sub(noon).Hours() / 24
			return v.Facts["reason"] == tt.reason && day >= tt.from && day <= tt.to
		}):
			t.Errorf("%s: %v", name, got)
		}
	}
	far := run(t, decoded(t, "settlement", "total: {warning: 5}\nvelocity: {urgent: 100}"), d, names, walk(100, func(d float64) float64 { return after(d, 0.3) }))
	if last := far[len(far)-1]; last.Grade != detect.Warning || last.Facts["reason"] != "total" || !last.Since.Equal(far[0].Since) {
		t.Errorf("beyond 5 mm: %v", told(far))
	}
}

func TestWaterClass(t *testing.T) {
	d := device(10*time.Minute, metric("ph", "[pH]"), metric("do", "mg/L"), metric("nh3n", "mg/L"), metric("tp", "mg/L"))
	names := []string{"ph", "do", "nh3n", "tp"}
	tell(t, "water_class", d, names, map[string]story{
		"class III":      {"{}", together(noon, 10*time.Minute, rows(12, 7, 5, 1.0, 0.2)...), nil},
		"class IV":       {"{}", together(noon, 10*time.Minute, rows(12, 7, 5, 1.2, 0.2)...), []string{"notice at 1h0m0s since 0s"}},
		"class V":        {"{}", together(noon, 10*time.Minute, rows(12, 7, 2.5, 1.0, 0.2)...), []string{"warning at 1h0m0s since 0s"}},
		"worse":          {"{}", together(noon, 10*time.Minute, rows(12, 7, 5, 1.0, 0.5)...), []string{"urgent at 1h0m0s since 0s"}},
		"sour":           {"{}", together(noon, 10*time.Minute, rows(12, 5.9, 8, 0.1, 0.02)...), []string{"urgent at 1h0m0s since 0s"}},
		"a lower target": {"target: 4", together(noon, 10*time.Minute, rows(12, 7, 5, 1.2, 0.2)...), nil},
		"a lake":         {"lake: true", together(noon, 10*time.Minute, rows(12, 7, 5, 1.0, 0.1)...), []string{"notice at 1h0m0s since 0s"}},
		"a short one":    {"{}", together(noon, 10*time.Minute, append(rows(4, 7, 5, 3, 0.2), rows(8, 7, 5, 1, 0.2)...)...), nil},
	})
}
