package pipelines_test

import (
	"strings"
	"testing"

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
