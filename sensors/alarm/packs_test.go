package alarm_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth/sensors"
	"plinth/sensors/alarm"
	"plinth/sensors/pack"
)

// act is a stretch of a stream in which a device measures something else than usual, or says nothing.
type act struct {
	from, to time.Duration
	silent   bool
	values   func(after time.Duration, v map[string]float64)
}

func set(values map[string]float64) func(time.Duration, map[string]float64) {
	return func(_ time.Duration, v map[string]float64) {
		for m, x := range values {
			v[m] = x
		}
	}
}

// stream is what one device of a shipped pack sends, the same at every run, and the alarms that must come of it.
type stream struct {
	kind     string
	begin    time.Time
	interval time.Duration
	length   time.Duration
	attrs    map[string]string
	usual    func(after time.Duration) map[string]float64
	acts     []act
	want     []string // each alarm with its highest grade
}

const day = 24 * time.Hour

// ripple keeps values from standing still, by less than any limit.
func ripple(after time.Duration, by float64) float64 {
	return by * float64(int64(after/time.Second)*7919%101-50) / 50
}

var streams = map[string]stream{
	"lift": {
		kind: "lift", begin: noon, interval: 10 * time.Second, length: 2 * time.Hour,
		attrs: map[string]string{"rated_speed": "1.75", "inspection_due": "2026-12-10"},
		usual: func(after time.Duration) map[string]float64 {
			moving := float64(int64(after/(40*time.Second)) % 2)
			return map[string]float64{"speed": 1.5 * moving, "door_cycles": 1, "vibration": .1 + ripple(after, .01),
				"floor": float64(1 + int64(after/(40*time.Second))%6), "presence": moving, "door_open": 0, "ebike": 0}
		},
		acts: []act{
			{from: 10 * time.Minute, to: 13 * time.Minute, values: set(map[string]float64{"presence": 1, "door_open": 0, "speed": 0})},
			{from: 20 * time.Minute, to: 20*time.Minute + 20*time.Second, values: set(map[string]float64{"speed": 2.5})},
			{from: 30 * time.Minute, to: 37 * time.Minute, values: set(map[string]float64{"door_open": 1, "presence": 0, "speed": 0})},
			{from: 45 * time.Minute, to: 46 * time.Minute, values: set(map[string]float64{"ebike": 1})},
			{from: 55 * time.Minute, to: 57 * time.Minute, values: set(map[string]float64{"vibration": .9})},
			{from: 70 * time.Minute, to: 85 * time.Minute, silent: true},
		},
		want: []string{"door notice", "ebike warning", "inspection notice", "offline notice", "overspeed urgent", "trapped urgent", "vibration notice"},
	},
	"water meter": {
		kind: "water_meter", begin: noon, interval: time.Minute, length: 20 * day, usual: func(after time.Duration) map[string]float64 {
			return map[string]float64{"flow": drawn(after), "total": 20 + drawnUntil(after)}
		},
		acts: []act{
			{from: 9 * day, to: 9*day + 5*time.Hour, silent: true},
			{from: 12 * day, to: 12*day + 30*time.Minute, values: set(map[string]float64{"flow": 45})},
			{from: 14*day + 8*time.Hour, to: 16 * day, values: func(_ time.Duration, v map[string]float64) {
				v["flow"], v["total"] = 0, 20+drawnUntil(14*day+8*time.Hour)
			}},
			{from: 18 * day, to: 20 * day, values: func(after time.Duration, v map[string]float64) {
				v["flow"] += 2
				v["total"] += 2 * (after - 18*day).Minutes() / 1000
			}},
		},
		want: []string{"burst warning", "leak notice", "no_use warning", "offline notice"},
	},
	"water quality": {
		kind: "water_quality", begin: noon, interval: time.Minute, length: 24 * time.Hour, usual: func(after time.Duration) map[string]float64 {
			return map[string]float64{"ph": 7.3 + ripple(after, .05), "do": 7 + ripple(after, .1), "nh3n": .5 + ripple(after, .02), "tp": .12 + ripple(after, .01)}
		},
		acts: []act{
			{from: 2 * time.Hour, to: 150 * time.Minute, values: set(map[string]float64{"nh3n": 1.7})},
			{from: 6 * time.Hour, to: 390 * time.Minute, values: set(map[string]float64{"do": 2.5})},
			{from: 10 * time.Hour, to: 630 * time.Minute, values: set(map[string]float64{"ph": 9.5})},
			{from: 13 * time.Hour, to: 13*time.Hour + 90*time.Minute, values: set(map[string]float64{"tp": .35})},
			{from: 18 * time.Hour, to: 1170 * time.Minute, silent: true},
		},
		want: []string{"acidity warning", "ammonia warning", "class warning", "offline notice", "oxygen warning"},
	},
	"heritage building": {
		kind: "heritage_building", begin: noon, interval: 30 * time.Minute, length: 50 * day, usual: func(after time.Duration) map[string]float64 {
			warm := ripple(after, 3)
			return map[string]float64{"tilt": .4 + ripple(after, .01), "settlement": -3 + .02*warm + ripple(after+time.Hour, .02),
				"crack": .5 + ripple(after, .005), "vibration": .1 + ripple(after, .02), "temperature": 14 + warm}
		},
		acts: []act{
			{from: 5 * day, to: 5*day + 2*time.Hour, values: set(map[string]float64{"vibration": 1})},
			{from: 6 * day, to: 6*day + 2*time.Hour, values: set(map[string]float64{"tilt": 5})},
			{from: 7 * day, to: 7*day + 4*time.Hour, silent: true},
			{from: 36 * day, to: 50 * day, values: func(after time.Duration, v map[string]float64) {
				v["settlement"] -= .2 * (after - 36*day).Hours() / 24
			}},
		},
		want: []string{"leaning warning", "offline notice", "settling warning", "shaking notice"},
	},
	"construction noise": {
		kind: "construction_noise", begin: noon, interval: 10 * time.Second, length: 24 * time.Hour, usual: func(after time.Duration) map[string]float64 {
			return map[string]float64{"leq": 48 + ripple(after, 2), "peak": 52 + ripple(after, 2)}
		},
		acts: []act{
			{from: time.Hour, to: 90 * time.Minute, values: func(after time.Duration, v map[string]float64) { v["leq"] = 78 + ripple(after, 1) }},
			{from: 5 * time.Hour, to: 6 * time.Hour, silent: true},
			{from: 11 * time.Hour, to: 13 * time.Hour, values: func(after time.Duration, v map[string]float64) { v["leq"] = 64 + ripple(after, 1) }},
			{from: 15 * time.Hour, to: 15*time.Hour + 10*time.Second, values: set(map[string]float64{"leq": 90})}, // a spike
		},
		want: []string{"day_noise notice", "night_work warning", "offline notice"},
	},
	"camera": {
		kind: "camera", begin: noon, interval: time.Minute, length: 8 * time.Hour, usual: func(after time.Duration) map[string]float64 {
			return map[string]float64{"online": 1, "bitrate": 4000 + ripple(after, 200), "frame_rate": 25 + ripple(after, .5),
				"frame_loss": .5 + ripple(after, .2), "quality": 85 + ripple(after, 3), "clock_offset": ripple(after, 1)}
		},
		acts: []act{
			{from: time.Hour, to: 80 * time.Minute, silent: true},
			{from: 2 * time.Hour, to: 130 * time.Minute, values: set(map[string]float64{"online": 0})},
			{from: 3 * time.Hour, to: 200 * time.Minute, values: func(after time.Duration, v map[string]float64) { v["quality"] = 50 + ripple(after, 3) }},
			{from: 4 * time.Hour, to: 260 * time.Minute, values: func(after time.Duration, v map[string]float64) { v["frame_loss"] = 30 + ripple(after, 3) }},
			{from: 5 * time.Hour, to: 320 * time.Minute, values: func(after time.Duration, v map[string]float64) { v["clock_offset"] = -12 + ripple(after, 1) }},
			{from: 6 * time.Hour, to: 6*time.Hour + 5*time.Minute, values: set(map[string]float64{"quality": 20})}, // a lorry before the lens
		},
		want: []string{"clock notice", "frame_loss warning", "no_stream warning", "offline warning", "picture notice"},
	},
}

// drawn is a home's flow, L/min: three minutes at the beginning of each hour from 7 to 22 of Shanghai.
func drawn(after time.Duration) float64 {
	if h := int(after/time.Hour+12) % 24; h >= 7 && h < 22 && after%time.Hour < 3*time.Minute {
		return 3
	}
	return 0
}

// drawnUntil is what was drawn until a moment, m3.
func drawnUntil(after time.Duration) float64 {
	var litres float64
	whole := after / day
	litres += float64(whole) * 15 * 9
	for m := whole * day; m < after; m += time.Minute {
		litres += drawn(m)
	}
	return litres / 1000
}

// rows are the stream's readings, judged as the service judges them.
func (s *stream) rows(d *sensors.Device) []sensors.Reading {
	var at time.Time
	judge := sensors.NewWatch(func() time.Time { return at })
	var out []sensors.Reading
	for n, after := uint64(1), time.Duration(0); after < s.length; n, after = n+1, after+s.interval {
		values, silent := s.usual(after), false
		for _, a := range s.acts {
			if after >= a.from && after < a.to {
				silent = silent || a.silent
				if a.values != nil {
					a.values(after, values)
				}
			}
		}
		if silent {
			continue
		}
		at = s.begin.Add(after)
		var rs []sensors.Reading
		for _, m := range d.Metrics {
			if v, ok := values[m.Name]; ok {
				rs = append(rs, sensors.Reading{Device: d.ID, Metric: m.Name, At: at, Seq: n, Value: v})
			}
		}
		judge.Judge(d, rs)
		out = append(out, rs...)
	}
	return out
}

// alarms are what comes of rows: each alarm with its highest grade, in order.
func alarms(packs alarm.Packs, d *sensors.Device, rows []sensors.Reading) []string {
	grades := []string{"", "notice", "warning", "urgent"}
	rule, peak := map[alarm.ID]string{}, map[alarm.ID]alarm.Grade{}
	for _, dec := range alarm.Replay(packs, []*sensors.Device{d}, rows, nil) {
		rule[dec.Alarm.ID] = dec.Alarm.Rule
		if dec.Op != alarm.End {
			peak[dec.Alarm.ID] = max(peak[dec.Alarm.ID], dec.Alarm.Grade)
		}
	}
	var out []string
	for id, name := range rule {
		out = append(out, fmt.Sprintf("%s %s", name, grades[peak[id]]))
	}
	slices.Sort(out)
	return out
}

// TestShippedPacksRaiseWhatMustComeAndNothingElse plays a stream of each shipped pack in which every rule's condition
// comes once, and the same stream without those.
func TestShippedPacksRaiseWhatMustComeAndNothingElse(t *testing.T) {
	packs, err := pack.Load("")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range streams {
		t.Run(name, func(t *testing.T) {
			p := packs.Of(s.kind)
			d := &sensors.Device{ID: "device-1", Kind: s.kind, Owner: "civil", Street: "taopu", Site: "一号", Interval: s.interval,
				Name: sensors.Text{ZH: "一号", EN: "One"}, Metrics: p.Known().Metrics, Attrs: s.attrs}
			if diff := cmp.Diff(s.want, alarms(packs, d, s.rows(d))); diff != "" {
				t.Errorf("alarms (-want +got):\n%s", diff)
			}
			s.acts = nil
			d.Attrs = map[string]string{"rated_speed": "1.75", "inspection_due": "2027-12-31"}
			if got := alarms(packs, d, s.rows(d)); len(got) != 0 {
				t.Errorf("a calm stream raises %q", got)
			}
			for _, r := range p.Rules {
				if !slices.ContainsFunc(s.want, func(w string) bool { return len(w) > len(r.Name) && w[:len(r.Name)+1] == r.Name+" " }) {
					t.Errorf("no stream meets the rule %s", r.Name)
				}
			}
		})
	}
	told := map[string]bool{}
	for _, s := range streams {
		told[s.kind] = true
	}
	for _, p := range packs.All() {
		if !told[p.Kind] {
			t.Errorf("no stream of %s", p.Kind)
		}
	}
}
