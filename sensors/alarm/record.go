package alarm

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// record makes the ledger record of a step of a's life. The store adds the segments that hold the rows as its inputs.
func record(a *Alarm, action string, org plinth.AgentID, at time.Time, note string) ledger.Record {
	id, err := uuid.NewV7()
	if err != nil {
		panic("alarm: no randomness: " + err.Error())
	}
	r := ledger.Record{ID: id, Origin: ledger.Authz, Kind: "alarm." + action, Org: string(org), Subject: "alarm:" + string(a.ID),
		From: at, To: at, Count: 1, Payload: a.fact(action, note), Relation: ledger.Generated}
	if a.Record != uuid.Nil {
		r.Relation, r.Supersedes = ledger.Derived, a.Record
	}
	return r
}

// Record makes the evidence of a decision told at a moment. before is the alarm's newest record, zero when there is none.
func (d *Decision) Record(at time.Time, before uuid.UUID) ledger.Record {
	a := d.Alarm
	a.Record = before
	return record(&a, string(d.Op), a.Owner, at, d.Note)
}

// fact is what the evidence of a step commits to: what was decided, by which rows and which version of the rule.
func (a *Alarm) fact(action, note string) []byte {
	b, err := json.Marshal(struct {
		ID                               ID
		Action, Device, Rule, Pack, Unit string
		Grade                            Grade
		Since                            time.Time
		Rows                             []Row
		Facts                            map[string]string
		Outcome                          Outcome
		Note                             string
	}{a.ID, action, string(a.Device), a.Rule, a.Pack, string(a.Unit), a.Grade, a.Since.UTC(), a.Rows, a.Facts, a.Outcome, note})
	if err != nil {
		panic("alarm: " + err.Error()) // strings, numbers and times only
	}
	return b
}

// permitRecord makes the evidence that a permit was put on record.
func permitRecord(p Permit, org plinth.AgentID, at time.Time) ledger.Record {
	id, err := uuid.NewV7()
	if err != nil {
		panic("alarm: no randomness: " + err.Error())
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic("alarm: " + err.Error())
	}
	return ledger.Record{ID: id, Origin: ledger.Authz, Kind: "permit.put", Org: string(org), Subject: "permit:" + tag("permit", p.ID),
		From: at, To: at, Count: 1, Payload: b, Relation: ledger.Generated}
}
