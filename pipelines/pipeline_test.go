package pipelines_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/pipelines"
	"plinth/sensors"
)

const declared = `id: pull-311
title: {zh: 市民诉求接口, en: Open311 requests}
kind: pull
source:
  url: https://example.org/open311/v2/requests.json
  format: open311
  cursor: start_date
  every: 10m
mapping: open311
sink: events
owner: data-bureau
checks:
  - {name: known-class, standard: GB/T 30428.2, field: class, one_of: [pothole, noise]}
  - name: in-district
    field: longitude
    min: 121.3
    max: 121.5
`

func TestADeclarationIsReadAndWrittenAsTheSame(t *testing.T) {
	d, err := pipelines.ParseDeclaration([]byte(declared))
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != "pull-311" || d.Source.Interval() != 10*time.Minute || len(d.Checks) != 2 || *d.Checks[1].Max != 121.5 {
		t.Errorf("read %+v", d)
	}
	again, err := pipelines.ParseDeclaration([]byte(d.YAML()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, again); diff != "" {
		t.Errorf("written and read again (-was +is):\n%s", diff)
	}
}

func TestAFaultOfADeclarationNamesFieldAndLine(t *testing.T) {
	for name, tt := range map[string]struct{ from, to, field, text string }{
		"id":             {"id: pull-311", "id: Pull 311", "id", "line 1:"},
		"missing owner":  {"owner: data-bureau\n", "", "owner", "line 1:"},
		"scheme":         {"https://", "ftp://", "source.url", "line 5:"},
		"password":       {"https://", "https://me:secret@", "source.url", "line 5:"},
		"interval":       {"every: 10m", "every: soon", "source.every", "line 8:"},
		"foreign field":  {"format: open311", "format: open311\n  folder: inbox", "source", "line 4:"},
		"unknown field":  {"format: open311", "formt: open311", "yaml", "line 6:"},
		"sink":           {"sink: events", "sink: nowhere", "sink", "line 10:"},
		"kind":           {"kind: pull", "kind: push", "kind", "line 3:"},
		"rule's field":   {"field: longitude", "field: altitude", "checks[1].field", "line 15:"},
		"rule's limits":  {"max: 121.5", "max: 120", "checks[1].max", "line 17:"},
		"rule of none":   {", one_of: [pothole, noise]", "", "checks[0].name", "line 13:"},
		"rule twice":     {"name: in-district", "name: known-class", "checks[1].name", "line 14:"},
		"no YAML":        {"id: pull-311", "id: [", "yaml", "line"},
		"two documents":  {"id: pull-311", "id: a\n---\nid: pull-311", "yaml", "one pipeline"},
		"wrong type":     {"min: 121.3", "min: west", "yaml", "line 16:"},
		"without titles": {"{zh: 市民诉求接口, en: Open311 requests}", "{zh: 市民诉求接口}", "title", "line 2:"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(declared, tt.from) {
				t.Fatalf("the case replaces nothing")
			}
			_, err := pipelines.ParseDeclaration([]byte(strings.Replace(declared, tt.from, tt.to, 1)))
			var e *plinth.Error
			if !errors.As(err, &e) || !errors.Is(err, plinth.ErrInvalid) {
				t.Fatalf("error %v", err)
			}
			if e.Field != tt.field || !strings.Contains(e.Text, tt.text) {
				t.Errorf("field %q, %q; want %q, %q", e.Field, e.Text, tt.field, tt.text)
			}
		})
	}
}

func TestAWatchedFolderStaysUnderTheData(t *testing.T) {
	for _, folder := range []string{"", "/etc", "..", "../other", "a/../../b", "a//b", "a/"} {
		d := pipelines.Declaration{ID: "w", Title: pipelines.Label{ZH: "看", EN: "watch"}, Kind: pipelines.WatchPipeline, Mapping: "m",
			Source: pipelines.Intake{Folder: folder, Every: "30s"}, Sink: pipelines.ToEvents, Owner: "data-bureau"}
		var e *plinth.Error
		if err := d.Validate(); !errors.As(err, &e) || e.Field != "source.folder" {
			t.Errorf("folder %q: %v", folder, err)
		}
	}
}

func FuzzParseDeclaration(f *testing.F) {
	f.Add([]byte(declared))
	f.Add([]byte("id: lift\nkind: stream\nsource: {domain: lift}\n"))
	f.Add([]byte("checks: [{}, {name: x, pattern: '('}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := pipelines.ParseDeclaration(data)
		if err != nil {
			return
		}
		again, err := pipelines.ParseDeclaration([]byte(d.YAML()))
		if err != nil || !cmp.Equal(d.YAML(), again.YAML()) {
			t.Errorf("written and read again: %v\n%s", err, d.YAML())
		}
	})
}

func TestARuleNamesItselfWhenItIsBroken(t *testing.T) {
	low, high := 6.0, 9.0
	checks := []pipelines.Rule{
		{Name: "ph-class-3", Standard: "GB 3838-2002", Metric: "ph", Min: &low, Max: &high},
		{Name: "ph-unit", Metric: "ph", Unit: "[pH]"},
		{Name: "known-metrics", Field: "metric", OneOf: []string{"ph", "do"}},
	}
	d := pipelines.ShippedStream("water_quality", "data-bureau")
	d.Checks = checks
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	rules := pipelines.MustRules(d)
	station := &sensors.Device{ID: "wq-1", Metrics: []sensors.Metric{{Name: "ph", Unit: "[pH]"}, {Name: "do", Unit: "mg/L"}, {Name: "tp", Unit: "mg/L"}}}
	for _, tt := range []struct {
		r      sensors.Reading
		field  string
		reason string
	}{
		{sensors.Reading{Metric: "ph", Value: 7}, "", ""},
		{sensors.Reading{Metric: "do", Value: 70}, "", ""},
		{sensors.Reading{Metric: "ph", Value: 5.9}, "value", "the rule ph-class-3 (GB 3838-2002) is broken: 5.9 is below 6"},
		{sensors.Reading{Metric: "ph", Value: 9.5}, "value", "the rule ph-class-3 (GB 3838-2002) is broken: 9.5 is above 9"},
		{sensors.Reading{Metric: "tp", Value: 1}, "metric", `the rule known-metrics is broken: "tp" is not in the code list`},
	} {
		f := rules.Reading(station, &tt.r)
		switch {
		case f == nil && tt.reason != "":
			t.Errorf("%v passes, want %q", tt.r, tt.reason)
		case f != nil && (f.Reason != tt.reason || f.Field != tt.field):
			t.Errorf("%v: %q %q, want %q %q", tt.r, f.Field, f.Reason, tt.field, tt.reason)
		}
	}
	acid := &sensors.Device{ID: "wq-2", Metrics: []sensors.Metric{{Name: "ph", Unit: "1"}}}
	if f := rules.Reading(acid, &sensors.Reading{Metric: "ph", Value: 7}); f == nil || !strings.Contains(f.Reason, "ph-unit") {
		t.Errorf("another unit: %v", f)
	}
}
