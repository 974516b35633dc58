package fabric

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	sdkcontext "github.com/hyperledger/fabric-sdk-go/pkg/context"

	"github.com/hyperledger/fabric-sdk-go/pkg/client/common/verifier"
	"github.com/hyperledger/fabric-sdk-go/pkg/common/providers/fab"
	"github.com/hyperledger/fabric-sdk-go/pkg/fab/txn"
)

// proposal is one call of the contract, put to several peers. Its bytes are made once: only answers to the same
// proposal can be joined, and a peer answers it as often as it is asked until it is committed.
type proposal struct {
	s          *session
	transactor fab.Transactor
	bytes      *fab.TransactionProposal
	targets    []fab.Peer
	answers    []answer // by target
}

type answer struct {
	response *fab.TransactionProposalResponse
	refused  *refusal
	err      error // the peer did not answer
}

// call is one function of the contract with its arguments.
type call struct {
	function string
	args     [][]byte
}

// endorsed makes a proposal of a call and has it endorsed.
func (c *Client) endorsed(ctx context.Context, s *session, targets []fab.Peer, k call) (*proposal, error) {
	// The SDK may take a while to notice that the time is over, so it gets a little more than our own patience.
	req, cancel := s.request(ctx, c.cfg.Patience+time.Second)
	defer cancel()
	p, err := s.propose(req, c.net.Chaincode, targets, k)
	if err != nil {
		return nil, err
	}
	return p, p.endorse(ctx, c.cfg.Patience)
}

// propose makes a proposal, to be put to the targets while ctx lives.
func (s *session) propose(ctx context.Context, chaincode string, targets []fab.Peer, k call) (*proposal, error) {
	transactor, err := s.channel.ChannelService().Transactor(ctx)
	if err != nil {
		return nil, unavailable("no channel configuration", err)
	}
	header, err := transactor.CreateTransactionHeader()
	if err != nil {
		return nil, unavailable("no transaction header", err)
	}
	request := fab.ChaincodeInvokeRequest{ChaincodeID: chaincode, Fcn: k.function, Args: k.args}
	made, err := txn.CreateChaincodeInvokeProposal(header, request)
	if err != nil {
		return nil, unavailable("no proposal", err)
	}
	return &proposal{s: s, transactor: transactor, bytes: made, targets: targets, answers: make([]answer, len(targets))}, nil
}

// request returns a context as the SDK wants it: with the client inside. It ends with ctx, or after d.
func (s *session) request(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return sdkcontext.NewRequest(s.channel, sdkcontext.WithParent(ctx), sdkcontext.WithTimeout(d))
}

// Pauses between asking again: a peer commits a block some milliseconds after another, but may also be away.
const (
	minPause = 20 * time.Millisecond
	maxPause = 250 * time.Millisecond
)

// endorse asks the peers until all give the same answer with a valid signature, or all refuse, or patience is over.
// A peer that differs is asked again, because it may lag behind the others.
func (p *proposal) endorse(ctx context.Context, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		p.ask()
		err := p.judge()
		if !errors.Is(err, errNotYet) {
			return err
		}
		if time.Now().After(deadline) {
			return p.failure()
		}
		select {
		case <-ctx.Done():
			return unavailable("no agreement of the peers in time", errors.Join(ctx.Err(), p.failure()))
		case <-time.After(pause):
		}
	}
}

// ask puts the proposal to all who have no good answer yet.
func (p *proposal) ask() {
	var asking sync.WaitGroup
	for i, peer := range p.targets {
		if p.answers[i].response != nil {
			continue
		}
		asking.Go(func() { p.answers[i] = p.askOne(peer) })
	}
	asking.Wait()
}

func (p *proposal) askOne(peer fab.Peer) answer {
	responses, err := p.transactor.SendTransactionProposal(p.bytes, []fab.ProposalProcessor{peer})
	if r := refusalIn(err); r != nil {
		return answer{refused: r}
	}
	if err == nil && len(responses) != 1 {
		err = errors.New("no response")
	}
	if err == nil {
		check := verifier.Signature{Membership: p.s.membership}
		err = check.Verify(responses[0])
	}
	if err != nil {
		return answer{err: err}
	}
	return answer{response: responses[0]}
}

// judge returns nil when all answers agree, the refusal when all refuse, and errNotYet to ask again.
func (p *proposal) judge() error {
	good, refused := 0, 0
	for _, a := range p.answers {
		switch {
		case a.response != nil:
			good++
		case a.refused != nil && a.refused.code == p.firstCode():
			refused++
		}
	}
	switch len(p.answers) {
	case refused:
		return p.answers[0].refused.err()
	case good:
		return p.judgePayloads()
	}
	return errNotYet
}

func (p *proposal) firstCode() string {
	if r := p.answers[0].refused; r != nil {
		return r.code
	}
	return ""
}

// judgePayloads has all peers asked anew when one has simulated on an older state than another.
func (p *proposal) judgePayloads() error {
	for _, a := range p.answers[1:] {
		if !bytes.Equal(a.response.ProposalResponse.Payload, p.payload()) {
			clear(p.answers)
			return errNotYet
		}
	}
	return nil
}

// failure says why there is no agreement: a refusal if one peer's is all we have, else who did not answer.
func (p *proposal) failure() error {
	var refused *refusal
	for i, a := range p.answers {
		switch {
		case a.err != nil:
			return unavailable("the peer of "+p.targets[i].MSPID()+" does not answer", a.err)
		case a.refused != nil:
			refused = a.refused
		}
	}
	for _, a := range p.answers {
		if a.refused == nil {
			return unavailable("the peers do not agree", refused.orNil())
		}
	}
	return p.answers[0].refused.err()
}

// payload is what all peers signed; only after endorse.
func (p *proposal) payload() []byte { return p.answers[0].response.ProposalResponse.Payload }

func (p *proposal) responses() []*fab.TransactionProposalResponse {
	all := make([]*fab.TransactionProposalResponse, len(p.answers))
	for i, a := range p.answers {
		all[i] = a.response
	}
	return all
}
