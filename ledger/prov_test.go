package ledger_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"plinth/ledger"
)

// story is a dataset registered by one office, granted to another, used, and the grant revoked; and a device's segment
// with one that supersedes it.
func story() []ledger.Record {
	id := func(n byte) uuid.UUID { return uuid.UUID{15: n} }
	at := func(n byte) time.Time { return when.Add(time.Duration(n) * time.Minute) }
	rec := func(n byte, kind, org, subject string, rel ledger.Relation, inputs ...uuid.UUID) ledger.Record {
		return ledger.Record{ID: id(n), Kind: kind, Org: org, Subject: subject, From: at(n), To: at(n), Count: 1, Relation: rel, Inputs: inputs}
	}
	revoked := rec(6, "grant.revoked", "databureau", "grant:gr_1", ledger.Invalidated, id(4))
	revoked.Supersedes = id(4)
	again := rec(8, "device.segment", "environment", "device:wq-7", ledger.Attributed)
	again.Supersedes, again.Count = id(7), 61
	return []ledger.Record{
		rec(1, "registration.registered", "databureau", "dataset:ds_1", ledger.Generated),
		rec(2, "request.created", "civil", "request:rq_1", ledger.Generated, id(1)),
		rec(3, "request.approved", "databureau", "request:rq_1", ledger.Derived, id(2)),
		rec(4, "grant.created", "databureau", "grant:gr_1", ledger.Derived, id(3)),
		rec(5, "decision.permit", "civil", "grant:gr_1", ledger.Used, id(4), id(1)),
		revoked,
		rec(7, "device.segment", "environment", "device:wq-7", ledger.Attributed),
		again,
		rec(9, "openlist.published", "data bureau/é", "openlist", ledger.Generated, id(1), id(99)),
	}
}

func edges(g ledger.Graph, rel ledger.Relation) []string {
	var out []string
	for _, e := range g.Edges {
		if e.Relation == rel {
			out = append(out, short(e.From)+" "+short(e.To))
		}
	}
	return out
}

// short is the last part of a record's name, or the whole name.
func short(id string) string {
	if i := strings.LastIndex(id, "-0000000000"); i > 0 {
		return id[len("plinth:"):strings.Index(id, "/")] + id[i+len("-0000000000"):]
	}
	return id
}

func TestGraphTellsWhoPassedWhatToWhom(t *testing.T) {
	g := ledger.NewGraph(story())
	for rel, want := range map[ledger.Relation][]string{
		ledger.Used:        {"act02 record01", "act03 record02", "act04 record03", "act05 record01", "act05 record04", "act06 record04", "act09 record01"},
		ledger.Derived:     {"record03 record02", "record04 record03", "record08 record07"},
		ledger.Invalidated: {"record04 act06"},
		ledger.Behalf:      {"plinth:sensor/wq-7 plinth:org/environment", "plinth:sensor/wq-7 plinth:org/environment"},
	} {
		if got := edges(g, rel); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", rel, got, want)
		}
	}
	if n := len(edges(g, ledger.Generated)); n != 9 {
		t.Errorf("%d acts made something, want one for each record", n)
	}
	if !g.Cut {
		t.Error("an input that is not there is not told")
	}
	var passes []string
	for _, p := range g.Passes() {
		passes = append(passes, fmt.Sprintf("%s>%s %d", p.From, p.To, p.What[15]))
	}
	if want := []string{"databureau>civil 1", "civil>databureau 2", "databureau>civil 1", "databureau>civil 4", "databureau>data bureau/é 1"}; !slices.Equal(passes, want) {
		t.Errorf("passes %v, want %v", passes, want)
	}
	if g.Edges[0].Code() != ledger.ShortCode(g.Edges[0].Record) {
		t.Error("an edge has not the code of its receipt")
	}
}

func TestGraphIsTheSameInAnyOrder(t *testing.T) {
	rs := story()
	want := ledger.NewGraph(rs)
	slices.Reverse(rs)
	got := ledger.NewGraph(rs)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, form := range []func(ledger.Graph) ([]byte, error){ledger.Graph.PROVJSON, ledger.Graph.OpenLineage} {
		a, err := form(want)
		b, err2 := form(got)
		if err != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("two files of one graph: %v, %v", err, err2)
		}
	}
	if g := ledger.NewGraph(nil); len(g.Nodes) != 0 || g.Cut {
		t.Errorf("of nothing: %+v", g)
	}
}

// provRules are the rules of the PROV-JSON submission for what we write: §3.1 for each relation its required ends and
// optional attributes; §2.2 for names and values.
var provRules = map[string]map[string]string{ // attribute to what it names
	"wasGeneratedBy":    {"prov:entity": "entity", "prov:activity": "activity"},
	"used":              {"prov:activity": "activity", "prov:entity": "entity"},
	"wasDerivedFrom":    {"prov:generatedEntity": "entity", "prov:usedEntity": "entity"},
	"wasAttributedTo":   {"prov:entity": "entity", "prov:agent": "agent"},
	"wasAssociatedWith": {"prov:activity": "activity", "prov:agent": "agent"},
	"actedOnBehalfOf":   {"prov:delegate": "agent", "prov:responsible": "agent"},
	"wasInvalidatedBy":  {"prov:entity": "entity", "prov:activity": "activity"},
	"specializationOf":  {"prov:specificEntity": "entity", "prov:generalEntity": "entity"},
}

// qualifiedName is PROV-N's production for names, without what we never write.
var qualifiedName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*:([A-Za-z0-9_/-]|%[0-9A-F]{2})+$`)

func TestPROVJSONKeepsTheRulesOfTheSubmission(t *testing.T) {
	b, err := ledger.NewGraph(story()).PROVJSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]map[string]json.RawMessage
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	var uri string
	if err := json.Unmarshal(doc["prefix"]["plinth"], &uri); err != nil || uri != ledger.ProvNamespace || len(doc["prefix"]) != 1 {
		t.Errorf("prefixes %v, %v", doc["prefix"], err)
	}
	for kind, members := range doc {
		for id, raw := range members {
			if kind == "prefix" {
				continue
			}
			var attributes map[string]any
			if err := json.Unmarshal(raw, &attributes); err != nil {
				t.Errorf("%s %s is not an object: %v", kind, id, err)
				continue
			}
			checkProv(t, doc, kind, id, attributes)
		}
	}
	if got := slices.Sorted(maps.Keys(doc)); len(got) != len(provRules)+4 {
		t.Errorf("the story does not have every relation: %v", got)
	}
}

func checkProv(t *testing.T, doc map[string]map[string]json.RawMessage, kind, id string, attributes map[string]any) {
	t.Helper()
	ends, relation := provRules[kind]
	switch {
	case relation && !strings.HasPrefix(id, "_:"):
		t.Errorf("%s %s is not a blank name", kind, id)
	case !relation && kind != "entity" && kind != "activity" && kind != "agent":
		t.Errorf("%q is not a part of PROV-JSON", kind)
	case !relation && !qualifiedName.MatchString(id):
		t.Errorf("%s %q is not a qualified name", kind, id)
	}
	for end, names := range ends {
		if target, _ := attributes[end].(string); doc[names][target] == nil {
			t.Errorf("%s %s: %s names no %s: %q", kind, id, end, names, target)
		}
	}
	if code, _ := attributes["plinth:receipt"].(string); relation {
		if _, err := ledger.ParseShortCode(code); err != nil {
			t.Errorf("%s %s has no receipt: %v", kind, id, err)
		}
	}
	for name, value := range attributes {
		if !qualifiedName.MatchString(name) {
			t.Errorf("%s %s: attribute %q is not a qualified name", kind, id, name)
		}
		switch v := value.(type) {
		case string:
			if _, err := time.Parse(time.RFC3339, v); strings.HasSuffix(strings.ToLower(name), "time") && err != nil {
				t.Errorf("%s %s: %s: %v", kind, id, name, err)
			}
		case float64, bool:
		default:
			t.Errorf("%s %s: %s is a %T, which no attribute may be", kind, id, name, value)
		}
	}
}

func TestOpenLineageHasOneRunForEachActWithItsReceipt(t *testing.T) {
	b, err := ledger.NewGraph(story()).OpenLineage()
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		EventType, EventTime, Producer, SchemaURL string
		Run                                       struct {
			RunID  uuid.UUID
			Facets map[string]map[string]string
		}
		Job             struct{ Namespace, Name string }
		Inputs, Outputs []struct{ Namespace, Name string }
	}
	if err := json.Unmarshal(b, &events); err != nil || len(events) != len(story()) {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for _, e := range events {
		f := e.Run.Facets["plinth_receipt"]
		if e.EventType != "COMPLETE" || e.Producer == "" || e.SchemaURL == "" || len(e.Outputs) != 1 || e.Job.Name == "" || e.Job.Namespace == "plinth/" {
			t.Errorf("%+v", e)
		}
		if f["receipt"] != ledger.ShortCode(e.Run.RunID) || f["_producer"] == "" || f["_schemaURL"] == "" {
			t.Errorf("run %s: facet %v", e.Run.RunID, f)
		}
	}
	if e := events[4]; e.Job.Name != "decision.permit" || len(e.Inputs) != 2 || !strings.HasPrefix(e.Inputs[0].Name, "dataset:ds_1@") {
		t.Errorf("the use: %+v", e)
	}
}
