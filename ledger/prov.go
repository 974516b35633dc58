package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Relations of PROV-O that no record carries by itself: they follow from who acts and from what a record is about.
const (
	Behalf      Relation = "actedOnBehalfOf"
	Associated  Relation = "wasAssociatedWith"
	Specialises Relation = "specializationOf"
)

// NodeKind is what a node of a provenance graph is in PROV-O.
type NodeKind string

// The kinds of nodes.
const (
	EntityNode   NodeKind = "entity"
	ActivityNode NodeKind = "activity"
	AgentNode    NodeKind = "agent"
)

// Node is a thing, an act or an agent. Every record makes two: the act, and the entity that the act left behind, which
// is one state of what the record is about.
type Node struct {
	ID     string // a PROV qualified name, e.g. "plinth:record/3f2a…"
	Kind   NodeKind
	Type   string    // the record's kind, or what the subject is, e.g. "dataset", or "organisation"
	Label  string    // the record's subject, or the name
	Record uuid.UUID // whose receipt proves it; zero for subjects and agents
	From   time.Time // of acts
	To     time.Time
	Count  uint64 // facts that an entity covers
}

// Edge is one relation between two nodes, read as in PROV-O: From wasDerivedFrom To. Record's receipt proves it.
type Edge struct {
	Relation Relation
	From, To string
	Record   uuid.UUID
	At       time.Time
}

// Code is the short code of the receipt that proves the edge.
func (e Edge) Code() string { return ShortCode(e.Record) }

// Graph is a part of the provenance that the logs prove: nodes by ID, edges by relation and ends.
type Graph struct {
	Nodes []Node
	Edges []Edge
	// Cut tells that there is more: records beyond the limits, or inputs that are not sealed or not in the graph.
	Cut bool
}

// NewGraph draws the graph of some records. Their payloads are not looked at. The same records in another order give
// the same graph.
func NewGraph(records []Record) Graph {
	b := graphBuilder{records: map[uuid.UUID]Record{}, nodes: map[string]Node{}, edges: map[Edge]bool{}}
	for _, r := range records {
		b.records[r.ID] = r
	}
	for _, r := range records {
		b.add(r)
	}
	return b.graph()
}

type graphBuilder struct {
	records map[uuid.UUID]Record
	nodes   map[string]Node
	edges   map[Edge]bool
	cut     bool
}

// add draws one record: its act, the entity made, the thing that the entity is a state of, and who acted.
func (b *graphBuilder) add(r Record) {
	entity, act, org, thing := EntityID(r.ID), actID(r.ID), agentID("org", r.Org), SubjectID(r.Subject)
	b.nodes[entity] = Node{ID: entity, Kind: EntityNode, Type: r.Kind, Label: r.Subject, Record: r.ID, Count: r.Count}
	b.nodes[act] = Node{ID: act, Kind: ActivityNode, Type: r.Kind, Label: r.Subject, Record: r.ID, From: r.From.UTC(), To: r.To.UTC()}
	b.nodes[org] = Node{ID: org, Kind: AgentNode, Type: "organisation", Label: r.Org}
	what, _, _ := strings.Cut(r.Subject, ":") // "openlist" is a kind by itself
	b.nodes[thing] = Node{ID: thing, Kind: EntityNode, Type: what, Label: r.Subject}
	b.edge(r, Generated, entity, act)
	b.edge(r, Specialises, entity, thing)
	b.edge(r, Attributed, entity, org)
	b.edge(r, Associated, act, org)
	b.delegate(r, org)
	b.inputs(r, entity, act)
}

// delegate says for whom a device acts.
func (b *graphBuilder) delegate(r Record, org string) {
	device, ok := strings.CutPrefix(r.Subject, DeviceSubject(""))
	if !ok || r.Kind != SegmentKind {
		return
	}
	agent := agentID("sensor", device) // as an agent; as a thing it is plinth:device/…
	b.nodes[agent] = Node{ID: agent, Kind: AgentNode, Type: "device", Label: device}
	b.edge(r, Associated, actID(r.ID), agent)
	b.edge(r, Behalf, agent, org)
}

// inputs draws what the act used, and what the entity made was derived from or put an end to.
func (b *graphBuilder) inputs(r Record, entity, act string) {
	for _, id := range r.Inputs {
		if !b.known(id) {
			continue
		}
		b.edge(r, Used, act, EntityID(id))
		if r.Relation == Derived {
			b.edge(r, Derived, entity, EntityID(id))
		}
	}
	switch {
	case r.Supersedes == uuid.Nil || !b.known(r.Supersedes):
	case r.Relation == Invalidated:
		b.edge(r, Invalidated, EntityID(r.Supersedes), act)
	default:
		b.edge(r, Derived, entity, EntityID(r.Supersedes))
	}
}

func (b *graphBuilder) known(id uuid.UUID) bool {
	_, ok := b.records[id]
	b.cut = b.cut || !ok
	return ok
}

func (b *graphBuilder) edge(r Record, rel Relation, from, to string) {
	b.edges[Edge{Relation: rel, From: from, To: to, Record: r.ID, At: r.To.UTC()}] = true
}

func (b *graphBuilder) graph() Graph {
	g := Graph{Cut: b.cut}
	for _, n := range b.nodes {
		g.Nodes = append(g.Nodes, n)
	}
	for e := range b.edges {
		g.Edges = append(g.Edges, e)
	}
	slices.SortFunc(g.Nodes, func(x, y Node) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(g.Edges, func(x, y Edge) int {
		return cmp.Or(cmp.Compare(x.Relation, y.Relation), cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To),
			cmp.Compare(x.Record.String(), y.Record.String()))
	})
	return g
}

// Pass says that an organisation used what another had made: who passed what to whom.
type Pass struct {
	From, To string    // organisations
	What     uuid.UUID // the record whose entity was passed
	By       uuid.UUID // the record that used it, whose receipt proves the pass
	At       time.Time
}

// Passes are the passes from one organisation to another, in order of time.
func (g Graph) Passes() []Pass {
	owner, record := map[string]string{}, map[string]uuid.UUID{}
	labels := map[string]string{}
	for _, n := range g.Nodes {
		record[n.ID], labels[n.ID] = n.Record, n.Label
	}
	for _, e := range g.Edges {
		if e.Relation == Attributed || e.Relation == Associated && strings.HasPrefix(e.To, "plinth:org/") {
			owner[e.From] = labels[e.To]
		}
	}
	var out []Pass
	for _, e := range g.Edges {
		if from, to := owner[e.To], owner[e.From]; e.Relation == Used && from != to {
			out = append(out, Pass{From: from, To: to, What: record[e.To], By: e.Record, At: e.At})
		}
	}
	slices.SortFunc(out, func(a, b Pass) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.By.String(), b.By.String()), cmp.Compare(a.What.String(), b.What.String()))
	})
	return out
}

// EntityID names the entity that a record's act left behind.
func EntityID(record uuid.UUID) string { return "plinth:record/" + record.String() }

func actID(record uuid.UUID) string { return "plinth:act/" + record.String() }

// SubjectID names what records are about, e.g. "plinth:dataset/ds_1" for the subject "dataset:ds_1".
func SubjectID(subject string) string {
	kind, name, ok := strings.Cut(subject, ":")
	if !ok {
		kind, name = "subject", subject
	}
	return agentID(kind, name)
}

func agentID(kind, name string) string { return "plinth:" + localName(kind) + "/" + localName(name) }

// localName writes a text so that it may stand in a PROV qualified name: what PROV-N does not allow there is percent
// encoded.
func localName(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
