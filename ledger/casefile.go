package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// CaseFile is all that is needed to check years later, without asking anyone, how a case went: the entries of its steps
// in their order, where they are in the log, and the organisations' word on how many steps the case has, which, and
// where it stands. See VerifyCase.
type CaseFile struct {
	Case            Tag
	Checkpoint      []byte      // signed note; all the entries are under it
	Attestation     Attestation // of the checkpoint
	CaseAttestation Attestation // of the case
	Steps           []CaseEntry // as they are on the chain
	// Refused are entries that claim to be steps of the case and that the chain refused, in the order of the log. They
	// show what was tried; the case is as if they had not been.
	Refused []CaseEntry
	Proof   []tlog.Hash // of all the entries' leaves, in the order of the log; see RootOf
}

// CaseEntry is one entry of a case and its place in the log.
type CaseEntry struct {
	Index int64
	Entry []byte
}

// Limits of a case file.
const (
	MaxCaseFile  = 16 << 20
	MaxCaseSteps = 16384 // and as many refused ones, together
)

const caseFileDomain = "plinth-case-file/v1"

// wireCase is the file's CBOR map. Hashes lie one after the other in one byte string.
type wireCase struct {
	Domain          string          `cbor:"1,keyasint"`
	Case            []byte          `cbor:"2,keyasint"`
	Checkpoint      []byte          `cbor:"3,keyasint"`
	Attestation     wireAttestation `cbor:"4,keyasint"`
	CaseAttestation wireAttestation `cbor:"5,keyasint"`
	Steps           []wireCaseEntry `cbor:"6,keyasint"`
	Refused         []wireCaseEntry `cbor:"7,keyasint,omitempty"`
	Proof           []byte          `cbor:"8,keyasint"`
}

type wireCaseEntry struct {
	_     struct{} `cbor:",toarray"`
	Index int64
	Entry []byte
}

// Encode returns the file: deterministic CBOR (RFC 8949 §4.2.1).
func (f CaseFile) Encode() ([]byte, error) {
	w := wireCase{Domain: caseFileDomain, Case: f.Case[:], Checkpoint: f.Checkpoint, Attestation: f.Attestation.wire(),
		CaseAttestation: f.CaseAttestation.wire(), Steps: []wireCaseEntry{}, Proof: joinHashes(f.Proof)}
	for _, s := range f.Steps {
		w.Steps = append(w.Steps, wireCaseEntry{Index: s.Index, Entry: s.Entry})
	}
	for _, s := range f.Refused {
		w.Refused = append(w.Refused, wireCaseEntry{Index: s.Index, Entry: s.Entry})
	}
	b, err := encoding.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("case file: %w", err)
	}
	if len(b) > MaxCaseFile {
		return nil, fmt.Errorf("case file: %d bytes are too many, at most %d are allowed", len(b), MaxCaseFile)
	}
	return b, nil
}

// ParseCaseFile reads a file and refuses any bytes that Encode would not write. What it says is not checked; that is
// VerifyCase.
func ParseCaseFile(b []byte) (CaseFile, error) {
	f, err := parseCaseFile(b)
	if err != nil {
		return CaseFile{}, &Fault{Part: PartFile, Err: err}
	}
	return f, nil
}

func parseCaseFile(b []byte) (f CaseFile, err error) {
	if len(b) > MaxCaseFile {
		return f, fmt.Errorf("%d bytes are too many, at most %d are allowed", len(b), MaxCaseFile)
	}
	var w wireCase
	if err := longEncoding.Unmarshal(b, &w); err != nil {
		return f, err
	}
	switch {
	case w.Domain != caseFileDomain:
		return f, errors.New("not a case file: key 1 must be " + caseFileDomain)
	case len(w.Case) != len(Tag{}) || Tag(w.Case) == Tag{}:
		return f, errors.New("it must name its case by 16 bytes")
	case len(w.Steps) == 0 || len(w.Steps)+len(w.Refused) > MaxCaseSteps:
		return f, fmt.Errorf("it must hold 1 to %d entries", MaxCaseSteps)
	}
	f = CaseFile{Case: Tag(w.Case), Checkpoint: w.Checkpoint, Steps: caseEntries(w.Steps), Refused: caseEntries(w.Refused)}
	if f.Attestation, err = w.Attestation.attestation(); err != nil {
		return f, err
	}
	if f.CaseAttestation, err = w.CaseAttestation.attestation(); err != nil {
		return f, fmt.Errorf("of the case: %w", err)
	}
	f.Proof, err = splitHashes(w.Proof)
	return f, err
}

func caseEntries(ws []wireCaseEntry) (out []CaseEntry) {
	for _, w := range ws {
		out = append(out, CaseEntry{Index: w.Index, Entry: w.Entry})
	}
	return out
}

// Places returns the places of all the file's entries in the log, ascending, and their leaves. Proof is about these.
func (f CaseFile) Places() (at []int64, leaves []tlog.Hash) {
	all := slices.Concat(f.Steps, f.Refused)
	slices.SortStableFunc(all, func(a, b CaseEntry) int { return cmp.Compare(a.Index, b.Index) })
	for _, e := range all {
		at, leaves = append(at, e.Index), append(leaves, Leaf(e.Entry))
	}
	return at, leaves
}
