package ledger

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Names in the deployment that a policy expects when it says nothing else.
const (
	DefaultChannel   = "evidence"
	DefaultChaincode = "anchor"
)

// Policy is what the verifier trusts and asks for. It comes from the verifier, never from the receipt.
type Policy struct {
	Roots     map[string][]*x509.Certificate // by MSP id: the organisations' root certificates
	Orgs      []string                       // whose endorsement is required; empty: every one with a root
	LogKeys   []string                       // the logs' keys, as LogKey writes them; without: not checked
	Channel   string                         // empty: DefaultChannel
	Chaincode string                         // empty: DefaultChaincode
	At        time.Time                      // when the certificates must be valid, unless a time-stamp tells; required
	Hash      Hash                           // by which of a log's two trees receipts are judged
	Payload   []byte                         // when not nil, the payload that the record must be of

	Certificates   [][]byte            // DER: the peers' certificates that receipts refer to by hash; they need no trust
	TimestampRoots []*x509.Certificate // of time-stamp authorities; without any, time-stamps are not believed
}

// Verify checks a receipt's file against the policy. The error is nil only if the record is proven; otherwise it is a
// *Fault that names the first part at fault, and the verdict says what had been checked by then.
func Verify(receipt []byte, policy Policy) (Verdict, error) {
	v := newVerification(policy)
	v.twins = true
	err := v.run(receipt)
	return v.conclude(err), err
}

func newVerification(p Policy) *verification {
	return &verification{policy: p.withDefaults(), verdict: Verdict{
		Word: CannotEvaluate,
		At:   p.At,
		NotChecked: []Check{NotSigningTime, NotRevocation, NotChaincodeCode, NotCompleteness, NotLaterStatus,
			NotTruth},
	}}
}

// conclude finds the word of a verification that ended with err.
func (v *verification) conclude(err error) Verdict {
	if err == nil {
		v.verdict.Word = Proven
		if slices.Contains(v.verdict.Checked, CheckPayload) {
			v.verdict.Word = ProvenWithData
		}
	}
	return v.verdict
}

func (p Policy) withDefaults() Policy {
	if p.Channel == "" {
		p.Channel = DefaultChannel
	}
	if p.Chaincode == "" {
		p.Chaincode = DefaultChaincode
	}
	if len(p.Orgs) == 0 {
		p.Orgs = slices.Sorted(maps.Keys(p.Roots))
	}
	return p
}

// verification is one run of Verify: what is known so far, and the verdict that grows with it.
type verification struct {
	policy  Policy
	keys    []trustedKey
	receipt Receipt
	answer  answer
	value   AttestedCheckpoint
	note    signedCheckpoint
	token   token
	twins   bool // whether this form of evidence can carry a twin
	verdict Verdict
}

// VerifyAttestation checks one attestation alone: that the policy's organisations attest the checkpoint. The sequencer
// releases a receipt only after this, with the same code that an auditor will run.
func VerifyAttestation(a Attestation, of Checkpoint, policy Policy) (ChainPlace, error) {
	v := newVerification(policy)
	v.receipt.Attestation = a
	if err := v.checkPolicy(); err != nil {
		return ChainPlace{}, v.fail(CannotEvaluate, PartPolicy, "", err)
	}
	if err := v.walk(v.attestationSteps()); err != nil {
		return ChainPlace{}, err
	}
	if v.value.Checkpoint() != of {
		return ChainPlace{}, v.fail(Untrusted, PartValue, "", errors.New("it is another checkpoint's"))
	}
	return v.verdict.Chain, nil
}

// attestationSteps are the steps that look at nothing but the attestation.
func (v *verification) attestationSteps() []func() error {
	return []func() error{v.checkEndorsements, v.checkOrgs, v.checkAnswer, v.checkValue, v.checkReadSet}
}

// run goes from the organisations' signatures inward, so that the first fault found is the part that was altered and
// not one that merely depends on it.
func (v *verification) run(file []byte) error {
	if err := v.checkPolicy(); err != nil {
		return v.fail(CannotEvaluate, PartPolicy, "", err)
	}
	var err error
	if v.receipt, err = ParseReceipt(file); err != nil {
		return err
	}
	v.checked(CheckForm)
	if err := v.checkEntry(); err != nil {
		return err
	}
	if v.policy.Hash == HashSM3 {
		return v.walk(v.twinAlone())
	}
	steps := append([]func() error{v.checkToken}, v.attestationSteps()...)
	return v.walk(append(steps, v.checkCheckpoint, v.checkLogSignature, v.checkInclusion, v.checkTwin, v.checkContent, v.checkStamp))
}

func (v *verification) walk(steps []func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) checked(c Check) { v.verdict.Checked = append(v.verdict.Checked, c) }

func (v *verification) fail(w Word, p Part, org string, err error) error {
	v.verdict.Word = w
	return &Fault{Part: p, Org: org, Err: err}
}

func (v *verification) checkPolicy() error {
	if len(v.policy.Roots) == 0 {
		return errors.New("no root certificate is given to check against")
	}
	if v.policy.At.IsZero() {
		return errors.New("no time is given at which certificates must be valid")
	}
	if err := v.checkHash(); err != nil {
		return err
	}
	var err error
	v.keys, err = trustedKeys(v.policy.LogKeys)
	return err
}

func (v *verification) checkEntry() (err error) {
	v.verdict.Index = v.receipt.Index
	if v.verdict.Entry, err = ParseEntry(v.receipt.Entry); err != nil {
		return v.fail(Untrusted, PartEntry, "", err)
	}
	v.checked(CheckEntry)
	return nil
}

func (v *verification) checkEndorsements() error {
	for _, e := range v.receipt.Attestation.Endorsements {
		roots := v.policy.Roots[e.MSP]
		if len(roots) == 0 {
			return v.fail(PolicyFailed, PartPolicy, e.MSP, errors.New("no root certificate of this organisation is given"))
		}
		e, err := e.resolve(v.policy.Certificates)
		if err != nil {
			return v.fail(CannotEvaluate, PartChain, e.MSP, err)
		}
		key, err := e.verifyChain(roots, v.verdict.At)
		if err != nil {
			return v.fail(Untrusted, PartChain, e.MSP, err)
		}
		if err := e.verifySignature(key, v.receipt.Attestation.Payload); err != nil {
			return v.fail(Untrusted, PartEndorsement, e.MSP, err)
		}
		v.verdict.Orgs = append(v.verdict.Orgs, e.MSP)
		v.verdict.Signers = append(v.verdict.Signers, Signer{e.MSP, e.Certificate})
	}
	v.checked(CheckChains)
	v.checked(CheckEndorsements)
	return nil
}

func (v *verification) checkOrgs() error {
	for _, org := range v.policy.Orgs {
		if !slices.Contains(v.verdict.Orgs, org) {
			return v.fail(PolicyFailed, PartEndorsement, org, errors.New("is required and missing"))
		}
	}
	v.checked(CheckOrganisations)
	return nil
}

func (v *verification) checkAnswer() (err error) {
	if v.answer, err = parseAnswer(v.receipt.Attestation.Payload); err != nil {
		return v.fail(Untrusted, PartAnswer, "", err)
	}
	if v.answer.Status != 200 {
		return v.fail(Untrusted, PartAnswer, "", fmt.Errorf("status is %d, want 200", v.answer.Status))
	}
	if v.answer.Chaincode != v.policy.Chaincode {
		return v.fail(PolicyFailed, PartChaincode, "", fmt.Errorf("it is %q, want %q", v.answer.Chaincode, v.policy.Chaincode))
	}
	v.checked(CheckChaincode)
	return nil
}

func (v *verification) checkValue() (err error) {
	if v.value, err = ParseAttestedCheckpoint(string(v.answer.Value)); err != nil {
		return v.fail(Untrusted, PartValue, "", err)
	}
	if v.value.Channel != v.policy.Channel {
		return v.fail(PolicyFailed, PartValue, "", fmt.Errorf("channel is %q, want %q", v.value.Channel, v.policy.Channel))
	}
	v.checked(CheckValue)
	return nil
}

func (v *verification) checkReadSet() error {
	r, err := v.answer.checkpointRead(v.value.Origin, v.value.Size)
	if err != nil {
		return v.fail(Untrusted, PartReadSet, "", err)
	}
	v.verdict.Chain = ChainPlace{
		Channel: v.value.Channel, Chaincode: v.answer.Chaincode, Version: v.answer.Version,
		TxID: v.value.TxID, Block: r.Block, TxIndex: r.TxIndex,
	}
	v.checked(CheckReadSet)
	return nil
}

func (v *verification) checkCheckpoint() (err error) {
	if v.note, err = parseNote(v.receipt.Checkpoint); err != nil {
		return v.fail(Untrusted, PartCheckpoint, "", err)
	}
	if v.note.Checkpoint != v.value.Checkpoint() {
		return v.fail(Untrusted, PartCheckpoint, "", errors.New("it is not the one that the organisations attest"))
	}
	v.verdict.Checkpoint = v.note.Checkpoint
	v.checked(CheckCheckpoint)
	return nil
}

// checkLogSignature is a second lock: the chaincode has checked the signature before the organisations attested the
// checkpoint. Without a key the line must at least claim to be the log's, and the verdict says that it was not checked.
func (v *verification) checkLogSignature() error {
	if len(v.keys) == 0 && (len(v.note.Signatures) != 1 || v.note.Signatures[0].Name != v.note.Origin) {
		return v.fail(Untrusted, PartSignature, "", errors.New("want one signature, by the log"))
	}
	return v.checkSignedBy(v.note.verifiedBy)
}

// checkSignedBy checks with the policy's keys of the log, if it has keys.
func (v *verification) checkSignedBy(verify func([]note.Verifier) error) error {
	if len(v.keys) == 0 {
		v.verdict.NotChecked = append([]Check{CheckLogSignature}, v.verdict.NotChecked...)
		return nil
	}
	all, valid := keysOf(v.keys, v.note.Checkpoint)
	if len(all) == 0 {
		return v.fail(PolicyFailed, PartSignature, "", fmt.Errorf("no key of the log %s is given", v.note.Origin))
	}
	if err := verify(valid); err != nil {
		if verify(all) == nil {
			err = fmt.Errorf("the key does not sign checkpoints of size %d: it is retired, or not valid yet", v.note.Size)
		}
		return v.fail(Untrusted, PartSignature, "", err)
	}
	v.checked(CheckLogSignature)
	return nil
}

func (v *verification) checkInclusion() error {
	r := v.receipt
	err := tlog.CheckRecord(r.Path, v.note.Size, v.note.Root, r.Index, Leaf(r.Entry))
	if err != nil {
		return v.fail(Untrusted, PartInclusion, "",
			fmt.Errorf("the entry is not at place %d under the attested root", r.Index))
	}
	v.checked(CheckInclusion)
	return nil
}

// checkContent checks what the receipt or the policy shows of the payload.
func (v *verification) checkContent() error {
	if v.receipt.Openings == nil {
		return v.checkPayload()
	}
	if v.policy.Payload != nil {
		return v.fail(CannotEvaluate, PartPayload, "", errors.New("the receipt opens some fields and holds no salt for the whole payload"))
	}
	var err error
	if v.verdict.Fields, err = VerifyFields(v.verdict.Entry.Commitment, *v.receipt.Openings); err != nil {
		return v.fail(Untrusted, PartFields, "", err)
	}
	v.checked(CheckFields)
	v.verdict.NotChecked = append([]Check{CheckPayload}, v.verdict.NotChecked...)
	return nil
}

func (v *verification) checkPayload() error {
	payload := v.policy.Payload
	if payload == nil {
		payload = v.receipt.Payload
	}
	if payload == nil && v.receipt.Salt == nil {
		v.verdict.NotChecked = append([]Check{CheckPayload}, v.verdict.NotChecked...)
		return nil
	}
	if v.receipt.Salt == nil {
		return v.fail(CannotEvaluate, PartPayload, "", errors.New("the receipt holds no salt to open the commitment with"))
	}
	if payload == nil {
		return v.fail(CannotEvaluate, PartPayload, "", errors.New("the receipt holds a salt and no payload: give the payload"))
	}
	for _, p := range [][]byte{payload, v.receipt.Payload} {
		if p == nil {
			continue
		}
		if err := v.verdict.Entry.Commitment.Opens(v.receipt.Salt, p); err != nil {
			return v.fail(Untrusted, PartPayload, "", err)
		}
	}
	v.checked(CheckPayload)
	return nil
}
