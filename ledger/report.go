package ledger

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
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
	// Fields are the values, in JSON, of the payload's fields that were opened and hold.
	Fields  map[string]json.RawMessage `json:"openedFields,omitempty"`
	Stamped *StampedOut                `json:"timestamp,omitempty"`
	// Certificates are the peers' whose endorsements hold.
	Certificates []CertificateOut `json:"certificates,omitempty"`
}

// CertificateOut is a peer's certificate.
type CertificateOut struct {
	Org       string    `json:"org"`
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Serial    string    `json:"serial"` // hexadecimal
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	SHA256    string    `json:"sha256"` // of the DER, hexadecimal
}

// StampedOut is what a time-stamp token that holds tells.
type StampedOut struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
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
	Twin          *TwinOut  `json:"twin,omitempty"`
}

// TwinOut is the twin's checkpoint that proves the same as the log's, and where on the chain it is.
type TwinOut struct {
	Origin   string `json:"origin"`
	RootHash string `json:"rootHash"`
	Block    uint64 `json:"block"`
	TxID     string `json:"txId"`
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
		r.tellContent(v)
		r.Certificates = v.certificates()
	}
	return r
}

func (r *Report) tellContent(v Verdict) {
	for _, f := range v.Fields {
		if r.Fields == nil {
			r.Fields = map[string]json.RawMessage{}
		}
		value := json.RawMessage(f.Value)
		if !json.Valid(value) { // whoever wrote the record may have committed to anything
			value, _ = json.Marshal(string(f.Value))
		}
		r.Fields[f.Name] = value
	}
	if !v.Stamped.At.IsZero() {
		r.Stamped = &StampedOut{At: v.Stamped.At, By: v.Stamped.By}
	}
}

func (v Verdict) certificates() (out []CertificateOut) {
	for _, s := range v.Signers {
		c, err := x509.ParseCertificate(s.Certificate)
		if err != nil {
			continue // cannot be: it was verified
		}
		sum := sha256.Sum256(s.Certificate)
		out = append(out, CertificateOut{Org: s.MSP, Subject: c.Subject.String(), Issuer: c.Issuer.String(),
			Serial: c.SerialNumber.Text(16), NotBefore: c.NotBefore, NotAfter: c.NotAfter, SHA256: hex.EncodeToString(sum[:])})
	}
	return out
}

// BatchReport is the verdict on a batch for machines and pages. Index and what tells of one record are left out; the
// records are in a list of their own.
type BatchReport struct {
	Report
	First   int64         `json:"first"`
	Leaves  int           `json:"leaves"`
	Records []BatchRecord `json:"records"`
}

// BatchRecord is one proven record of a batch.
type BatchRecord struct {
	Index  int64     `json:"index"`
	Record string    `json:"record"`
	Kind   string    `json:"kind"`
	By     string    `json:"by"`
	To     time.Time `json:"to"`
}

// Report makes the report of a batch's verdict and the error that came with it.
func (v BatchVerdict) Report(err error) BatchReport {
	out := BatchReport{Report: v.Verdict.Report(err), Records: []BatchRecord{}}
	if v.Word != Proven {
		return out
	}
	out.First, out.Leaves = v.First, v.Leaves
	for _, r := range v.Records {
		out.Records = append(out.Records, BatchRecord{r.Index, r.Entry.ID.String(), r.Entry.Kind, r.Entry.Org, r.Entry.To})
	}
	return out
}

func (v Verdict) proof() *Proof {
	e, c := v.Entry, v.Checkpoint
	return &Proof{
		Record: e.ID.String(), Kind: e.Kind, By: e.Org, From: e.From, To: e.To, Count: e.Count, SubjectSeq: e.Seq,
		Origin: c.Origin, Index: v.Index, Size: c.Size, RootHash: hex.EncodeToString(c.Root[:]),
		Channel: v.Chain.Channel, Chaincode: v.Chain.Chaincode, Block: v.Chain.Block, TxID: v.Chain.TxID,
		Organisations: v.Orgs, Twin: v.twin(),
	}
}

func (v Verdict) twin() *TwinOut {
	if v.Twin.Size == 0 {
		return nil
	}
	return &TwinOut{Origin: v.Twin.Origin, RootHash: hex.EncodeToString(v.Twin.Root[:]), Block: v.TwinChain.Block,
		TxID: v.TwinChain.TxID}
}
