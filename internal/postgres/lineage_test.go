package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"plinth/internal/postgres"
	"plinth/pipelines"
)

var day = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// someRuns saves a stream that runs, an import that is done, one that failed, and a replay that was cancelled.
func someRuns(t *testing.T, s *postgres.Pipelines) {
	t.Helper()
	for _, r := range []pipelines.Run{
		{ID: "run_1", Kind: pipelines.StreamRun, Pipeline: "lift", Source: "plinth/v1/lift/+/data", Started: day, State: pipelines.Running},
		{ID: "run_2", Kind: pipelines.ImportRun, Pipeline: "events-hotline", Source: "calls.csv", Started: day.Add(time.Minute),
			Ended: day.Add(3 * time.Minute), State: pipelines.Done, In: 10, Stored: 7, Known: 1, Dead: 2},
		{ID: "run_3", Kind: pipelines.ImportRun, Pipeline: "events-hotline", Source: "bad.csv", Started: day.Add(2 * time.Minute),
			Ended: day.Add(4 * time.Minute), State: pipelines.Failed, Error: "there is no header"},
	} {
		if err := s.SaveRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	r := pipelines.Replay{ID: "rpl_1", Pipeline: "lift", From: day, To: day.Add(time.Hour), State: pipelines.ReplayRunning, By: "ac_op",
		Started: day.Add(5 * time.Minute)}
	if err := s.AddReplay(t.Context(), r, day); err != nil {
		t.Fatal(err)
	}
	r.State, r.Ended = pipelines.ReplayCancelled, day.Add(6*time.Minute)
	if err := s.SaveReplay(t.Context(), r, day, nil, pipelines.ReplayRunning); err != nil {
		t.Fatal(err)
	}
}

func sinkOf(_ context.Context, pipeline string) pipelines.Target {
	if pipeline == "lift" {
		return pipelines.ToReadings
	}
	return pipelines.ToEvents
}

var wantSteps = []string{"START lift", "START events-hotline", "START events-hotline", "COMPLETE events-hotline", "FAIL events-hotline",
	"START lift.replay", "ABORT lift.replay"}

func TestEveryRunTellsOpenLineageHowItBeganAndEnded(t *testing.T) {
	s := postgres.NewPipelines(open(t))
	someRuns(t, s)
	steps, err := s.LineageSteps(t.Context(), "", time.Time{}, "", false, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range steps {
		e := steps[i].Lineage(sinkOf(t.Context(), steps[i].Run.Pipeline))
		got = append(got, e.EventType+" "+e.Job.Name)
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if fault := lineageFault(b); fault != "" {
			t.Errorf("%s: %s", b, fault)
		}
	}
	if diff := cmp.Diff(wantSteps, got); diff != "" {
		t.Error(diff)
	}
	third := steps[2]
	rest, err := s.LineageSteps(t.Context(), "events-hotline", third.At(), third.Run.ID, third.End, 100)
	if err != nil || len(rest) != 2 || !rest[0].End || rest[0].Run.ID != "run_2" {
		t.Errorf("after the third step of that pipeline: %+v, %v", rest, err)
	}
	counts, _ := json.Marshal(rest[0].Lineage(pipelines.ToEvents))
	for _, want := range []string{`"rowCount":7`, `"rowCount":2`, `"rowCount":10`, `"name":"source_id"`} {
		if !strings.Contains(string(counts), want) {
			t.Errorf("the end of an import lacks %s: %s", want, counts)
		}
	}
}

// lineageFault holds an event against the field rules of OpenLineage 2-0-2: what must be there, UUIDs, times with a zone,
// URIs, and of every facet its producer and schema.
func lineageFault(b []byte) string {
	type dataset struct {
		Namespace, Name                   string
		Facets, InputFacets, OutputFacets map[string]map[string]any
	}
	var e struct {
		EventType, EventTime, Producer, SchemaURL string
		Run                                       struct {
			RunID  string
			Facets map[string]map[string]any
		}
		Job             dataset
		Inputs, Outputs []dataset
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return err.Error()
	}
	if !strings.Contains(" START RUNNING COMPLETE ABORT FAIL OTHER ", " "+e.EventType+" ") {
		return "eventType"
	}
	if _, err := time.Parse(time.RFC3339Nano, e.EventTime); err != nil {
		return "eventTime"
	}
	if _, err := uuid.Parse(e.Run.RunID); err != nil {
		return "runId"
	}
	if !isURI(e.Producer) || !isURI(e.SchemaURL) || !strings.Contains(e.SchemaURL, "2-0-2") {
		return "producer or schemaURL"
	}
	facets := []map[string]map[string]any{e.Run.Facets}
	for _, d := range append(append(e.Inputs, e.Outputs...), e.Job) {
		if d.Namespace == "" || d.Name == "" {
			return "a namespace or name is empty"
		}
		facets = append(facets, d.Facets, d.InputFacets, d.OutputFacets)
	}
	return facetFault(facets)
}

// facetFault also knows the fields that our facets must have by their own schemas.
func facetFault(all []map[string]map[string]any) string {
	needs := map[string][]string{"schema": {"fields"}, "outputStatistics": {"rowCount"}, "dataQualityMetrics": {"rowCount", "columnMetrics"},
		"errorMessage": {"message", "programmingLanguage"}, "plinth_receipt": {"receipt", "record"}}
	for _, facets := range all {
		for name, f := range facets {
			if needs[name] == nil {
				return "a facet that nobody knows: " + name
			}
			for _, field := range append([]string{"_producer", "_schemaURL"}, needs[name]...) {
				if f[field] == nil {
					return fmt.Sprintf("the facet %s has no %s", name, field)
				}
			}
			if !isURI(fmt.Sprint(f["_producer"])) || !isURI(fmt.Sprint(f["_schemaURL"])) {
				return "the facet " + name + " has a producer or schema that is no URI"
			}
		}
	}
	return ""
}

func isURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs()
}

// TestACollectorGetsEveryEventOnceItIsBack has a collector that is away at first and refuses one event for good.
func TestACollectorGetsEveryEventOnceItIsBack(t *testing.T) {
	s := postgres.NewPipelines(open(t))
	someRuns(t, s)
	var got []string
	away := true
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var e struct {
			EventType string
			Job       struct{ Name string }
		}
		switch {
		case away:
			w.WriteHeader(http.StatusServiceUnavailable)
		case lineageFault(b) != "" || json.Unmarshal(b, &e) != nil || e.EventType == "FAIL":
			w.WriteHeader(http.StatusUnprocessableEntity)
		default:
			got = append(got, e.EventType+" "+e.Job.Name)
		}
	}))
	defer collector.Close()
	l := &pipelines.LineageSender{URL: collector.URL, Steps: s, Sink: sinkOf, Client: collector.Client(),
		Now: func() time.Time { return day.Add(time.Hour) }, Log: slog.New(slog.DiscardHandler)}
	if err := l.Send(t.Context()); err == nil {
		t.Error("a collector that is away took everything")
	}
	away = false
	for range 2 { // the second time there is nothing new
		if err := l.Send(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := append(append([]string{}, wantSteps[:4]...), wantSteps[5:]...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if l.Sent.Load() != 6 || l.Refused.Load() != 1 {
		t.Errorf("%d sent and %d refused, want 6 and 1", l.Sent.Load(), l.Refused.Load())
	}
}
