package fabric

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the SDK's messages are of the old API
	"github.com/hyperledger/fabric-protos-go/msp"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	sdkledger "github.com/hyperledger/fabric-sdk-go/pkg/client/ledger"
	"github.com/hyperledger/fabric-sdk-go/pkg/common/providers/fab"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// RegisterLog makes a log's key known to the contract; the same key again changes nothing.
func (c *Client) RegisterLog(ctx context.Context, origin, vkey string) error {
	_, err := c.submit(ctx, newCall("RegisterLog", origin, vkey))
	return err
}

// Anchor has the contract accept a checkpoint, and returns when it is committed. A checkpoint that is anchored
// already is answered with its first transaction and not ordered again.
func (c *Client) Anchor(ctx context.Context, origin string, s sequencer.Submission) (sequencer.Anchored, error) {
	return c.submit(ctx, anchorCall(origin, s))
}

// submit endorses and commits a call. After a lost race it looks again: when the winner wrote the same, it is done.
func (c *Client) submit(ctx context.Context, k call) (sequencer.Anchored, error) {
	s, err := c.connect(ctx)
	if err != nil {
		return sequencer.Anchored{}, err
	}
	p, first, err := c.prepare(ctx, s, k)
	if err != nil || first.TxID != "" {
		return first, err
	}
	if ctx.Err() != nil {
		return sequencer.Anchored{}, unavailable("no time was left to send the transaction", ctx.Err())
	}
	anchored, err := c.commit(ctx, p)
	if !errors.Is(err, errRaced) {
		return anchored, err
	}
	if _, first, againErr := c.prepare(ctx, s, k); againErr != nil || first.TxID != "" {
		return first, againErr
	}
	return anchored, err
}

// prepare endorses a call. If the contract answers that the same was written before, first says where.
func (c *Client) prepare(ctx context.Context, s *session, k call) (p *proposal, first sequencer.Anchored, err error) {
	if p, err = c.endorsed(ctx, s, c.endorsers(ctx, s), k); err != nil {
		return nil, first, err
	}
	answer, err := p.value()
	if err != nil {
		return nil, first, err
	}
	if tx, ok := strings.CutPrefix(answer, "same "); ok {
		first, err = s.firstOf(ctx, tx)
	}
	return p, first, err
}

// firstOf returns where a transaction was committed that the contract names.
func (s *session) firstOf(ctx context.Context, tx string) (sequencer.Anchored, error) {
	block, err := s.blockOf(ctx, fab.TransactionID(tx))
	if err != nil {
		return sequencer.Anchored{}, unavailable("the block of a transaction could not be read", err)
	}
	return sequencer.Anchored{TxID: tx, Block: block.GetHeader().GetNumber()}, nil
}

// Head returns the newest anchored checkpoint as the own organisation's peer knows it; size 0 when there is none.
func (c *Client) Head(ctx context.Context, origin string) (int64, tlog.Hash, error) {
	answer, err := c.ask(ctx, newCall("Head", origin))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	return parseHead(answer)
}

func parseHead(answer string) (int64, tlog.Hash, error) {
	lines := strings.Split(answer, "\n")
	if len(lines) != 4 {
		return 0, tlog.Hash{}, fmt.Errorf("head on the chain: %d lines, want 3", len(lines)-1)
	}
	size, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, fmt.Errorf("head on the chain: %w", err)
	}
	root, err := tlog.ParseHash(lines[1])
	if err != nil || size == 0 {
		return 0, tlog.Hash{}, err
	}
	return size, root, nil
}

// Attest returns the organisations' signatures over the answer that a checkpoint of this size is committed. A peer
// that has not committed it yet is waited for.
func (c *Client) Attest(ctx context.Context, origin string, size int64) (ledger.Attestation, error) {
	return c.attest(ctx, newCall("Attest", origin, strconv.FormatInt(size, 10)))
}

// attestation takes the signatures out of the answers.
func (p *proposal) attestation() (ledger.Attestation, error) {
	a := ledger.Attestation{Payload: p.payload()}
	for _, r := range p.responses() {
		e, err := endorsement(r.ProposalResponse.GetEndorsement())
		if err != nil {
			return ledger.Attestation{}, fmt.Errorf("endorsement by %s: %w", r.Endorser, err)
		}
		a.Endorsements = append(a.Endorsements, e)
	}
	a.Sort()
	return a, nil
}

func endorsement(e *pb.Endorsement) (ledger.Endorsement, error) {
	var id msp.SerializedIdentity
	if err := proto.Unmarshal(e.GetEndorser(), &id); err != nil {
		return ledger.Endorsement{}, err
	}
	block, _ := pem.Decode(id.IdBytes)
	if block == nil {
		return ledger.Endorsement{}, errors.New("identity is not a certificate")
	}
	// The signature covers the PEM text, of which only the DER is kept: it must come out the same again.
	if !bytes.Equal(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes}), id.IdBytes) {
		return ledger.Endorsement{}, errors.New("certificate is not in the plain PEM form")
	}
	return ledger.Endorsement{MSP: id.Mspid, Certificate: block.Bytes, Signature: e.GetSignature()}, nil
}

// Height returns the number of blocks on the own organisation's peer.
func (c *Client) Height(ctx context.Context) (uint64, error) {
	s, err := c.connect(ctx)
	if err != nil {
		return 0, err
	}
	info, err := s.ledger.QueryInfo(sdkledger.WithTargets(s.own), sdkledger.WithParentContext(ctx))
	if err != nil {
		return 0, unavailable("the height could not be read", err)
	}
	return info.BCI.GetHeight(), nil
}

// Ready tells whether the own peer answers and an orderer takes connections.
func (c *Client) Ready(ctx context.Context) error {
	if _, err := c.Height(ctx); err != nil {
		return err
	}
	var last error
	for _, o := range c.net.Orderers {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.Address)
		if err == nil {
			return conn.Close()
		}
		last = err
	}
	return unavailable("no orderer can be reached", last)
}

// value is the contract's answer, taken from the signed payload.
func (p *proposal) value() (string, error) {
	var payload pb.ProposalResponsePayload
	if err := proto.Unmarshal(p.payload(), &payload); err != nil {
		return "", fmt.Errorf("proposal response: %w", err)
	}
	var action pb.ChaincodeAction
	if err := proto.Unmarshal(payload.Extension, &action); err != nil {
		return "", fmt.Errorf("chaincode action: %w", err)
	}
	return string(action.GetResponse().GetPayload()), nil
}
