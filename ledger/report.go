package ledger

import (
	"encoding/hex"
	"errors"
	"time"
)

// Report is a verdict for machines and pages: what plinth-verify prints with --json and what a browser gets. Checks
// and parts are given by their names; Say tells them in words.
type Report struct {
	Word       Word      `json:"word"`
	ExitCode   int       `json:"exitCode"`
	Fault      *FaultOut `json:"fault,omitempty"`
	Checked    []Check   `json:"checked"`
	NotChecked []Check   `json:"notChecked"`
	*Proof
	At time.Time `json:"certificatesJudgedAt,omitzero"`
}

// FaultOut is the part at fault.
type FaultOut struct {
	Part   Part   `json:"part,omitempty"`
	Org    string `json:"org,omitempty"`
	Reason string `json:"reason"`
}

// Proof is what is proven: the entry's public side, the checkpoint, and where on the chain it is.
type Proof struct {
	Record        string    `json:"record"`
	Kind          string    `json:"kind"`
	By            string    `json:"by"`
	From          time.Time `json:"from"`
	To            time.Time `json:"to"`
	Count         uint64    `json:"count"`
	SubjectSeq    uint64    `json:"subjectSeq"`
	Origin        string    `json:"origin"`
	Index         int64     `json:"index"`
	Size          int64     `json:"size"`
	RootHash      string    `json:"rootHash"`
	Channel       string    `json:"channel"`
	Chaincode     string    `json:"chaincode"`
	Block         uint64    `json:"block"`
	TxID          string    `json:"txId"`
	Organisations []string  `json:"organisations"`
}

// Report makes the report of a verdict and the error that came with it. It tells of the record only what is proven.
func (v Verdict) Report(err error) Report {
	r := Report{Word: v.Word, ExitCode: v.Word.ExitCode(), Checked: append([]Check{}, v.Checked...),
		NotChecked: append([]Check{}, v.NotChecked...), At: v.At}
	var f *Fault
	if errors.As(err, &f) {
		r.Fault = &FaultOut{Part: f.Part, Org: f.Org, Reason: f.Err.Error()}
	} else if err != nil {
		r.Fault = &FaultOut{Reason: err.Error()}
	}
	if v.Word == Proven || v.Word == ProvenWithData {
		r.Proof = v.proof()
	}
	return r
}

func (v Verdict) proof() *Proof {
	e, c := v.Entry, v.Checkpoint
	return &Proof{
		Record: e.ID.String(), Kind: e.Kind, By: e.Org, From: e.From, To: e.To, Count: e.Count, SubjectSeq: e.Seq,
		Origin: c.Origin, Index: v.Index, Size: c.Size, RootHash: hex.EncodeToString(c.Root[:]),
		Channel: v.Chain.Channel, Chaincode: v.Chain.Chaincode, Block: v.Chain.Block, TxID: v.Chain.TxID,
		Organisations: v.Orgs,
	}
}
