package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// OpenLineage events are one per act: the job is the kind of act, the run is the record, inputs and outputs are the
// entities used and made. The receipt rides in a custom facet of the run, as the specification allows (names with the
// producer's prefix).

const (
	lineageProducer = "urn:plinth:ledger"
	lineageSchema   = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
	receiptSchema   = "urn:plinth:receipt-facet:1"
)

// RunEvent is an OpenLineage run event (specification 2-0-2): that a run began, or how it ended.
type RunEvent struct {
	EventType string     `json:"eventType"` // START, COMPLETE, FAIL or ABORT
	EventTime string     `json:"eventTime"` // RFC 3339
	Producer  string     `json:"producer"`
	SchemaURL string     `json:"schemaURL"`
	Run       LineageRun `json:"run"`
	Job       LineageJob `json:"job"`
	Inputs    []Dataset  `json:"inputs"`
	Outputs   []Dataset  `json:"outputs"`
}

// LineageRun is one run; its id is a UUID.
type LineageRun struct {
	RunID  string         `json:"runId"`
	Facets map[string]any `json:"facets"`
}

// LineageJob is what is run.
type LineageJob struct {
	Namespace string         `json:"namespace"`
	Name      string         `json:"name"`
	Facets    map[string]any `json:"facets,omitempty"`
}

// Dataset is what a run reads or writes.
type Dataset struct {
	Namespace    string         `json:"namespace"`
	Name         string         `json:"name"`
	Facets       map[string]any `json:"facets,omitempty"`
	InputFacets  map[string]any `json:"inputFacets,omitempty"`
	OutputFacets map[string]any `json:"outputFacets,omitempty"`
}

// Facet is what every facet begins with; others embed it.
type Facet struct {
	Producer  string `json:"_producer"`
	SchemaURL string `json:"_schemaURL"`
}

// NewFacet begins a facet of a schema.
func NewFacet(schema string) Facet { return Facet{lineageProducer, schema} }

// NewRunEvent begins the event of a run at a moment.
func NewRunEvent(kind string, at time.Time, run uuid.UUID, job LineageJob) RunEvent {
	return RunEvent{EventType: kind, EventTime: instant(at), Producer: lineageProducer, SchemaURL: lineageSchema,
		Run: LineageRun{RunID: run.String(), Facets: map[string]any{}}, Job: job, Inputs: []Dataset{}, Outputs: []Dataset{}}
}

type lineageReceipt struct {
	Facet
	Receipt string `json:"receipt"`
	Record  string `json:"record"`
}

// Attest adds the facet that names the record of a run and the short code of its receipt.
func (e *RunEvent) Attest(record uuid.UUID) {
	e.Run.Facets["plinth_receipt"] = lineageReceipt{NewFacet(receiptSchema), ShortCode(record), record.String()}
}

// OpenLineage returns the graph's acts as a JSON array of OpenLineage run events, in order of the acts' names.
func (g Graph) OpenLineage() ([]byte, error) {
	labels := map[string]Node{}
	for _, n := range g.Nodes {
		labels[n.ID] = n
	}
	used, made, by := map[string][]Dataset{}, map[string][]Dataset{}, map[string]string{}
	for _, e := range g.Edges {
		switch e.Relation {
		case Used:
			used[e.From] = append(used[e.From], lineageEntity(labels[e.To]))
		case Generated:
			made[e.To] = append(made[e.To], lineageEntity(labels[e.From]))
		case Associated:
			if n := labels[e.To]; n.Type == "organisation" {
				by[e.From] = n.Label
			}
		}
	}
	events := []RunEvent{}
	for _, n := range g.Nodes {
		if n.Kind == ActivityNode {
			events = append(events, n.lineage(by[n.ID], used[n.ID], made[n.ID]))
		}
	}
	b, err := json.MarshalIndent(events, "", " ")
	if err != nil {
		return nil, fmt.Errorf("openlineage: %w", err)
	}
	return append(b, '\n'), nil
}

// lineageEntity names a state of a thing by the thing and the record that left it.
func lineageEntity(n Node) Dataset {
	return Dataset{Namespace: "plinth", Name: n.Label + "@" + n.Record.String()}
}

func (n Node) lineage(org string, used, made []Dataset) RunEvent {
	e := NewRunEvent("COMPLETE", n.To, n.Record, LineageJob{Namespace: "plinth/" + org, Name: n.Type})
	e.Attest(n.Record)
	e.Inputs, e.Outputs = append(e.Inputs, used...), append(e.Outputs, made...)
	return e
}
