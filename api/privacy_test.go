package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"plinth"
	"plinth/api"
	pb "plinth/api/plinth/v1"
	"plinth/internal/clickhouse"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/alarm"
)

// cellar is a registry's store of devices that are there.
type cellar struct {
	sensors.Store
	devices []sensors.Device
}

func (s cellar) Roll(context.Context, string) (*sensors.Roll, error) {
	return &sensors.Roll{Stamp: "1", Devices: s.devices}, nil
}

// flat is a home's meter and a creek's station.
func flat(t *testing.T) *sensors.Registry {
	t.Helper()
	metrics := []sensors.Metric{{Name: "flow", Unit: "L/min"}}
	r, err := sensors.Open(t.Context(), cellar{devices: []sensors.Device{
		{ID: "creek-1", Kind: "creek", Owner: "ecology", Interval: time.Minute, Metrics: metrics, Attrs: map[string]string{"privacy": "public"}},
		{ID: "meter-1", Kind: "meter", Owner: "civil", Street: "taopu", Interval: time.Minute, Metrics: metrics, Attrs: map[string]string{"privacy": "home"}},
	}}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var (
	aSteward  = plinth.Principal{Account: "s", Department: "data", Roles: []plinth.Role{plinth.RoleSteward}}
	ofStreet  = plinth.Principal{Account: "p", Department: "taopu", Roles: []plinth.Role{plinth.RoleProvider}}
	ofCreeks  = plinth.Principal{Account: "e", Department: "ecology", Roles: []plinth.Role{plinth.RoleProvider}}
	anAuditor = plinth.Principal{Account: "u", Roles: []plinth.Role{plinth.RoleAuditor}}
)

// registrar keeps the service that is registered with it.
type registrar struct{ service any }

func (r *registrar) RegisterService(_ *grpc.ServiceDesc, service any) { r.service = service }

type nameless struct{}

func (nameless) AgentName(_ context.Context, id plinth.AgentID) string { return string(id) }

// noSeries has no rows.
type noSeries struct{ api.Series }

func (noSeries) Extent(context.Context, plinth.DeviceID, string, time.Time, time.Time) (int64, time.Time, time.Time, error) {
	return 0, time.Time{}, time.Time{}, nil
}

func (noSeries) Thinned(context.Context, plinth.DeviceID, string, time.Time, time.Time, time.Duration, int) ([]clickhouse.Point, error) {
	return nil, nil
}

func TestNewestValuesOfAHomeAreForThoseWithTheNeed(t *testing.T) {
	watch := sensors.NewWatch(time.Now)
	var seen []sensors.Reading
	for _, id := range []plinth.DeviceID{"creek-1", "meter-1"} {
		seen = append(seen, sensors.Reading{Device: id, Metric: "flow", At: time.Now(), RX: time.Now(), Value: 3, Flags: sensors.Range})
	}
	watch.Seed(seen)
	var r registrar
	api.NewSensors(api.SensorDeps{Registry: flat(t), Watch: watch, Names: nameless{}, Series: noSeries{}, Now: time.Now}).Register(&r)
	service := r.service.(pb.SensorServiceServer)
	for _, tt := range []struct {
		who   plinth.Principal
		shown bool
	}{{aSteward, false}, {ofCreeks, false}, {ofStreet, true}, {anAuditor, true}} {
		ctx := plinth.WithPrincipal(t.Context(), tt.who)
		list, err := service.ListDevices(ctx, &pb.ListDevicesRequest{})
		if err != nil || len(list.Devices) != 2 {
			t.Fatalf("%d devices, %v", len(list.GetDevices()), err)
		}
		one, err := service.GetDevice(ctx, &pb.GetDeviceRequest{Id: "meter-1"})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []*pb.Device{list.Devices[1], one} {
			if got := len(d.Latest) == 1 && len(d.Flags) == 1; got != tt.shown || d.Withheld == tt.shown || d.Liveness != "online" {
				t.Errorf("%v sees of the home %v, flags %v, withheld %v, %s", tt.who.Roles, d.Latest, d.Flags, d.Withheld, d.Liveness)
			}
		}
		if d := list.Devices[0]; len(d.Latest) != 1 || d.Withheld {
			t.Errorf("%v sees of the creek %v", tt.who.Roles, d.Latest)
		}
		if _, err = service.ListReadings(ctx, &pb.ListReadingsRequest{DeviceId: "meter-1", Metric: "flow"}); errors.Is(err, plinth.ErrDenied) == tt.shown {
			t.Errorf("%v asks for the home's series: %v", tt.who.Roles, err)
		}
	}
}

// watched is what a looker hears of news until it is told that all was said.
func watched(t *testing.T, who plinth.Principal, device string, news ...pipelines.News) (int, string) {
	t.Helper()
	feed := pipelines.NewFeed(time.Now)
	ctx, cancel := context.WithCancel(plinth.WithPrincipal(t.Context(), who))
	defer cancel()
	w := &until{ResponseRecorder: httptest.NewRecorder(), word: "all said", done: cancel}
	w.first = func() {
		for _, n := range append(news, pipelines.News{Event: "ingest", Data: w.word}) {
			feed.Publish(n)
		}
	}
	api.NewLiveRoute(feed, flat(t).Device).Handler.ServeHTTP(w, httptest.NewRequest("GET", "/v1/live?device="+device, nil).WithContext(ctx))
	return w.Code, w.Body.String()
}

// until ends the looking when a word was written. first runs at the first writing, when the looker looks.
type until struct {
	*httptest.ResponseRecorder
	word        string
	first, done func()
}

func (u *until) Write(b []byte) (int, error) {
	if u.first != nil {
		u.first()
		u.first = nil
	}
	if strings.Contains(string(b), u.word) {
		u.done()
	}
	return u.ResponseRecorder.Write(b)
}

func TestTheLiveStreamShowsNoHomeToThoseWithoutTheNeed(t *testing.T) {
	news := []pipelines.News{{Event: "reading", Data: pipelines.Shown{Device: "creek-1", Value: 1}},
		{Event: "reading", Data: pipelines.Shown{Device: "meter-1", Value: 2}},
		{Event: "reading", Data: pipelines.Shown{Device: "gone-1", Value: 3}}}
	_, body := watched(t, aSteward, "", news...)
	if !strings.Contains(body, "creek-1") || strings.Contains(body, "meter-1") || strings.Contains(body, "gone-1") {
		t.Errorf("a steward sees %s", body)
	}
	if _, body = watched(t, ofStreet, "", news...); !strings.Contains(body, "meter-1") {
		t.Errorf("the street sees %s", body)
	}
	for device, code := range map[string]int{"meter-1": 403, "gone-1": 404, "creek-1": 200} {
		if got, _ := watched(t, aSteward, device); got != code {
			t.Errorf("a steward who looks at %s gets %d, want %d", device, got, code)
		}
	}
}

func TestAnAlarmOfAHomeTellsOthersThatItIsThere(t *testing.T) {
	a := alarm.Alarm{ID: "al-1", Device: "meter-1", Kind: "meter", Owner: "civil", Street: "taopu", Unit: "taopu", Rule: "no_use",
		Title: sensors.Text{ZH: "长时间未用水"}, Text: sensors.Text{ZH: "已 14 小时未用水"}, Facts: map[string]string{"value": "14"}, Score: 1.4,
		Grade: alarm.Warning, State: alarm.Open, Note: "问过邻居"}
	of := func(who plinth.Principal) (out struct {
		Withheld         bool
		ID, Rule, State  string
		Title, Text      struct{ Zh string }
		Facts            map[string]string
		Note             string
		Grade            int
		Latitude, Longit float64
	}) {
		_, body := watched(t, who, "", api.AlarmNews(a))
		_, data, found := strings.Cut(body, "event: alarm\ndata: ")
		line, _, _ := strings.Cut(data, "\n")
		if !found || json.Unmarshal([]byte(line), &out) != nil {
			t.Fatalf("no alarm in %q", body)
		}
		return out
	}
	got := of(aSteward)
	if !got.Withheld || got.Rule != "" || got.Text.Zh != "" || len(got.Facts) > 0 || got.Note != "" || got.Title.Zh == a.Title.ZH {
		t.Errorf("a steward sees %+v", got)
	}
	if got.ID != "al-1" || got.State != "open" || got.Grade != 2 || got.Title.Zh == "" {
		t.Errorf("a steward does not see that it is there: %+v", got)
	}
	if got := of(ofStreet); got.Withheld || got.Text.Zh != a.Text.ZH || got.Facts["value"] != "14" {
		t.Errorf("the street sees %+v", got)
	}
	a.Device = "gone-1" // then its kind decides, which nobody knows
	if got := of(plinth.Principal{Account: "x", Roles: []plinth.Role{plinth.RoleSteward}}); got.Withheld {
		t.Errorf("an alarm of an internal kind is withheld: %+v", got)
	}
}

// filing is a store of alarms that notes what it is asked for.
type filing struct {
	alarm.Store
	asked *alarm.Filter
}

func (f filing) Alarms(_ context.Context, by alarm.Filter) ([]alarm.Alarm, int, error) {
	*f.asked = by
	return nil, 0, nil
}

func TestAlarmsByRuleLeaveOutHomesThatTheCallerMayNotSee(t *testing.T) {
	var asked alarm.Filter
	var r registrar
	api.NewAlarms(api.AlarmDeps{Desk: alarm.NewDesk(filing{asked: &asked}, time.Now), Homes: flat(t).Homes, Device: flat(t).Device}).Register(&r)
	service := r.service.(pb.AlarmServiceServer)
	for name, tt := range map[string]struct {
		who    plinth.Principal
		rule   string
		left   bool
		except plinth.AgentID
	}{
		"a steward by rule":    {aSteward, "no_use", true, ""},
		"a steward without":    {aSteward, "", false, ""},
		"the street by rule":   {ofStreet, "no_use", true, "taopu"},
		"an auditor by a rule": {anAuditor, "no_use", false, ""},
	} {
		if _, err := service.ListAlarms(plinth.WithPrincipal(t.Context(), tt.who), &pb.ListAlarmsRequest{Rule: tt.rule}); err != nil {
			t.Fatal(err)
		}
		w := asked.Without
		if (w != nil) != tt.left || w != nil && (len(w.Devices) != 1 || w.Devices[0] != "meter-1" || w.Except != tt.except) {
			t.Errorf("%s: left out %+v", name, w)
		}
	}
}
