package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plinth"
	"plinth/analytics"
	"plinth/api"
)

// desk is a small district's story: one incident of two events.
type desk struct{ asked analytics.EventFilter }

var told = []analytics.Event{
	{Source: "hotline", SourceID: "2", At: time.Unix(2000, 0), Title: "停电", Text: "家里停电", Address: "兰溪路1弄"},
	{Source: "grid", SourceID: "1", At: time.Unix(1000, 0), Title: "停电", Text: "小区停电"},
}

func (d *desk) Incident(_ context.Context, id plinth.IncidentID) (analytics.Incident, []analytics.Member, error) {
	if id != "in_1" {
		return analytics.Incident{}, nil, plinth.Errorf(plinth.ErrNotFound, "there is no incident %s", id)
	}
	return analytics.Incident{ID: id, Size: 2, Sources: map[string]int{"hotline": 1, "grid": 1}, LastAt: time.Unix(2000, 0)},
		[]analytics.Member{{Event: told[1], Op: analytics.Open}, {Event: told[0], Op: analytics.Attach, Score: 3,
			Weights: []analytics.Weight{{Feature: "place", Observed: "12 m", Weight: 3}}}}, nil
}

func (d *desk) Incidents(context.Context, analytics.IncidentFilter) ([]analytics.Incident, int64, error) {
	return []analytics.Incident{{ID: "in_1", Size: 2}}, 1, nil
}

func (d *desk) IncidentsOf(context.Context, []analytics.Event) (map[string]plinth.IncidentID, error) {
	return map[string]plinth.IncidentID{"hotline/2": "in_1"}, nil
}

func (d *desk) Events(_ context.Context, f analytics.EventFilter) ([]analytics.Event, int64, error) {
	d.asked = f
	if f.After != nil {
		return told[1:], 2, nil
	}
	return told[:min(len(told), f.Limit)], 2, nil
}

func (d *desk) CountByDay(context.Context, analytics.CountFilter) ([]analytics.DayCount, error) {
	return []analytics.DayCount{{Day: "2026-11-24", Class: "a", Count: 2}}, nil
}

func (d *desk) Grams(context.Context, analytics.CountFilter, int) (map[string]int64, int64, error) {
	return map[string]int64{"停": 2, "电": 2, "停电": 2}, 8, nil
}

func (d *desk) Documents(_ context.Context, _ analytics.CountFilter, words []string) ([]int64, int64, error) {
	return make([]int64, len(words)), 8, nil
}

func (d *desk) GeoJSON() []byte { return []byte(`{"type":"FeatureCollection","features":[]}`) }

// openEvents serves the event service alone.
func openEvents(t *testing.T, d *desk) *house {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s, err := api.New(ctx, api.Config{Log: slog.New(slog.DiscardHandler), Now: time.Now, Auth: people, Registry: prometheus.NewRegistry(),
		Services: []api.Service{api.NewEvents(api.EventDeps{Incidents: d, Trends: d, Map: d,
			Now: func() time.Time { return time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC) }})}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return &house{url: "http://" + l.Addr().String()}
}

func TestEventListsArePagedAndNameTheirIncidents(t *testing.T) {
	d := &desk{}
	h := openEvents(t, d)
	var page struct {
		Events        []struct{ ID, IncidentID string }
		NextPageToken string
	}
	a := h.call(t, "operator", "GET", "/v1/events?pageSize=1&street=caoyang", "")
	if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 {
		t.Fatalf("%d %s %v", a.status, a.body, err)
	}
	if len(page.Events) != 1 || page.Events[0].IncidentID != "in_1" || page.NextPageToken == "" || d.asked.Street != "caoyang" {
		t.Errorf("page %+v, asked %+v", page, d.asked)
	}
	a = h.call(t, "operator", "GET", "/v1/events?pageSize=1&pageToken="+page.NextPageToken, "")
	if a.status != 200 || d.asked.After == nil || d.asked.After.SourceID != "2" || !d.asked.After.At.Equal(told[0].At) {
		t.Errorf("%d %s, asked after %+v", a.status, a.body, d.asked.After)
	}
}

func TestIncidentsHideTheWordsFromThoseWhoMayNotListEvents(t *testing.T) {
	h := openEvents(t, &desk{})
	open := h.call(t, "operator", "GET", "/v1/incidents/in_1", "")
	shut := h.call(t, "device", "GET", "/v1/incidents/in_1", "")
	for _, a := range []answer{open, shut} {
		if a.status != 200 || !strings.Contains(a.body, "12 m") {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if !strings.Contains(open.body, "家里停电") || strings.Contains(shut.body, "家里停电") || strings.Contains(shut.body, "兰溪路") {
		t.Errorf("operator reads %s\nothers read %s", open.body, shut.body)
	}
}

func TestBadEventFiltersNameTheirField(t *testing.T) {
	h := openEvents(t, &desk{})
	for path, field := range map[string]string{
		"/v1/events?pageSize=-1":                                                "pageSize",
		"/v1/events?pageToken=zzz":                                              "pageToken",
		"/v1/events?query=" + strings.Repeat("x", 300):                          "query",
		"/v1/events?from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z":          "from",
		"/v1/incidents?minSize=-2":                                              "minSize",
		"/v1/events:count?from=1000-01-01T00:00:00Z":                            "from",
		"/v1/events:count?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z":    "from",
		"/v1/events:hotwords?limit=100000":                                      "limit",
		"/v1/events:hotwords?from=2026-01-01T00:00:00Z&to=2026-11-23T00:00:00Z": "from",
	} {
		if a := h.call(t, "operator", "GET", path, ""); a.status != 400 || a.Field != field {
			t.Errorf("%s: %d %s, want field %s", path, a.status, a.body, field)
		}
	}
	if a := h.call(t, "operator", "GET", "/v1/incidents/none", ""); a.status != 404 {
		t.Errorf("unknown incident: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/v1/map", "/v1/events:count", "/v1/events:hotwords", "/v1/incidents"} {
		if a := h.call(t, "operator", "GET", path, ""); a.status != 200 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		if a := h.call(t, "", "GET", path, ""); a.status != 401 {
			t.Errorf("%s without a token: %d", path, a.status)
		}
	}
}
