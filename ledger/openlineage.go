package ledger

import (
	"encoding/json"
	"fmt"
)

// OpenLineage events are one per act: the job is the kind of act, the run is the record, inputs and outputs are the
// entities used and made. The receipt rides in a custom facet of the run, as the specification allows (names with the
// producer's prefix).

const (
	lineageProducer = "urn:plinth:ledger"
	lineageSchema   = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
	receiptSchema   = "urn:plinth:receipt-facet:1"
)

type lineageEvent struct {
	EventType string        `json:"eventType"`
	EventTime string        `json:"eventTime"`
	Producer  string        `json:"producer"`
	SchemaURL string        `json:"schemaURL"`
	Run       lineageRun    `json:"run"`
	Job       lineageName   `json:"job"`
	Inputs    []lineageName `json:"inputs"`
	Outputs   []lineageName `json:"outputs"`
}

type lineageName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type lineageRun struct {
	RunID  string                    `json:"runId"`
	Facets map[string]lineageReceipt `json:"facets"`
}

type lineageReceipt struct {
	Producer  string `json:"_producer"`
	SchemaURL string `json:"_schemaURL"`
	Receipt   string `json:"receipt"`
	Record    string `json:"record"`
}

// OpenLineage returns the graph's acts as a JSON array of OpenLineage run events, in order of the acts' names.
func (g Graph) OpenLineage() ([]byte, error) {
	labels := map[string]Node{}
	for _, n := range g.Nodes {
		labels[n.ID] = n
	}
	used, made, by := map[string][]lineageName{}, map[string][]lineageName{}, map[string]string{}
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
	events := []lineageEvent{}
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
func lineageEntity(n Node) lineageName {
	return lineageName{Namespace: "plinth", Name: n.Label + "@" + n.Record.String()}
}

func (n Node) lineage(org string, used, made []lineageName) lineageEvent {
	return lineageEvent{EventType: "COMPLETE", EventTime: instant(n.To), Producer: lineageProducer, SchemaURL: lineageSchema,
		Run: lineageRun{RunID: n.Record.String(), Facets: map[string]lineageReceipt{"plinth_receipt": {
			Producer: lineageProducer, SchemaURL: receiptSchema, Receipt: ShortCode(n.Record), Record: n.Record.String()}}},
		Job: lineageName{Namespace: "plinth/" + org, Name: n.Type}, Inputs: append([]lineageName{}, used...), Outputs: append([]lineageName{}, made...)}
}
