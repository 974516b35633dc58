package ledger

import (
	"errors"
	"fmt"
	"slices"
)

// VerifyCase checks a case's file against the policy. It proves that the case has exactly these steps in this order, as
// of the block that the verdict names: none was left out, none was put in, and the order is one that the contract
// allows. The error is nil only if all of it is proven; otherwise it is a *Fault that names the first part at fault.
func VerifyCase(file []byte, policy Policy) (CaseVerdict, error) {
	v := &caseVerification{verification: verification{policy: policy.withDefaults(), verdict: Verdict{Word: CannotEvaluate,
		At: policy.At, NotChecked: []Check{CheckPayload, NotAfterBlock, NotUnrecorded, NotSigningTime, NotRevocation,
			NotChaincodeCode, NotTruth}}}}
	err := v.run(file)
	if err == nil {
		v.verdict.Word = Proven
	}
	v.out.Verdict = v.verdict
	return v.out, err
}

// caseVerification is one run of VerifyCase.
type caseVerification struct {
	verification
	file CaseFile
	out  CaseVerdict
}

// run goes from the organisations' signatures inward, as Verify does.
func (v *caseVerification) run(file []byte) error {
	if err := v.checkPolicy(); err != nil {
		return v.fail(CannotEvaluate, PartPolicy, "", err)
	}
	var err error
	if v.file, err = ParseCaseFile(file); err != nil {
		return err
	}
	v.checked(CheckForm)
	v.receipt = Receipt{Attestation: v.file.Attestation, Checkpoint: v.file.Checkpoint}
	if err := v.walk(append(v.attestationSteps(), v.checkCheckpoint, v.checkLogSignature)); err != nil {
		return err
	}
	return v.walk([]func() error{v.checkCaseAttestation, v.checkSteps, v.checkAttestedSteps, v.checkRefused, v.checkPlaces})
}

// checkCaseAttestation checks the organisations' word on the case, by the policy that the checkpoint's was judged by.
func (v *caseVerification) checkCaseAttestation() error {
	word := newVerification(v.policy)
	word.receipt.Attestation = v.file.CaseAttestation
	err := word.walk([]func() error{word.checkEndorsements, word.checkOrgs, word.checkAnswer})
	if err == nil {
		v.out.Attested, v.out.AsOf, err = word.attestedCase()
	}
	var f *Fault
	if errors.As(err, &f) {
		return v.fail(word.verdict.Word, PartCase, f.Org, fmt.Errorf("%s: %w", f.Part, f.Err))
	}
	if v.out.Attested.Case != v.file.Case {
		return v.fail(Untrusted, PartCase, "", errors.New("what is attested is another case"))
	}
	v.checked(CheckCaseAttested)
	return nil
}

// checkSteps walks the steps: each is an entry of this case, comes later in the log than the one before, and may
// follow in the case's order.
func (v *caseVerification) checkSteps() error {
	state, last := "", int64(-1)
	for i, s := range v.file.Steps {
		e, err := v.entryOf(s)
		if err == nil && s.Index <= last {
			err = errors.New("it is not after the step before it in the log")
		}
		if err == nil {
			state, err = NextState(state, e.Kind)
		}
		if err != nil {
			return v.fail(Untrusted, PartStep, "", fmt.Errorf("no. %d: %w", i+1, err))
		}
		last = s.Index
		v.out.Steps = append(v.out.Steps, CaseStep{Seq: uint64(i + 1), Index: s.Index, Entry: e, State: state})
	}
	v.checked(CheckStepOrder)
	return nil
}

func (v *caseVerification) entryOf(s CaseEntry) (Entry, error) {
	e, err := ParseEntry(s.Entry)
	if err == nil && e.Case != v.file.Case {
		err = errors.New("the entry is not of this case")
	}
	return e, err
}

// checkAttestedSteps checks that the steps are the attested ones: their number, their digest, and where they lead.
func (v *caseVerification) checkAttestedSteps() error {
	var digest CaseDigest
	for i, s := range v.out.Steps {
		digest = digest.Add(Step{Kind: s.Entry.Kind, Record: s.Entry.ID, Leaf: Leaf(v.file.Steps[i].Entry)})
	}
	a, n := v.out.Attested, uint64(len(v.out.Steps))
	var err error
	switch {
	case n < a.Count:
		err = fmt.Errorf("%d of %d steps that the organisations attest are missing", a.Count-n, a.Count)
	case n > a.Count:
		err = fmt.Errorf("the file has %d steps, the organisations attest %d", n, a.Count)
	case digest != a.Digest:
		err = errors.New("the steps are not those that the organisations attest")
	case v.out.Steps[n-1].State != a.State:
		err = fmt.Errorf("the steps lead to %q, the organisations attest %q", v.out.Steps[n-1].State, a.State)
	}
	if err != nil {
		return v.fail(Untrusted, PartCase, "", err)
	}
	v.checked(CheckStepsComplete)
	return nil
}

func (v *caseVerification) checkRefused() error {
	for i, s := range v.file.Refused {
		e, err := v.entryOf(s)
		if err == nil && slices.ContainsFunc(v.out.Steps, func(o CaseStep) bool { return o.Entry.ID == e.ID }) {
			err = errors.New("it is a step of the case")
		}
		if err != nil {
			return v.fail(Untrusted, PartStep, "", fmt.Errorf("refused no. %d: %w", i+1, err))
		}
		v.out.Refused = append(v.out.Refused, CaseStep{Index: s.Index, Entry: e})
	}
	return nil
}

// checkPlaces checks that all the entries are at their places under the attested root.
func (v *caseVerification) checkPlaces() error {
	at, leaves := v.file.Places()
	root, err := RootOf(v.note.Size, at, leaves, v.file.Proof)
	if err == nil && root != v.note.Root {
		err = errors.New("the entries are not at their places under the attested root")
	}
	if err != nil {
		return v.fail(Untrusted, PartInclusion, "", err)
	}
	v.checked(CheckStepsInLog)
	return nil
}
