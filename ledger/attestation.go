package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrUnknownOutcome means that a transaction was sent and its fate is not known. The caller reads the chain to find
// out; it never guesses and never sends another checkpoint in its place.
var ErrUnknownOutcome = errors.New("outcome unknown")

// Attestation is an endorsed read of a committed checkpoint: what the peers of several organisations answered to the
// one question "which checkpoint of this size is on the chain?". Payload is the ProposalResponsePayload that all of
// them signed, byte for byte. It needs no network to check: see Policy and Verify.
type Attestation struct {
	Payload      []byte
	Endorsements []Endorsement // by MSP, each once
}

// Endorsement is one organisation's signature over the payload followed by the signer's serialized identity
// (MSP id and PEM certificate), ECDSA P-256 with SHA-256 and s in the lower half.
type Endorsement struct {
	MSP         string
	Certificate []byte // DER; the PEM form is rebuilt byte for byte
	Reference   []byte // SHA-256 of the certificate, when it is given in place of it
	Signature   []byte // ASN.1 DER
}

// Sort brings the endorsements into the order in which they are stored.
func (a Attestation) Sort() {
	slices.SortFunc(a.Endorsements, func(x, y Endorsement) int { return cmp.Compare(x.MSP, y.MSP) })
}

// AttestDomain is the first line of an attested checkpoint. No function of the chaincode but Attest may answer with it.
const AttestDomain = "plinth-attest/v1"

// AttestedCheckpoint is what the chaincode's Attest answers: a checkpoint, the channel it is on, and the transaction
// that anchored it.
type AttestedCheckpoint struct {
	Channel string
	Origin  string // the checkpoint's origin line, e.g. "putuo.plinth/authz"
	Size    int64
	Root    tlog.Hash
	TxID    string
}

// Checkpoint returns the checkpoint that is attested.
func (c AttestedCheckpoint) Checkpoint() Checkpoint {
	return Checkpoint{Origin: c.Origin, Size: c.Size, Root: c.Root}
}

// String returns the value's text: six lines, each ended by a newline.
func (c AttestedCheckpoint) String() string {
	return fmt.Sprintf("%s\n%s\n%s\n%d\n%s\n%s\n", AttestDomain, c.Channel, c.Origin, c.Size, c.Root, c.TxID)
}

// ParseAttestedCheckpoint reads the text that String writes and refuses every other form.
func ParseAttestedCheckpoint(text string) (AttestedCheckpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 7 || lines[0] != AttestDomain {
		return AttestedCheckpoint{}, fmt.Errorf("attested value: want six lines that begin with %s", AttestDomain)
	}
	size, err := parseSize(lines[3])
	if err != nil {
		return AttestedCheckpoint{}, fmt.Errorf("attested value: %w", err)
	}
	root, err := parseHash(lines[4])
	if err != nil {
		return AttestedCheckpoint{}, fmt.Errorf("attested value: root: %w", err)
	}
	c := AttestedCheckpoint{Channel: lines[1], Origin: lines[2], Size: size, Root: root, TxID: lines[5]}
	if c.Channel == "" || c.Origin == "" || c.TxID == "" || c.String() != text {
		return AttestedCheckpoint{}, errors.New("attested value: not in its one canonical form")
	}
	return c, nil
}
