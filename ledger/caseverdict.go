package ledger

import (
	"encoding/hex"
	"time"
)

// What VerifyCase checks beside what Verify does.
const (
	CheckCaseAttested  Check = "case-attested"
	CheckStepOrder     Check = "step-order"
	CheckStepsComplete Check = "steps-complete"
	CheckStepsInLog    Check = "steps-in-log"
)

// What a case file cannot prove.
const (
	NotAfterBlock Check = "after-block"     // what happened in the case after the block that the verdict names
	NotUnrecorded Check = "unrecorded-acts" // that what was done was recorded at all, and as a step of this case
)

// Parts of a case file that can be at fault.
const (
	PartCase Part = "case"
	PartStep Part = "step"
)

// CaseVerdict is what VerifyCase found. What it tells beside the word is proven only if Word says so.
type CaseVerdict struct {
	Verdict
	Attested AttestedCase // how many steps the case has, and where it stands
	AsOf     ChainPlace   // of the newest step: the case is told as of this block
	Steps    []CaseStep   // in their order
	Refused  []CaseStep   // tried and refused by the chain; they are no steps of the case
}

// CaseStep is one entry of a case.
type CaseStep struct {
	Seq   uint64 // from 1; 0 when it was refused
	Index int64  // in the log
	Entry Entry
	State string // of the case after it
}

// CaseReport is a CaseVerdict for machines and pages.
type CaseReport struct {
	Report
	Case *CaseProof `json:"case,omitempty"`
}

// CaseProof is what is proven of a case.
type CaseProof struct {
	Case         string    `json:"case"` // the tag, in hex
	State        string    `json:"state"`
	Count        uint64    `json:"count"`
	AsOfBlock    uint64    `json:"asOfBlock"`
	TxID         string    `json:"txId"` // of the newest step
	Channel      string    `json:"channel"`
	Chaincode    string    `json:"chaincode"`
	Steps        []StepOut `json:"steps"`
	Refused      []StepOut `json:"refused,omitempty"`
	Origin       string    `json:"origin"`
	Size         int64     `json:"size"`
	RootHash     string    `json:"rootHash"`
	Organisation []string  `json:"organisations"`
}

// StepOut is one step.
type StepOut struct {
	Seq    uint64    `json:"seq,omitempty"`
	Kind   string    `json:"kind"`
	Record string    `json:"record"`
	Code   string    `json:"shortCode"`
	Org    string    `json:"org"`
	At     time.Time `json:"at"`
	Index  int64     `json:"index"`
	State  string    `json:"state,omitempty"`
}

// Report makes the report of a verdict and the error that came with it. It tells of the case only what is proven.
func (v CaseVerdict) Report(err error) CaseReport {
	r := v.Verdict.Report(err)
	r.Proof = nil
	out := CaseReport{Report: r}
	if v.Word == Proven {
		out.Case = v.proof()
	}
	return out
}

func (v CaseVerdict) proof() *CaseProof {
	c := v.Checkpoint
	return &CaseProof{Case: v.Attested.Case.String(), State: v.Attested.State, Count: v.Attested.Count, AsOfBlock: v.AsOf.Block,
		TxID: v.AsOf.TxID, Channel: v.AsOf.Channel, Chaincode: v.AsOf.Chaincode, Steps: stepsOut(v.Steps),
		Refused: stepsOut(v.Refused), Origin: c.Origin, Size: c.Size, RootHash: hex.EncodeToString(c.Root[:]), Organisation: v.Orgs}
}

func stepsOut(steps []CaseStep) []StepOut {
	var out []StepOut
	for _, s := range steps {
		e := s.Entry
		out = append(out, StepOut{Seq: s.Seq, Kind: e.Kind, Record: e.ID.String(), Code: ShortCode(e.ID), Org: e.Org, At: e.To,
			Index: s.Index, State: s.State})
	}
	return out
}
