package ledger

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// AttestCaseDomain is the first line of an attested case. No function of the chaincode but AttestCase may answer with
// it.
const AttestCaseDomain = "plinth-attest-case/v1"

// AttestedCase is what the chaincode's AttestCase answers: how far a case has come, the digest of all its steps, and
// the transaction that wrote the newest. Unlike a checkpoint it changes: an attestation is of the moment when the
// organisations answered, and the block in its read set tells which step that was.
type AttestedCase struct {
	Channel string
	Case    Tag
	Count   uint64 // steps, at least 1
	State   string // see NextState
	Digest  CaseDigest
	TxID    string // of step Count
}

// String returns the value's text: seven lines, each ended by a newline.
func (c AttestedCase) String() string {
	return fmt.Sprintf("%s\n%s\n%s\n%d\n%s\n%s\n%s\n", AttestCaseDomain, c.Channel, c.Case, c.Count, c.State, c.Digest, c.TxID)
}

// ParseAttestedCase reads the text that String writes and refuses every other form.
func ParseAttestedCase(text string) (AttestedCase, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 8 || lines[0] != AttestCaseDomain {
		return AttestedCase{}, fmt.Errorf("attested case: want seven lines that begin with %s", AttestCaseDomain)
	}
	tag, tagErr := ParseTag(lines[2])
	count, countErr := strconv.ParseUint(lines[3], 10, 64)
	digest, digestErr := parseHash(lines[5])
	if err := errors.Join(tagErr, countErr, digestErr); err != nil {
		return AttestedCase{}, fmt.Errorf("attested case: %w", err)
	}
	c := AttestedCase{Channel: lines[1], Case: tag, Count: count, State: lines[4], Digest: CaseDigest(digest), TxID: lines[6]}
	if c.Channel == "" || c.Count == 0 || c.State == "" || c.TxID == "" || c.String() != text {
		return AttestedCase{}, errors.New("attested case: not in its one canonical form")
	}
	return c, nil
}

// VerifyCaseAttestation checks that the policy's organisations attest a case, and returns what they attest and where
// on the chain the case's newest step was committed. The error is a *Fault.
func VerifyCaseAttestation(a Attestation, policy Policy) (AttestedCase, ChainPlace, error) {
	v := newVerification(policy)
	v.receipt.Attestation = a
	if err := v.checkPolicy(); err != nil {
		return AttestedCase{}, ChainPlace{}, v.fail(CannotEvaluate, PartPolicy, "", err)
	}
	for _, step := range []func() error{v.checkEndorsements, v.checkOrgs, v.checkAnswer} {
		if err := step(); err != nil {
			return AttestedCase{}, ChainPlace{}, err
		}
	}
	return v.attestedCase()
}

func (v *verification) attestedCase() (AttestedCase, ChainPlace, error) {
	c, err := ParseAttestedCase(string(v.answer.Value))
	if err != nil {
		return AttestedCase{}, ChainPlace{}, v.fail(Untrusted, PartValue, "", err)
	}
	if c.Channel != v.policy.Channel {
		err := fmt.Errorf("channel is %q, want %q", c.Channel, v.policy.Channel)
		return AttestedCase{}, ChainPlace{}, v.fail(PolicyFailed, PartValue, "", err)
	}
	r, err := v.answer.onlyRead(CaseKey(c.Case))
	if err != nil {
		return AttestedCase{}, ChainPlace{}, v.fail(Untrusted, PartReadSet, "", err)
	}
	return c, ChainPlace{Channel: c.Channel, Chaincode: v.answer.Chaincode, Version: v.answer.Version,
		TxID: c.TxID, Block: r.Block, TxIndex: r.TxIndex}, nil
}
