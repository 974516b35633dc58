package sensorthings_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"plinth"
	"plinth/api/sensorthings"
	"plinth/internal/clickhouse"
	"plinth/internal/stack/stacktest"
	"plinth/pipelines"
	"plinth/sensors"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// district is three devices; the last one has no place.
var district = []*sensors.Device{
	{ID: "sta-lift-1", Kind: "lift", Name: sensors.Text{ZH: "一号电梯", EN: "Lift 1"}, Owner: "market", Street: "taopu", Site: "Tower's A",
		Longitude: 121.35, Latitude: 31.28, Interval: 10 * time.Second, Metrics: []sensors.Metric{
			{Name: "speed", Title: sensors.Text{ZH: "运行速度", EN: "Speed"}, Unit: "m/s", Min: 0, Max: 4},
			{Name: "vibration", Title: sensors.Text{ZH: "振动", EN: "Vibration"}, Unit: "m/s2"}}},
	{ID: "sta-lift-2", Kind: "lift", Name: sensors.Text{ZH: "二号电梯", EN: "Lift 2"}, Owner: "market", Street: "wanli", Longitude: 121.40,
		Latitude: 31.24, Interval: 10 * time.Second, Metrics: []sensors.Metric{{Name: "speed", Unit: "m/s"}}},
	{ID: "sta-water-1", Kind: "water_quality", Name: sensors.Text{ZH: "桃浦河", EN: "Taopu creek"}, Owner: "ecology", Street: "taopu",
		Interval: time.Minute, Metrics: []sensors.Metric{{Name: "ph", Unit: "[pH]", Min: 0, Max: 14}}},
}

func deviceOf(id plinth.DeviceID) *sensors.Device {
	i := slices.IndexFunc(district, func(d *sensors.Device) bool { return d.ID == id })
	if i < 0 {
		return nil
	}
	return district[i]
}

// door is the interface over a real engine.
type door struct {
	mux *http.ServeMux
	who plinth.Principal
}

type sink struct {
	*clickhouse.Readings
	dead []pipelines.DeadLetter
	down error
}

func (s *sink) InsertReadings(ctx context.Context, rs []sensors.Reading) error {
	if s.down != nil {
		return s.down
	}
	return s.Readings.InsertReadings(ctx, rs)
}

func (s *sink) InsertDeadLetters(_ context.Context, dead []pipelines.DeadLetter) error {
	s.dead = append(s.dead, dead...)
	return nil
}
func (s *sink) InsertEvents(context.Context, []pipelines.Event) error { return nil }

func open(t testing.TB) (*door, *sink) {
	t.Helper()
	db, err := clickhouse.Open(t.Context(), stacktest.ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Exec(t.Context(), "TRUNCATE TABLE plinth.reading"); err != nil {
		t.Fatal(err)
	}
	s := &sink{Readings: clickhouse.NewReadings(db)}
	var rs []sensors.Reading
	for i := range 20 {
		at := noon.Add(time.Duration(i) * time.Minute)
		rs = append(rs, sensors.Reading{Device: "sta-lift-1", Metric: "speed", At: at, Seq: uint64(i), Value: float64(i % 7), RX: at},
			sensors.Reading{Device: "sta-water-1", Metric: "ph", At: at, Seq: uint64(i), Value: 7 + float64(i)/10, RX: at})
	}
	rs = append(rs, rs[0]) // came twice
	rs[2].Flags = sensors.Spike
	for _, half := range [][]sensors.Reading{rs[:20], rs[20:]} {
		if err := s.Readings.InsertReadings(t.Context(), half); err != nil {
			t.Fatal(err)
		}
	}
	now := func() time.Time { return noon.Add(time.Hour) }
	direct := &pipelines.Direct{Watch: sensors.NewWatch(now), Sink: s, Meter: &pipelines.Meter{}, Now: now}
	d := &door{mux: http.NewServeMux(), who: plinth.Principal{Account: "a", Roles: []plinth.Role{plinth.RoleOperator}}}
	for _, r := range sensorthings.Routes(sensorthings.Config{Devices: func() []*sensors.Device { return district }, Device: deviceOf,
		Rows: clickhouse.NewObservations(db), Direct: direct, Readers: sensors.SeriesReaders, Now: now}) {
		d.mux.Handle(r.Method+" "+r.Pattern, r.Handler)
	}
	return d, s
}

// query is a path with options given in turn.
func path(p string, options ...string) string {
	q := url.Values{}
	for i := 0; i < len(options); i += 2 {
		q.Set(options[i], options[i+1])
	}
	u := url.URL{Path: "/sta/v1.1" + p, RawQuery: q.Encode()}
	return u.String()
}

func (d *door) do(t testing.TB, method, target, body string) (int, []byte) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r.WithContext(plinth.WithPrincipal(t.Context(), d.who)))
	return w.Code, w.Body.Bytes()
}

// get reads an answer that must be right.
func (d *door) get(t testing.TB, target string) map[string]any {
	t.Helper()
	code, body := d.do(t, "GET", target, "")
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil || code != 200 {
		t.Fatalf("GET %s: %d %s", target, code, body)
	}
	return out
}

// ids are the ids of a collection.
func ids(answer map[string]any) []string {
	var out []string
	for _, v := range answer["value"].([]any) {
		out = append(out, v.(map[string]any)["@iot.id"].(string))
	}
	return out
}

func TestTheServiceDocumentNamesTheSets(t *testing.T) {
	d, _ := open(t)
	out := d.get(t, "/sta/v1.1")
	if n := len(out["value"].([]any)); n != 8 || out["serverSettings"] == nil {
		t.Errorf("%d sets, settings %v", n, out["serverSettings"])
	}
}

func TestEverySetAndEntityIsLinked(t *testing.T) {
	d, _ := open(t)
	out := d.get(t, "/sta/v1.1")
	for _, s := range out["value"].([]any) {
		set := s.(map[string]any)
		answer := d.get(t, path("/"+set["name"].(string), "$top", "3"))
		for _, v := range answer["value"].([]any) {
			e := v.(map[string]any)
			self := strings.TrimPrefix(e["@iot.selfLink"].(string), "http://example.com")
			again := d.get(t, self)
			if again["@iot.id"] != e["@iot.id"] {
				t.Errorf("%s leads to %v", self, again["@iot.id"])
			}
			for name, link := range again {
				if strings.HasSuffix(name, "@iot.navigationLink") {
					d.follow(t, link.(string))
				}
			}
		}
		if len(answer["value"].([]any)) == 0 {
			t.Errorf("%s is empty", set["name"])
		}
	}
}

// follow reads where a link leads; a device without a place has a link to none.
func (d *door) follow(t *testing.T, link string) {
	t.Helper()
	code, body := d.do(t, "GET", strings.TrimPrefix(link, "http://example.com"), "")
	if code != 200 && !(code == 404 && strings.Contains(link, "FeatureOfInterest")) {
		t.Errorf("GET %s: %d %s", link, code, body)
	}
}

func TestFiltersSelectWhatTheySay(t *testing.T) {
	d, _ := open(t)
	for filter, want := range map[string][]string{
		"Things|id eq 'sta-lift-1'":                                                    {"sta-lift-1"},
		"Things|@iot.id ne 'sta-lift-1'":                                               {"sta-lift-2", "sta-water-1"},
		"Things|startswith(name,'一') or endswith(name,'河')":                            {"sta-lift-1", "sta-water-1"},
		"Things|substringof('ift',description) and not (properties/street eq 'wanli')": {"sta-lift-1"},
		"Things|properties/interval_s gt 10 mul 2 add 1":                               {"sta-water-1"},
		"Things|length(name) eq 3":                                                     {"sta-water-1"},
		"Things|tolower(description) eq 'lift 2' and indexof(name,'电') eq 2":           {"sta-lift-2"},
		"Things|substring(description,5) eq '2'":                                       {"sta-lift-2"},
		"Things|Datastreams/unitOfMeasurement/symbol eq '[pH]'":                        {"sta-water-1"},
		"Things|Datastreams/ObservedProperty/id eq 'lift:vibration'":                   {"sta-lift-1"},
		"Things|properties/nothing eq null":                                            {"sta-lift-1", "sta-lift-2", "sta-water-1"},
		"Locations|name eq 'Tower''s A'":                                               {"sta-lift-1"},
		"Locations|st_within(location,geography'POLYGON((121.3 31.2,121.38 31.2,121.38 31.3,121.3 31.3,121.3 31.2))')": {"sta-lift-1"},
		"Things|geo.distance(Locations/location,geography'POINT(121.4 31.24)') lt 1000":                                {"sta-lift-2"},
		"Datastreams|Thing/properties/kind eq 'lift' and startswith(name,'二')":                                         {"sta-lift-2:speed"},
		"HistoricalLocations|year(time) eq 1970 and Thing/id eq 'sta-lift-1'":                                          {"sta-lift-1"},
		"ObservedProperties|properties/metric eq 'ph'":                                                                 {"water_quality:ph"},
	} {
		set, f, _ := strings.Cut(filter, "|")
		if got := ids(d.get(t, path("/"+set, "$filter", f))); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", filter, got, want)
		}
	}
}

func TestObservationFiltersSelectWhatTheySay(t *testing.T) {
	d, _ := open(t)
	const lift = "/Datastreams('sta-lift-1:speed')/Observations"
	for filter, want := range map[string]int{
		"result gt 5":         2,
		"result ge 5":         5,
		"not (result le 5)":   2,
		"result add 1 eq 3.0": 3,
		"result mod 2 eq 0":   11,
		"result div 2 gt 2.5": 2,
		"floor(result div 4) eq 1 or round(result sub 0.5) eq 1":                                      11,
		"phenomenonTime ge 2026-11-24T12:10:00Z":                                                      10,
		"phenomenonTime lt '2026-11-24T20:10:00+08:00' and resultTime ge 2026-11-24T12:05:00.000Z":    5,
		"minute(phenomenonTime) eq 3 and hour(phenomenonTime) eq 12 and year(phenomenonTime) eq 2026": 1,
		"phenomenonTime lt now()":                               20,
		"parameters/seq eq 7":                                   1,
		"Datastream/id eq 'sta-water-1:ph'":                     0,
		"FeatureOfInterest/id eq 'sta-lift-1'":                  20,
		"startswith(id,'sta-lift-1:speed:') and result ne null": 20,
		"result eq null":                                        0,
	} {
		out := d.get(t, path(lift, "$filter", filter, "$count", "true", "$top", "50"))
		if n := len(out["value"].([]any)); n != want || int(out["@iot.count"].(float64)) != want {
			t.Errorf("%s: %d rows, count %v, want %d", filter, n, out["@iot.count"], want)
		}
	}
	if got := ids(d.get(t, path("/Observations", "$filter", "Datastream/id eq 'sta-water-1:ph' and result lt 7.15"))); len(got) != 2 {
		t.Errorf("over all Observations: %v", got)
	}
}

func TestARowThatCameTwiceIsOneObservation(t *testing.T) {
	d, _ := open(t)
	out := d.get(t, path("/Datastreams('sta-lift-1:speed')/Observations", "$count", "true", "$top", "0"))
	if out["@iot.count"] != 20.0 || len(out["value"].([]any)) != 0 {
		t.Errorf("count %v, %v", out["@iot.count"], out["value"])
	}
}

func TestPagesByKeyShowEachEntityOnce(t *testing.T) {
	d, _ := open(t)
	for _, start := range []string{
		path("/Datastreams", "$top", "1"), path("/Datastreams", "$top", "1", "$orderby", "name desc"),
		path("/Observations", "$top", "7"),
		path("/Observations", "$top", "7", "$orderby", "phenomenonTime desc"),
		path("/Observations", "$top", "6", "$orderby", "result asc"),
		path("/Datastreams('sta-water-1:ph')/Observations", "$top", "9", "$filter", "result ge 7"),
	} {
		seen, next := map[string]bool{}, start
		for pages := 0; next != "" && pages < 50; pages++ {
			out := d.get(t, next)
			for _, id := range ids(out) {
				if seen[id] {
					t.Errorf("%s: %s twice", start, id)
				}
				seen[id] = true
			}
			next, _ = out["@iot.nextLink"].(string)
			next = strings.TrimPrefix(next, "http://example.com")
		}
		want := 40
		if strings.Contains(start, "ph") && strings.Contains(start, "water") {
			want = 20
		}
		if strings.Contains(start, "v1.1/Datastreams?") {
			want = 4
		}
		if len(seen) != want {
			t.Errorf("%s: %d in all, want %d", start, len(seen), want)
		}
	}
}

func TestOrderSkipAndTop(t *testing.T) {
	d, _ := open(t)
	got := ids(d.get(t, path("/Things", "$orderby", "properties/street desc,id desc", "$skip", "1", "$top", "1")))
	if !slices.Equal(got, []string{"sta-water-1"}) {
		t.Errorf("got %v", got)
	}
	out := d.get(t, path("/Datastreams('sta-water-1:ph')/Observations", "$orderby", "phenomenonTime desc", "$skip", "2", "$top", "1"))
	if o := out["value"].([]any)[0].(map[string]any); o["phenomenonTime"] != "2026-11-24T12:17:00.000Z" {
		t.Errorf("got %v", o["phenomenonTime"])
	}
}

func TestExpansionsNestWithTheirOptions(t *testing.T) {
	d, _ := open(t)
	out := d.get(t, path("/Things('sta-lift-1')", "$expand",
		"Datastreams($filter=id eq 'sta-lift-1:speed';$expand=Observations($top=1;$orderby=phenomenonTime desc;$count=true;$select=result),ObservedProperty;$select=name),Locations"))
	streams := out["Datastreams"].([]any)
	if len(streams) != 1 || len(out["Locations"].([]any)) != 1 {
		t.Fatalf("%d streams, %v", len(streams), out["Locations"])
	}
	s := streams[0].(map[string]any)
	o := s["Observations"].([]any)
	if len(o) != 1 || o[0].(map[string]any)["result"] != 5.0 || len(o[0].(map[string]any)) != 1 || s["Observations@iot.count"] != 20.0 {
		t.Errorf("observations %v, count %v", o, s["Observations@iot.count"])
	}
	if s["ObservedProperty"].(map[string]any)["@iot.id"] != "lift:speed" || s["unitOfMeasurement"] != nil {
		t.Errorf("selected %v", s)
	}
	more := d.get(t, strings.TrimPrefix(s["Observations@iot.nextLink"].(string), "http://example.com"))
	if more["value"].([]any)[0].(map[string]any)["result"] != 4.0 {
		t.Errorf("the expansion goes on with %v", more["value"])
	}
	byPath := d.get(t, path("/Datastreams('sta-lift-2:speed')", "$expand", "Thing/Locations,Thing/Datastreams"))
	thing := byPath["Thing"].(map[string]any)
	if thing["Locations"] == nil || thing["Datastreams"] == nil {
		t.Errorf("by path %v", thing)
	}
}

func TestSelectRefAndValue(t *testing.T) {
	d, _ := open(t)
	one := d.get(t, path("/Things('sta-lift-1')", "$select", "name,Datastreams"))
	if len(one) != 2 || one["name"] != "一号电梯" || one["Datastreams@iot.navigationLink"] == nil {
		t.Errorf("selected %v", one)
	}
	if got := d.get(t, path("/Things('sta-lift-1')/name")); got["name"] != "一号电梯" {
		t.Errorf("property %v", got)
	}
	if code, body := d.do(t, "GET", path("/Things('sta-lift-1')/properties/street/$value"), ""); code != 200 || string(body) != "taopu" {
		t.Errorf("value %d %s", code, body)
	}
	refs := d.get(t, path("/Things('sta-lift-1')/Datastreams/$ref"))["value"].([]any)
	if len(refs) != 2 || len(refs[0].(map[string]any)) != 1 || refs[0].(map[string]any)["@iot.selfLink"] == nil {
		t.Errorf("refs %v", refs)
	}
}

func TestAnObservationHasItsQualityAndItsPlace(t *testing.T) {
	d, _ := open(t)
	id := fmt.Sprintf("sta-lift-1:speed:%d:1", noon.Add(time.Minute).UnixMilli())
	o := d.get(t, path("/Observations('"+id+"')", "$expand", "FeatureOfInterest,Datastream"))
	if q := o["resultQuality"].([]any); len(q) != 1 || q[0] != "spike" {
		t.Errorf("quality %v", q)
	}
	f := o["FeatureOfInterest"].(map[string]any)["feature"].(map[string]any)
	if f["type"] != "Point" || o["Datastream"].(map[string]any)["@iot.id"] != "sta-lift-1:speed" {
		t.Errorf("feature %v", f)
	}
}

func TestResultsComeAsADataArray(t *testing.T) {
	d, _ := open(t)
	out := d.get(t, path("/Observations", "$resultFormat", "dataArray", "$select", "phenomenonTime,result"))
	groups := out["value"].([]any)
	if len(groups) != 2 {
		t.Fatalf("%d groups", len(groups))
	}
	g := groups[0].(map[string]any)
	if g["dataArray@iot.count"] != 20.0 || len(g["dataArray"].([]any)[0].([]any)) != 2 {
		t.Errorf("group %v", g)
	}
}

func TestWhatIsWrongIsRefusedAndPlaced(t *testing.T) {
	d, _ := open(t)
	deep := "Datastreams($expand=Thing($expand=Datastreams($expand=Thing($expand=Datastreams($expand=Thing)))))"
	for _, c := range []struct {
		target string
		code   int
		says   string
	}{
		{path("/Things", "$filter", "name eq"), 400, "at character 8"},
		{path("/Things", "$filter", "名 eq 1"), 400, "at character 1"},
		{path("/Things", "$filter", "name eq 'open"), 400, "closing quote"},
		{path("/Things", "$filter", "nothing eq 1"), 400, "no property nothing"},
		{path("/Things", "$filter", "name gt 4"), 400, "cannot be compared"},
		{path("/Things", "$filter", "launch(name)"), 400, "no function launch"},
		{path("/Things", "$filter", "startswith(name)"), 400, "takes 2 to 2"},
		{path("/Things", "$filter", strings.Repeat("(", 60)+"1 eq 1"+strings.Repeat(")", 60)), 400, "nested"},
		{path("/Things", "$filter", "name eq 'a' name"), 400, "at character 13"},
		{path("/Observations", "$filter", "value gt 1; DROP TABLE x"), 400, "at character 11"},
		{path("/Observations", "$filter", "device eq 'x'"), 400, "not filtered by device"},
		{path("/Observations", "$filter", "result eq 'x'"), 400, "do not fit"},
		{path("/Observations", "$orderby", "flags"), 400, "phenomenonTime"},
		{path("/Observations", "$skiptoken", "???"), 400, "$skiptoken"},
		{path("/Things", "$top", "-1"), 400, "$top"},
		{path("/Things", "$colour", "red"), 400, "$colour"},
		{path("/Things", "$expand", "Nothing"), 400, "no link Nothing"},
		{path("/Things", "$expand", deep), 400, "deep"},
		{path("/Things", "$expand", "Datastreams($top=1"), 400, "not closed"},
		{path("/Things", "$select", "colour"), 400, "colour"},
		{path("/Things('nobody')"), 404, "no Thing"},
		{path("/Things(nobody)"), 404, "no id"},
		{path("/Planets"), 404, "no set"},
		{path("/Things('sta-lift-1')/Planets"), 404, "Planets"},
		{path("/Observations('sta-lift-1:speed:1:1')"), 404, "no Observation"},
		{path("/Locations", "$filter", "st_within(location,geography'CIRCLE(1)')"), 400, "POINT and POLYGON"},
	} {
		code, body := d.do(t, "GET", c.target, "")
		if code != c.code || !strings.Contains(string(body), c.says) {
			t.Errorf("GET %s: %d %s; want %d with %q", c.target, code, body, c.code, c.says)
		}
	}
}

func TestOnlyWhoReadsReadingsReadsObservations(t *testing.T) {
	d, _ := open(t)
	d.who = plinth.Principal{Account: "b", Roles: []plinth.Role{plinth.RoleDepartment}}
	d.get(t, path("/Things"))
	for _, target := range []string{path("/Observations"), path("/Datastreams", "$expand", "Observations($top=1)"),
		path("/Observations('sta-lift-1:speed:1:1')")} {
		if code, body := d.do(t, "GET", target, ""); code != 403 {
			t.Errorf("GET %s: %d %s, want 403", target, code, body)
		}
	}
}

const arrays = `[{"Datastream":{"@iot.id":"sta-lift-2:speed"},"components":["phenomenonTime","result","FeatureOfInterest/id","parameters"],
	"dataArray@iot.count":5,"dataArray":[["2026-11-24T12:00:00Z",1.5,"x",{"seq":1}],["2026-11-24T12:00:10+00:00",2,"x",null],
	["yesterday",1,"x",null],["2026-11-24T12:00:20Z","much","x",null],["2026-11-24T12:00:30Z",1]]},
	{"Datastream":{"@iot.id":"nobody:speed"},"components":["phenomenonTime","result"],"dataArray":[["2026-11-24T12:00:00Z",1]]}]`

func TestDataArraysAreStoredRowByRow(t *testing.T) {
	d, _ := open(t)
	for range 2 { // the same again changes nothing
		code, body := d.do(t, "POST", path("/CreateObservations"), arrays)
		var out []string
		if err := json.Unmarshal(body, &out); err != nil || code != 201 || len(out) != 6 {
			t.Fatalf("%d %s", code, body)
		}
		for i, want := range []bool{true, true, false, false, false, false} {
			if (out[i] != "error") != want {
				t.Errorf("row %d: %s", i, out[i])
			}
		}
		if o := d.get(t, strings.TrimPrefix(out[0], "http://example.com")); o["result"] != 1.5 {
			t.Errorf("stored %v", o)
		}
	}
	if out := d.get(t, path("/Datastreams('sta-lift-2:speed')/Observations", "$count", "true")); out["@iot.count"] != 2.0 {
		t.Errorf("count %v, want 2", out["@iot.count"])
	}
}

func TestWhatCannotBeStoredIsNotAcknowledged(t *testing.T) {
	d, s := open(t)
	s.down = errors.New("away")
	if code, body := d.do(t, "POST", path("/CreateObservations"), arrays); code != 503 {
		t.Errorf("%d %s, want 503", code, body)
	}
}

func TestADeviceCreatesItsOwnObservationsAlone(t *testing.T) {
	d, _ := open(t)
	d.who = plinth.Principal{Account: "device:sta-lift-1", Device: "sta-lift-1", Roles: []plinth.Role{plinth.RoleDevice}}
	code, body := d.do(t, "POST", path("/CreateObservations"), arrays)
	if code != 201 || strings.Count(string(body), `"error"`) != 6 {
		t.Errorf("%d %s", code, body)
	}
}

func TestADataArrayThatIsNoneIsRefusedWithItsPlace(t *testing.T) {
	d, _ := open(t)
	for body, says := range map[string]string{
		`{}`:   "list of data arrays",
		`[{}`:  "list of data arrays",
		`[] x`: "follows",
		`[{"Datastream":{"@iot.id":"a:b"},"components":["result"],"dataArray":[]}]`:                                "[0].components",
		`[{"Datastream":{"@iot.id":"a:b"},"components":["result","phenomenonTime","colour"],"dataArray":[]}]`:      "colour",
		`[{"Datastream":{"@iot.id":"a:b"},"components":["result","phenomenonTime","result"],"dataArray":[[1,2]]}]`: "twice",
	} {
		if code, answer := d.do(t, "POST", path("/CreateObservations"), body); code != 400 || !strings.Contains(string(answer), says) {
			t.Errorf("%s: %d %s, want 400 with %q", body, code, answer, says)
		}
	}
}

func TestObservationsOfAHomeAreForThoseWithTheNeed(t *testing.T) {
	d, _ := open(t)
	district[0].Attrs = map[string]string{"privacy": "home"}
	t.Cleanup(func() { district[0].Attrs = nil })
	streams := "/Datastreams('sta-lift-1:speed')"
	asked := []string{path("/Observations", "$count", "true", "$filter", "Datastream/Thing/id eq 'sta-lift-1'"),
		path(streams+"/Observations", "$count", "true"), path("/FeaturesOfInterest('sta-lift-1')/Observations", "$count", "true")}
	for _, tt := range []struct {
		who  plinth.Principal
		rows float64
	}{{d.who, 20}, {plinth.Principal{Account: "b", Department: "taopu", Roles: []plinth.Role{plinth.RoleProvider}}, 20},
		{plinth.Principal{Account: "c", Department: "wanli", Roles: []plinth.Role{plinth.RoleProvider, plinth.RoleSteward}}, 0}} {
		d.who = tt.who
		for _, target := range asked {
			if got := d.get(t, target)["@iot.count"]; got != tt.rows {
				t.Errorf("%v of %s counts %v at %s, want %v", tt.who.Roles, tt.who.Department, got, target, tt.rows)
			}
		}
		inner := d.get(t, path(streams, "$expand", "Observations"))["Observations"].([]any)
		if (len(inner) > 0) != (tt.rows > 0) {
			t.Errorf("%v of %s expands %d observations", tt.who.Roles, tt.who.Department, len(inner))
		}
		code, body := d.do(t, "GET", path("/Observations('sta-lift-1:speed:"+fmt.Sprint(noon.UnixMilli())+":0')"), "")
		if (code == 200) != (tt.rows > 0) {
			t.Errorf("%v of %s gets one observation: %d %s", tt.who.Roles, tt.who.Department, code, body)
		}
	}
	if got := d.get(t, path("/Observations", "$count", "true"))["@iot.count"]; got != 20.0 {
		t.Errorf("of all the others see %v, want the creek's 20", got)
	}
}
