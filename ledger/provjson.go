package ledger

import (
	"encoding/json"
	"fmt"
	"time"
)

// ProvNamespace is what the prefix plinth stands for in exported graphs.
const ProvNamespace = "urn:plinth:"

// provEnds are the names of a relation's ends in PROV-JSON, and of those that may carry a time.
var provEnds = map[Relation]struct {
	from, to string
	timed    bool
}{
	Generated:   {"prov:entity", "prov:activity", true},
	Used:        {"prov:activity", "prov:entity", true},
	Derived:     {"prov:generatedEntity", "prov:usedEntity", false},
	Attributed:  {"prov:entity", "prov:agent", false},
	Associated:  {"prov:activity", "prov:agent", false},
	Behalf:      {"prov:delegate", "prov:responsible", false},
	Invalidated: {"prov:entity", "prov:activity", true},
	Specialises: {"prov:specificEntity", "prov:generalEntity", false},
}

// PROVJSON returns the graph in PROV-JSON (W3C Member Submission of 24 April 2013). Every relation carries the record
// that proves it and its receipt's short code as plinth:record and plinth:receipt. The same graph gives the same bytes.
func (g Graph) PROVJSON() ([]byte, error) {
	doc := map[string]map[string]any{"prefix": {"plinth": ProvNamespace}}
	put := func(kind, id string, attributes any) {
		if doc[kind] == nil {
			doc[kind] = map[string]any{}
		}
		doc[kind][id] = attributes
	}
	for _, n := range g.Nodes {
		put(string(n.Kind), n.ID, n.prov())
	}
	for i, e := range g.Edges {
		put(string(e.Relation), fmt.Sprintf("_:r%d", i+1), e.prov())
	}
	b, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		return nil, fmt.Errorf("prov-json: %w", err)
	}
	return append(b, '\n'), nil
}

func (n Node) prov() map[string]any {
	out := map[string]any{"prov:type": n.Type, "prov:label": n.Label}
	if n.Kind == ActivityNode {
		out["prov:startTime"], out["prov:endTime"] = instant(n.From), instant(n.To)
	}
	if n.Kind == EntityNode && n.Count > 0 {
		out["plinth:count"] = n.Count
	}
	if n.Record != [16]byte{} {
		out["plinth:record"], out["plinth:receipt"] = n.Record.String(), ShortCode(n.Record)
	}
	return out
}

func (e Edge) prov() map[string]any {
	ends := provEnds[e.Relation]
	out := map[string]any{ends.from: e.From, ends.to: e.To, "plinth:record": e.Record.String(), "plinth:receipt": e.Code()}
	if ends.timed {
		out["prov:time"] = instant(e.At)
	}
	return out
}

// instant writes a time as an xsd:dateTime.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
