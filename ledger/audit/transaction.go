package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Kinds of envelope (common.HeaderType).
const (
	kindConfig   = 1
	kindEndorser = 3
)

// transaction is one envelope of a block, taken apart.
type transaction struct {
	kind      uint64
	channel   string
	id        string
	creator   []byte // serialized identity
	nonce     []byte
	chaincode string // of an endorser transaction
	payload   []byte // what the creator signed
	signature []byte
	data      []byte // the payload's body
	action    action
}

// action is the one proposal of an endorser transaction with its endorsements.
type action struct {
	hashed       [][]byte // what the proposal hash is over
	proposalHash []byte
	response     []byte // ProposalResponsePayload, which the endorsers signed
	endorsements []endorsement
	status       uint64
	sets         []namespaceSet
}

type endorsement struct{ endorser, signature []byte }

// parseTransaction reads an envelope.
func parseTransaction(envelope []byte) (*transaction, error) {
	t := &transaction{}
	var header, channelHeader, signatureHeader []byte
	err := errors.Join(message("envelope", envelope, takes{1: &t.payload, 2: &t.signature}),
		message("payload", t.payload, takes{1: &header, 2: &t.data}))
	if err != nil {
		return nil, err
	}
	err = message("header", header, takes{1: &channelHeader, 2: &signatureHeader})
	if err != nil {
		return nil, err
	}
	var extension []byte
	err = message("channel header", channelHeader,
		takes{1: &t.kind, 4: &t.channel, 5: &t.id, 7: &extension}, 2, 3, 6, 8)
	if err != nil {
		return nil, err
	}
	if err := message("signature header", signatureHeader, takes{1: &t.creator, 2: &t.nonce}); err != nil {
		return nil, err
	}
	if t.kind != kindEndorser {
		return t, nil
	}
	if err := t.readExtension(extension); err != nil {
		return nil, err
	}
	t.action.hashed = [][]byte{channelHeader, signatureHeader, nil}
	return t, t.readActions(signatureHeader)
}

func (t *transaction) readExtension(b []byte) error {
	var id []byte
	if err := message("channel header's extension", b, takes{2: &id}, 1); err != nil {
		return err
	}
	return message("chaincode id", id, takes{2: &t.chaincode}, 1, 3)
}

func (t *transaction) readActions(signatureHeader []byte) error {
	var actions [][]byte
	if err := message("transaction", t.data, takes{1: &actions}); err != nil {
		return err
	}
	if len(actions) != 1 {
		return fmt.Errorf("transaction: it has %d actions, want one", len(actions))
	}
	var header, body, proposal, endorsed []byte
	err := message("action", actions[0], takes{1: &header, 2: &body})
	if err != nil {
		return err
	}
	if !bytes.Equal(header, signatureHeader) {
		return errors.New("action: its header is not the transaction's")
	}
	if err := message("action's payload", body, takes{1: &proposal, 2: &endorsed}); err != nil {
		return err
	}
	t.action.hashed[2] = proposal
	return t.action.read(endorsed)
}

func (a *action) read(b []byte) error {
	var endorsements [][]byte
	if err := message("endorsed action", b, takes{1: &a.response, 2: &endorsements}); err != nil {
		return err
	}
	for _, raw := range endorsements {
		var e endorsement
		if err := message("endorsement", raw, takes{1: &e.endorser, 2: &e.signature}); err != nil {
			return err
		}
		a.endorsements = append(a.endorsements, e)
	}
	var extension, results, response []byte
	err := message("response payload", a.response, takes{1: &a.proposalHash, 2: &extension})
	if err != nil {
		return err
	}
	if err := message("chaincode action", extension, takes{1: &results, 3: &response}, 2, 4); err != nil {
		return err
	}
	if err := message("response", response, takes{1: &a.status}, 2, 3); err != nil {
		return err
	}
	a.sets, err = parseReadWriteSets(results)
	return err
}

// checkID compares the transaction's id with what it must be: the hash of nonce and creator.
func (t *transaction) checkID() error {
	sum := sha256.Sum256(append(bytes.Clone(t.nonce), t.creator...))
	if t.id != hex.EncodeToString(sum[:]) {
		return errors.New("the id is not the hash of nonce and creator")
	}
	return nil
}

// checkProposal tells whether what was endorsed answers this proposal.
func (a *action) checkProposal() error {
	h := sha256.New()
	for _, part := range a.hashed {
		h.Write(part)
	}
	if !bytes.Equal(h.Sum(nil), a.proposalHash) {
		return errors.New("what was endorsed answers another proposal")
	}
	return nil
}
