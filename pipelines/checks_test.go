package pipelines_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"plinth/pipelines"
)

func TestRowsThatBreakAPipelinesRuleAreDeadLettersThatNameIt(t *testing.T) {
	l := newLab(t)
	im, desk := l.importer(), l.desk(t)
	m := desk.Mappings()["events-hotline"]
	d := pipelines.ShippedFiles(desk.Mappings(), "data-bureau")[0]
	d.ID, d.Mapping, d.Sink = m.Name, m.Name, pipelines.ToEvents
	d.Checks = []pipelines.Rule{{Name: "known-class", Standard: "GB/T 30428.2", Field: "class", OneOf: []string{"noise"}}}
	im.Gates = &pipelines.Gates{}
	im.Gates.Set(nil, map[string]*pipelines.Rules{m.Name: pipelines.MustRules(d)})
	run, err := im.Import(t.Context(), strings.NewReader("source_id,at,class,title,text,street,grid,address,longitude,latitude,contact\n"+
		"1,2026-11-24 08:00:00,noise,,,,,,,,\n2,2026-11-24 08:00:00,nosie,,,,,,,,\n"), m, pipelines.ImportOptions{Name: "c.csv", By: "ac_op"})
	if err != nil || run.Stored != 1 || run.Dead != 1 {
		t.Fatalf("run %+v, %v", run, err)
	}
	all, err := l.sink.Letters(t.Context(), pipelines.LetterFilter{Pipeline: m.Name}, 10)
	if err != nil || len(all) != 1 || all[0].Reason != `the rule known-class (GB/T 30428.2) is broken: "nosie" is not in the code list` {
		t.Errorf("letters %+v, %v", all, err)
	}
	im.Gates.Set(map[string]pipelines.Pause{m.Name: {Name: "运维员", Why: "holiday"}}, nil)
	if _, err := im.Import(t.Context(), strings.NewReader(""), m, pipelines.ImportOptions{Name: "d.csv"}); err == nil || !strings.Contains(err.Error(), "holiday") {
		t.Errorf("an import of a paused pipeline: %v", err)
	}
}

func TestRowsByHTTPThatBreakARuleAreRefusedAndDeadLettersOfTheirPipeline(t *testing.T) {
	l := newLab(t)
	d := l.device(t, "wq-1", "water_quality")
	low := 6.0
	declared := pipelines.ShippedStream(d.Kind, "data-bureau")
	declared.Checks = []pipelines.Rule{{Name: "not-acid", Metric: "ph", Min: &low}}
	gates := &pipelines.Gates{}
	gates.Set(nil, map[string]*pipelines.Rules{pipelines.HTTPID: pipelines.MustRules(declared)})
	direct := &pipelines.Direct{Watch: l.watch, Sink: l.sink, Meter: l.meter, Gates: gates, Now: time.Now}
	rows := make([]pipelines.Row, 3)
	for i, ph := range []float64{7, 5, 8} {
		rows[i].Line, rows[i].Raw = i+1, "raw"
		rows[i].Value.Metric, rows[i].Value.At, rows[i].Value.Seq, rows[i].Value.Value = "ph", start, uint64(i+1), ph
	}
	n, refused, err := direct.Take(t.Context(), l.registry.Lookup(t.Context()), d.ID, rows)
	want := pipelines.Refusal{Line: 2, Device: "wq-1", Field: "value", Reason: "the rule not-acid is broken: 5 is below 6"}
	if n != 2 || err != nil || !slices.Equal(refused, []pipelines.Refusal{want}) {
		t.Errorf("stored %d, refused %v, %v; want 2 and %v", n, refused, err, want)
	}
	all, err := l.sink.Letters(t.Context(), pipelines.LetterFilter{Pipeline: pipelines.HTTPID}, 10)
	if err != nil || len(all) != 1 || all[0].Reason != want.Reason || all[0].Device != d.ID {
		t.Errorf("letters %+v, %v", all, err)
	}
}
