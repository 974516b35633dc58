package pack_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/detect"
	"plinth/sensors/pack"
)

const good = `kind: gate
version: "1"
name: {zh: 闸门, en: Gate}
class: 农村农业/水利水电/防汛抗旱
interval: 30s
metrics:
  - {name: level, title: {zh: 水位, en: Level}, unit: m, min: -2, max: 8, rate: 0.1}
limits:
  - {metric: level, above: 3.2, title: {zh: 警戒水位, en: Warning level}, source: 上海市防汛条例}
rules:
  - name: high
    title: {zh: 水位过高, en: Level too high}
    detector: threshold
    metrics: [level]
    params: {notice: {above: 3.2}, urgent: {above: 4}, hold: 5m}
    text: {zh: "{device}水位 {value} m，超过 {limit} m。", en: "{device}: {value} m, above {limit} m."}
    texts:
      urgent: {zh: "{device}水位 {value} m，危险！{nothing}", en: "{device}: {value} m, danger! {nothing}"}
    dispatch:
      notice: {unit: owner, within: 4h}
      urgent: {unit: street, within: 10m}
    unless: {permit: water_gate}
`

func gate() *sensors.Device {
	return &sensors.Device{ID: "gate-1", Kind: "gate", Owner: "ecology", Street: "taopu", Name: sensors.Text{ZH: "一号闸", EN: "Gate 1"},
		Interval: time.Minute, Metrics: []sensors.Metric{{Name: "level", Unit: "m"}}}
}

func TestAFileIsANewKindWithoutCode(t *testing.T) {
	p, err := pack.Parse("gate.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	r, d := &p.Rules[0], gate()
	w, err := r.Watch(d)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	at := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	for i := range 20 {
		level := 3.5
		if i >= 10 {
			level = 4.5
		}
		v, changed := w.Observe(detect.Sample{At: at.Add(time.Duration(i) * time.Minute), Seq: uint64(i), Value: level})
		if changed {
			unit, within := r.Answers(d, v.Grade)
			got = append(got, v.Grade.String(), r.Says(d, v).ZH, string(unit), within.String())
		}
	}
	want := []string{"notice", "一号闸水位 3.5 m，超过 3.2 m。", "ecology", "4h0m0s", "urgent", "一号闸水位 4.5 m，危险！–", "taopu", "10m0s"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if r.Applies(&sensors.Device{Metrics: []sensors.Metric{{Name: "flow"}}}) {
		t.Error("a rule applies to a device without its metric")
	}
}

// TestFaultsAreNamedByLineAndField spoils a good pack in one place each.
func TestFaultsAreNamedByLineAndField(t *testing.T) {
	for name, tt := range map[string]struct {
		old, new string
		line     int
		field    string
	}{
		"unknown key":          {"class:", "klass:", 4, "klass"},
		"a key twice":          {"class: 农", "kind: 农", 4, "kind"},
		"a wrong type":         {"max: 8", "max: high", 7, "metrics[0].rate"},
		"a bad kind":           {"kind: gate", "kind: Gate", 1, "kind"},
		"no version":           {`version: "1"`, `version: ""`, 2, "version"},
		"one language":         {"name: {zh: 闸门, en: Gate}", "name: {zh: 闸门}", 3, "name.en"},
		"a range upside down":  {"min: -2", "min: 20", 7, "metrics[0].max"},
		"no unit":              {"unit: m,", `unit: "",`, 7, "metrics[0].unit"},
		"an unknown metric":    {"{metric: level,", "{metric: flow,", 9, "limits[0].metric"},
		"no source":            {"source: 上海市防汛条例", `source: " "`, 9, "limits[0].source"},
		"an unknown detector":  {"detector: threshold", "detector: oracle", 13, "rules[0].detector"},
		"a rule's metric":      {"metrics: [level]", "metrics: [flow]", 14, "rules[0].metrics[0]"},
		"an unknown parameter": {"hold: 5m", "holt: 5m", 15, "rules[0].params.holt"},
		"a deeper one":         {"urgent: {above: 4}", "urgent: {abov: 4}", 15, "rules[0].params.urgent.abov"},
		"a parameter's type":   {"hold: 5m", "hold: soon", 15, "rules[0].params.hold"},
		"a parameter refused":  {"hold: 5m", "hold: -5m", 15, "rules[0].params.hold"},
		"an open brace":        {`en: "{device}: {value} m, above {limit} m."`, `en: "{device: {value} m"`, 16, "rules[0].text.en"},
		"an unknown grade":     {"      urgent: {zh", "      purple: {zh", 18, "rules[0].texts.purple"},
		"a unit's name":        {"unit: street", `unit: "the street"`, 21, "rules[0].dispatch.urgent.unit"},
		"a time to respond":    {"within: 10m", "within: -10m", 21, "rules[0].dispatch.urgent.within"},
		"an anchor":            {"class: 农", "class: &a 农", 4, "class"},
		"a second document":    {"    unless: {permit: water_gate}", "---\nkind: b", 0, ""},
		"no YAML":              {"kind: gate", "kind: [gate", 1, ""},
	} {
		spoilt := strings.Replace(good, tt.old, tt.new, 1)
		if spoilt == good {
			t.Fatalf("%s: nothing was spoilt", name)
		}
		_, err := pack.Parse("gate.yaml", []byte(spoilt))
		var faults pack.Faults
		if !errors.As(err, &faults) || !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f := faults[0]; len(faults) != 1 || f.Line != tt.line || f.Field != tt.field || f.File != "gate.yaml" || f.Text == "" {
			t.Errorf("%s: got %d faults\n%v\nwant line %d, field %s", name, len(faults), faults, tt.line, tt.field)
		}
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	spoilt := strings.NewReplacer("kind: gate", "kind: Gate", "unit: m,", `unit: "",`, "hold: 5m", "hold: -5m", "within: 4h", "within: -4h").Replace(good)
	_, err := pack.Parse("gate.yaml", []byte(spoilt))
	var faults pack.Faults
	if !errors.As(err, &faults) || len(faults) != 4 {
		t.Errorf("%v, want four faults", err)
	}
}

func TestAFolderAddsPacksAndTakesThePlaceOfTheBuiltIn(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("gate.yaml", good)
	write("my-lift.yaml", strings.Replace(good, "kind: gate", "kind: lift", 1))
	s, err := pack.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p := s.Of("lift"); p == nil || p.Origin != "my-lift.yaml" {
		t.Errorf("lift is %+v", p)
	}
	if p := s.Of("gate"); p == nil || len(s.All()) != 7 {
		t.Errorf("gate is %+v, %d packs", p, len(s.All()))
	}
	write("again.yaml", good)
	write("bad.yaml", "kind: [")
	_, err = pack.Load(dir)
	var faults pack.Faults
	if !errors.As(err, &faults) || len(faults) != 2 {
		t.Errorf("two faults of two files are %v", err)
	}
	if _, err := pack.Load(filepath.Join(dir, "nowhere")); err != nil {
		t.Errorf("no folder: %v", err)
	}
}

// FuzzParse checks that a pack is refused with places or can be used.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("kind: a\nrules: [{params: {a: 1}, texts: {notice: 1}}]"))
	f.Add([]byte("? {a: b}\n: c"))
	f.Add([]byte("rules: {a: b}\nmetrics: 3"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := pack.Parse("x.yaml", data)
		if err != nil {
			var faults pack.Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("refused without a fault: %v", err)
			}
			return
		}
		d := &sensors.Device{ID: "any", Kind: p.Kind, Owner: "x", Interval: time.Minute, Metrics: p.Known().Metrics}
		for i := range p.Rules {
			if _, err := p.Rules[i].Watch(d); err != nil {
				t.Fatalf("an accepted rule cannot be used: %v", err)
			}
		}
	})
}
