package sensors_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/sensors"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func station() *sensors.Device {
	return &sensors.Device{ID: "wq-1", Kind: "water_quality", Owner: "ecology", Interval: time.Minute, Metrics: []sensors.Metric{
		{Name: "ph", Unit: "[pH]", Min: 0, Max: 14, MaxRate: 0.1, StuckAfter: 5}, {Name: "do", Unit: "mg/L", Min: 0, Max: 20}}}
}

func lookup(id plinth.DeviceID) (*sensors.Device, error) {
	if d := station(); d.ID == id {
		return d, nil
	}
	return nil, nil
}

const topic = "plinth/v1/water_quality/wq-1/data"

func TestDecodeGivesAReadingPerMetric(t *testing.T) {
	_, got, faults, _ := sensors.Decode(topic, []byte(` { "at" : "2026-11-24T20:00:00.1234+08:00", "seq":12, "v":{"ph":7.1, "\u0064o":-6.2e-1} } `), noon, lookup)
	at := noon.Add(123 * time.Millisecond)
	want := []sensors.Reading{{Device: "wq-1", Metric: "ph", At: at, Seq: 12, Value: 7.1},
		{Device: "wq-1", Metric: "do", At: at, Seq: 12, Value: -0.62}}
	if d := cmp.Diff(want, got); d != "" || faults != nil {
		t.Errorf("faults %v, readings (-want +got):\n%s", faults, d)
	}
}

func TestDecodeKeepsTheGoodMetricsOfAMessage(t *testing.T) {
	_, got, faults, _ := sensors.Decode(topic, []byte(`{"at":"2026-11-24T12:00:00Z","seq":1,"v":{"x":1,"ph":7}}`), noon, lookup)
	if len(got) != 1 || len(faults) != 1 || faults[0].Field != "v.x" {
		t.Errorf("readings %v, faults %v; want ph stored and x named", got, faults)
	}
}

func TestDecodeNamesTheFieldAtFault(t *testing.T) {
	good := `{"at":"2026-11-24T12:00:00Z","seq":1,"v":{"ph":7}}`
	many := strings.Builder{}
	for i := range 70 {
		fmt.Fprintf(&many, `"m%d":1,`, i)
	}
	for name, tt := range map[string]struct{ topic, payload, field string }{
		"no topic of ours":  {"other/topic", good, "topic"},
		"unknown device":    {"plinth/v1/water_quality/wq-2/data", good, "topic"},
		"another kind":      {"plinth/v1/lift/wq-1/data", good, "topic"},
		"endless topic":     {"plinth/v1/water_quality/" + strings.Repeat("x", 1000) + "/data", good, "topic"},
		"empty":             {topic, "", "payload"},
		"an array":          {topic, "[]", "payload"},
		"cut off":           {topic, good[:20], "at"},
		"more than one":     {topic, good + good, "payload"},
		"too large":         {topic, strings.Repeat(" ", sensors.MaxPayload+1), "payload"},
		"not UTF-8":         {topic, "{\"at\":\"\xff\"}", "payload"},
		"no time":           {topic, `{"seq":1,"v":{"ph":7}}`, "at"},
		"no values":         {topic, `{"at":"2026-11-24T12:00:00Z","v":{}}`, "v"},
		"time is a number":  {topic, `{"at":1,"v":{"ph":7}}`, "at"},
		"time is not one":   {topic, `{"at":"noon","v":{"ph":7}}`, "at"},
		"2999":              {topic, `{"at":"2999-01-01T00:00:00Z","v":{"ph":7}}`, "at"},
		"1969":              {topic, `{"at":"1969-01-01T00:00:00Z","v":{"ph":7}}`, "at"},
		"negative sequence": {topic, `{"at":"2026-11-24T12:00:00Z","seq":-1,"v":{"ph":7}}`, "seq"},
		"NaN":               {topic, `{"at":"2026-11-24T12:00:00Z","v":{"ph":NaN}}`, "v.ph"},
		"infinite":          {topic, `{"at":"2026-11-24T12:00:00Z","v":{"ph":1e999}}`, "v.ph"},
		"null":              {topic, `{"at":"2026-11-24T12:00:00Z","v":{"ph":null}}`, "v.ph"},
		"text":              {topic, `{"at":"2026-11-24T12:00:00Z","v":{"ph":"7"}}`, "v.ph"},
		"no JSON number":    {topic, `{"at":"2026-11-24T12:00:00Z","v":{"ph":07}}`, "v.ph"},
		"twice a metric":    {topic, `{"at":"2026-11-24T12:00:00Z","v":{"ph":7,"ph":8}}`, "v.ph"},
		"twice a key":       {topic, `{"at":"2026-11-24T12:00:00Z","at":"2026-11-24T12:00:00Z","v":{"ph":7}}`, "at"},
		"unknown field":     {topic, `{"at":"2026-11-24T12:00:00Z","w":1,"v":{"ph":7}}`, "w"},
		"too many values":   {topic, `{"at":"2026-11-24T12:00:00Z","v":{` + strings.TrimSuffix(many.String(), ",") + `}}`, "v"},
	} {
		_, rs, faults, _ := sensors.Decode(tt.topic, []byte(tt.payload), noon, lookup)
		if len(rs) != 0 || len(faults) != 1 || faults[0].Field != tt.field || faults[0].Reason == "" {
			t.Errorf("%s: readings %v, faults %v; want field %s", name, rs, faults, tt.field)
		}
	}
}

func TestDecodeReadsByTheDevicesCodecAndUnit(t *testing.T) {
	for name, tt := range map[string]struct {
		codec, payload, field string
		want                  float64
	}{
		"scaled":         {"senml", `[{"n":"do","u":"ug/L","v":6200}]`, "", 6.2},
		"another unit":   {"senml", `[{"n":"do","u":"Cel","v":6}]`, "unit", 0},
		"another device": {"senml", `[{"bn":"wq-2/","n":"do","v":6}]`, "device", 0},
		"itself":         {"json", `{"device":"wq-1","at":"2026-11-24T12:00:00Z","v":{"do":6}}`, "", 6},
		"text":           {"senml", `[{"n":"do","vs":"x"}]`, "v.do", 0},
		"one of two":     {"plain", `6`, "payload", 0},
		"not its codec":  {"cbor", `{"at":"2026-11-24T12:00:00Z","v":{"do":6}}`, "payload", 0},
	} {
		d := station()
		d.Codec = tt.codec
		_, rs, faults, _ := sensors.Decode(topic, []byte(tt.payload), noon, func(plinth.DeviceID) (*sensors.Device, error) { return d, nil })
		stored := len(rs) == 1 && rs[0].Value == tt.want && rs[0].At.Equal(noon)
		if tt.field == "" && !stored || tt.field != "" && (len(rs) > 0 || len(faults) != 1 || faults[0].Field != tt.field) {
			t.Errorf("%s: readings %v, faults %v", name, rs, faults)
		}
	}
}

// FuzzDecode checks that whatever comes is either all named faults or what encoding/json reads too.
func FuzzDecode(f *testing.F) {
	f.Add(topic, []byte(`{"at":"2026-11-24T12:00:00Z","seq":1,"v":{"ph":7,"do":-1.5e3}}`))
	f.Add(topic, []byte(`{"at":"1970-01-01T00:00:00.001Z","seq":18446744073709551615,"v":{"\u0070h":0}}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		_, rs, faults, _ := sensors.Decode(topic, payload, noon, lookup)
		if len(rs)+len(faults) == 0 {
			t.Fatal("a message without a reading and without a fault")
		}
		if len(rs) == 0 {
			return
		}
		var m struct {
			Seq uint64
			V   map[string]float64
		}
		if !json.Valid(payload) {
			t.Fatalf("accepted what is no JSON: %q", payload)
		}
		if json.Unmarshal(payload, &m) != nil {
			return // a pack: package codec compares those
		}
		for _, r := range rs {
			if v, ok := m.V[r.Metric]; !ok || v != r.Value || r.Seq != m.Seq || math.IsNaN(v) {
				t.Fatalf("reading %+v of %s", r, payload)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	payload := []byte(`{"at":"2026-11-24T12:00:00.123Z","seq":12,"v":{"ph":7.1,"do":6.2}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, rs, _, _ := sensors.Decode(topic, payload, noon, lookup); len(rs) != 2 {
			b.Fatal("not decoded")
		}
	}
}

// judge feeds values a minute apart and returns the flags of the last.
func judge(w *sensors.Watch, d *sensors.Device, from time.Time, values ...float64) sensors.Flags {
	var last sensors.Flags
	for i, v := range values {
		rs := []sensors.Reading{{Device: d.ID, Metric: "ph", At: from.Add(time.Duration(i) * time.Minute), Value: v}}
		w.Judge(d, rs)
		last = rs[0].Flags
	}
	return last
}

func TestJudgeFlagsWhatIsDoubtful(t *testing.T) {
	steady := []float64{7.0, 7.1, 7.0, 7.2, 7.1, 7.0, 7.1, 7.2}
	for name, tt := range map[string]struct {
		values []float64
		want   sensors.Flags
	}{
		"steady":      {steady, 0},
		"range":       {[]float64{7, 14.5}, sensors.Range | sensors.Rate},
		"stuck":       {[]float64{7, 7, 7, 7, 7}, sensors.Stuck},
		"not stuck":   {[]float64{7, 7, 7, 7}, 0},
		"spike":       {append(slices.Clone(steady), 9), sensors.Spike},
		"fast change": {[]float64{1, 9}, sensors.Rate},
	} {
		w := sensors.NewWatch(func() time.Time { return noon })
		if got := judge(w, station(), noon.Add(-time.Hour), tt.values...); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got.Names(), tt.want.Names())
		}
	}
}

func TestJudgeFlagsTheClock(t *testing.T) {
	for name, tt := range map[string]struct {
		at   time.Time
		want sensors.Flags
	}{
		"1970": {time.Unix(0, 0), sensors.Clock}, "2200": {noon.AddDate(174, 0, 0), sensors.Clock},
		"ahead": {noon.Add(time.Hour), sensors.Clock}, "late": {noon.Add(-24 * time.Hour), sensors.Late},
		"gap": {noon.Add(4 * time.Minute), sensors.Gap},
	} {
		w := sensors.NewWatch(func() time.Time { return noon })
		judge(w, station(), noon, 7)
		if got := judge(w, station(), tt.at, 7); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got.Names(), tt.want.Names())
		}
		if got := judge(w, station(), noon.Add(5*time.Minute), 7); got&sensors.Clock != 0 {
			t.Errorf("%s: a bad clock spoiled the next reading: %v", name, got.Names())
		}
	}
}

func TestStatusTellsSilence(t *testing.T) {
	now := noon
	w, d := sensors.NewWatch(func() time.Time { return now }), station()
	if got := w.Status(d).Liveness; got != sensors.Never {
		t.Errorf("before any message: %s", got)
	}
	judge(w, d, noon, 7)
	for after, want := range map[time.Duration]sensors.Liveness{time.Minute: sensors.Online, 3 * time.Minute: sensors.Overdue,
		time.Hour: sensors.Offline} {
		now = noon.Add(after)
		if got := w.Status(d); got.Liveness != want || len(got.Newest) != 1 {
			t.Errorf("after %s: %+v, want %s", after, got, want)
		}
	}
}

func TestWhatAnotherInstanceJudgedIsFollowed(t *testing.T) {
	now := noon
	w, d := sensors.NewWatch(func() time.Time { return now }), station()
	metric := d.Metrics[0].Name
	judge(w, d, noon, 7)
	row := func(at time.Time, v float64) []sensors.Reading {
		return []sensors.Reading{{Device: d.ID, Metric: metric, At: at, Value: v, RX: at}}
	}
	if news := w.Follow(row(noon.Add(time.Second), 8)); len(news) != 0 || w.Status(d).Newest[0].Value != 7 {
		t.Errorf("a row of a device that is judged here was followed: %v", news)
	}
	later := noon.Add(time.Minute)
	now = later
	if news := w.Follow(row(later, 9)); len(news) != 1 || w.Status(d).Newest[0].Value != 9 || w.Status(d).Liveness != sensors.Online {
		t.Errorf("another instance's row was not followed: %v, %+v", news, w.Status(d))
	}
	if news := w.Follow(row(later, 9)); len(news) != 0 {
		t.Errorf("the same row was news again: %v", news)
	}
}

func TestADevicesFaultIsNamed(t *testing.T) {
	if err := station().Validate(); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*sensors.Device){
		"id":              func(d *sensors.Device) { d.ID = "A b" },
		"kind":            func(d *sensors.Device) { d.Kind = "a/b" },
		"owner":           func(d *sensors.Device) { d.Owner = "" },
		"longitude":       func(d *sensors.Device) { d.Longitude = math.NaN() },
		"latitude":        func(d *sensors.Device) { d.Latitude = 91 },
		"intervalS":       func(d *sensors.Device) { d.Interval = 0 },
		"metrics":         func(d *sensors.Device) { d.Metrics = nil },
		"metrics[1].name": func(d *sensors.Device) { d.Metrics[1].Name = "ph" },
		"metrics[0].unit": func(d *sensors.Device) { d.Metrics[0].Unit = "" },
		"metrics[0].max":  func(d *sensors.Device) { d.Metrics[0].Max = math.Inf(1) },
		"site":            func(d *sensors.Device) { d.Site = strings.Repeat("站", 201) },
	} {
		d := station()
		spoil(d)
		var e *plinth.Error
		if err := d.Validate(); !asError(err, &e) || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func asError(err error, to **plinth.Error) bool {
	e, ok := err.(*plinth.Error)
	*to = e
	return ok
}
