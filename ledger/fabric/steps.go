package fabric

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/hyperledger/fabric-sdk-go/pkg/common/providers/fab"

	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// PutStep puts the next step of a case on the chain and returns when it is committed. The step that is there already
// is answered with its first transaction and not ordered again, so a step of unknown outcome is simply put again.
func (c *Client) PutStep(ctx context.Context, s ledger.Step) (sequencer.Anchored, error) {
	return c.submit(ctx, newCall("PutStep", s.String()))
}

// AttestCase returns the organisations' signatures over the answer how a case stands. While steps are added the peers
// may differ for a moment; they are asked again until they agree. The error is plinth.ErrNotFound when the case has no
// step.
func (c *Client) AttestCase(ctx context.Context, of ledger.Tag) (ledger.Attestation, error) {
	return c.attest(ctx, newCall("AttestCase", of.String()))
}

// SetStatus notes on the chain what became of a record (superseded, revoked or expired) and which record did that.
func (c *Client) SetStatus(ctx context.Context, record uuid.UUID, status string, by uuid.UUID) (sequencer.Anchored, error) {
	return c.submit(ctx, newCall("SetStatus", record.String(), status, by.String()))
}

// Redact notes on the chain that a record's payload was shredded, and which record tells of that.
func (c *Client) Redact(ctx context.Context, record, erasure uuid.UUID) (sequencer.Anchored, error) {
	return c.submit(ctx, newCall("Redact", record.String(), erasure.String()))
}

// RotateKey replaces a log's key from the size after the head on. The proof is a note over ledger.KeyRotation, signed
// by the key in force.
func (c *Client) RotateKey(ctx context.Context, origin, newVKey string, proof []byte) (sequencer.Anchored, error) {
	return c.submit(ctx, newCall("RotateKey", origin, newVKey, string(proof)))
}

// LogKeys returns the keys that a log has had, oldest first, as the own organisation's peer knows them. A log that is
// not registered is refused with LOG.
func (c *Client) LogKeys(ctx context.Context, origin string) ([]ledger.LogKey, error) {
	answer, err := c.ask(ctx, newCall("LogKeys", origin))
	if err != nil {
		return nil, err
	}
	return parseLogKeys(answer)
}

// parseLogKeys reads lines of least size, greatest size, transaction and key.
func parseLogKeys(answer string) ([]ledger.LogKey, error) {
	var keys []ledger.LogKey
	for line := range strings.Lines(answer) {
		part := strings.Fields(line)
		if len(part) != 4 {
			return nil, fmt.Errorf("keys on the chain: malformed line %.80q", line)
		}
		from, fromErr := strconv.ParseInt(part[0], 10, 64)
		until, untilErr := strconv.ParseInt(part[1], 10, 64)
		if fromErr != nil || untilErr != nil {
			return nil, fmt.Errorf("keys on the chain: malformed line %.80q", line)
		}
		keys = append(keys, ledger.LogKey{FromSize: from, UntilSize: until, TxID: part[2], VKey: part[3]})
	}
	return keys, nil
}

func newCall(function string, args ...string) call {
	k := call{function: function}
	for _, a := range args {
		k.args = append(k.args, []byte(a))
	}
	return k
}

// ask puts a question to the own organisation's peer.
func (c *Client) ask(ctx context.Context, k call) (string, error) {
	s, err := c.connect(ctx)
	if err != nil {
		return "", err
	}
	p, err := c.endorsed(ctx, s, []fab.Peer{s.own}, k)
	if err != nil {
		return "", err
	}
	return p.value()
}

// attest puts a question to all organisations and returns their signatures over the answer.
func (c *Client) attest(ctx context.Context, k call) (ledger.Attestation, error) {
	s, err := c.connect(ctx)
	if err != nil {
		return ledger.Attestation{}, err
	}
	p, err := c.endorsed(ctx, s, c.endorsers(ctx, s), k)
	if err != nil {
		return ledger.Attestation{}, err
	}
	return p.attestation()
}

// anchorCall is the call that anchors a checkpoint, and its twin's if there is one.
func anchorCall(origin string, s sequencer.Submission) call {
	var hashes []byte
	for _, h := range s.Proof {
		hashes = append(hashes, h[:]...)
	}
	args := [][]byte{[]byte(origin), s.Note, hashes}
	if s.TwinNote != nil {
		args = append(args, s.TwinNote, bytes.Join(s.TwinProof, nil))
	}
	return call{"Anchor", args}
}
