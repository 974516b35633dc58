// Package analytics says what the data says: events and the incidents they are fused into, counts by day and class, and
// hot words. It decides and explains; it stores nothing itself and knows no database.
package analytics

import (
	"time"

	"plinth"
)

// Event is what fusion and trends see of an event. Who reported it is not among it: a contact must not decide anything.
type Event struct {
	Source    string // "hotline", "grid", "camera", "sensor", "open311", or an import's source
	SourceID  string
	At        time.Time
	Class     string
	Title     string
	Text      string
	Street    string
	Grid      string
	Address   string
	Longitude float64 // 0, 0 when nobody placed it
	Latitude  float64
	RX        time.Time // when the store received it
}

// ID names the event in the whole house.
func (e Event) ID() string { return e.Source + "/" + e.SourceID }

// Located tells whether the event has coordinates.
func (e Event) Located() bool { return e.Longitude != 0 || e.Latitude != 0 }

// Weight is one term of an explanation, in log2 odds (Fellegi and Sunter, 1969).
type Weight struct {
	Feature  string  `json:"f"` // time, place, class, text, address
	Observed string  `json:"o"` // what was compared, e.g. "112 m"
	Weight   float64 `json:"w"`
}

// Op is what a step of the fusion log does.
type Op string

// The steps. Corrections by people will add their own; none will ever change an earlier step.
const (
	Open   Op = "open"   // an event begins an incident
	Attach Op = "attach" // an event joins one
)

// Step is one entry of the append-only fusion log. Incidents are the fold of the steps in order of N.
type Step struct {
	N        uint64
	At       time.Time // when it was decided
	Op       Op
	Incident plinth.IncidentID
	Event    Event
	Score    float64 // sum of the weights and the prior, log2 odds; for Open, the best that was refused
	Weights  []Weight
	Table    string // version of the weights that decided
}

// Incident is what the steps of one incident add up to.
type Incident struct {
	ID        plinth.IncidentID
	Title     string
	Class     string
	Street    string
	Grid      string
	Longitude float64
	Latitude  float64
	FirstAt   time.Time
	LastAt    time.Time
	Size      int
	Sources   map[string]int
}

// Member is an event of an incident with the reason that it belongs.
type Member struct {
	Event   Event
	Op      Op
	Score   float64
	Weights []Weight
}

// State is "open" while more reports of an incident may be expected, then "closed".
func (i Incident) State(now time.Time) string {
	if now.Sub(i.LastAt) > horizonOf(i.Class) {
		return "closed"
	}
	return "open"
}
