package fabric

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go/common"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	sdkledger "github.com/hyperledger/fabric-sdk-go/pkg/client/ledger"
	"github.com/hyperledger/fabric-sdk-go/pkg/common/errors/status"
	"github.com/hyperledger/fabric-sdk-go/pkg/common/providers/fab"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// errRaced means that another transaction changed what this one had read; nothing was written.
var errRaced = plinth.Errorf(plinth.ErrConflict, "refused by the chain: MVCC: what it had read moved meanwhile")

// commit sends an endorsed proposal to be ordered and waits until the own peer has committed it. The outcome is one
// of three: committed, refused (an error of kind conflict), or unknown (ledger.ErrUnknownOutcome).
func (c *Client) commit(ctx context.Context, p *proposal) (sequencer.Anchored, error) {
	// What was sent is followed beyond the caller's patience, hence without ctx's end.
	req, cancel := p.s.request(context.WithoutCancel(ctx), c.cfg.Commit+2*c.cfg.Settle)
	defer cancel()
	transactor, err := p.s.channel.ChannelService().Transactor(req)
	if err != nil {
		return sequencer.Anchored{}, unavailable("no orderer is configured", err)
	}
	tx, err := transactor.CreateTransaction(fab.TransactionRequest{Proposal: p.bytes, ProposalResponses: p.responses()})
	if err != nil {
		return sequencer.Anchored{}, unavailable("no transaction", err)
	}
	events, unwatch := p.watch(c)
	defer unwatch()
	sent := make(chan error, 1)
	go func() { // ends with req at the latest
		sent <- c.send(req, p.s, transactor, tx)
	}()
	w := wait{p: p, ctx: ctx, req: req, sent: sent, events: events, commit: c.cfg.Commit, settle: c.cfg.Settle}
	return w.outcome()
}

// neverSent tells whether an error of sending proves that no orderer has the transaction: it could not be dialled, or
// it answered no.
func neverSent(err error) bool {
	s, ok := status.FromError(err)
	if err == nil || !ok {
		return false
	}
	dialled := s.Group == status.OrdererClientStatus && s.Code == status.ConnectionFailed.ToInt32()
	return dialled || s.Group == status.OrdererServerStatus
}

// watch asks the own peer for the transaction's event. It is a short cut only: without it the ledger is read.
func (p *proposal) watch(c *Client) (<-chan *fab.TxStatusEvent, func()) {
	none := func() {}
	service, err := p.s.channel.ChannelService().EventService()
	if err != nil {
		return nil, none
	}
	registration, events, err := service.RegisterTxStatusEvent(string(p.bytes.TxnID))
	if err != nil {
		c.log.Debug("no transaction event, the ledger is read instead", "cause", err)
		return nil, none
	}
	return events, func() { service.Unregister(registration) }
}

// look is how often the ledger is read for a transaction whose event does not come.
const look = 400 * time.Millisecond

// wait is the wait for the outcome of one transaction.
type wait struct {
	p              *proposal
	ctx            context.Context // the caller's
	req            context.Context // outlives it, for reading
	sent           <-chan error
	events         <-chan *fab.TxStatusEvent
	commit, settle time.Duration
}

// outcome waits for the event, or finds the transaction on the ledger. When the caller's time or ours is over, or
// sending ended in doubt, the ledger is read a little longer: an outcome that can be known soon is worth more to the
// caller than a punctual "unknown".
func (w *wait) outcome() (sequencer.Anchored, error) {
	every := time.NewTicker(look)
	defer every.Stop()
	done, end := w.ctx.Done(), time.After(w.commit)
	var doubt error
	for {
		select {
		case err := <-w.sent:
			w.sent = nil
			if neverSent(err) {
				return sequencer.Anchored{}, unavailable("the orderer takes no transactions", err)
			}
			if err != nil {
				doubt, end = err, time.After(w.settle)
			}
		case e, ok := <-w.events:
			if ok {
				return verdict(w.p, e.TxValidationCode, e.BlockNumber)
			}
			w.events = nil
		case <-every.C:
			if code, block, err := w.p.s.find(w.req, w.p.bytes.TxnID); err == nil {
				return verdict(w.p, code, block)
			}
		case <-done:
			done, doubt, end = nil, w.ctx.Err(), time.After(w.settle)
		case <-end:
			return sequencer.Anchored{}, w.unknown(doubt)
		}
	}
}

func (w *wait) unknown(doubt error) error {
	return errors.Join(fmt.Errorf("transaction %s: %w", w.p.bytes.TxnID, ledger.ErrUnknownOutcome), doubt)
}

// verdict translates the peer's verdict on a transaction in a block.
func verdict(p *proposal, code pb.TxValidationCode, block uint64) (sequencer.Anchored, error) {
	switch code {
	case pb.TxValidationCode_VALID:
		return sequencer.Anchored{TxID: string(p.bytes.TxnID), Block: block}, nil
	case pb.TxValidationCode_MVCC_READ_CONFLICT, pb.TxValidationCode_PHANTOM_READ_CONFLICT:
		return sequencer.Anchored{}, errRaced
	}
	return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "refused by the chain: %s", code)
}

// find reads a transaction's verdict and block from the own peer's ledger.
func (s *session) find(ctx context.Context, id fab.TransactionID) (pb.TxValidationCode, uint64, error) {
	block, err := s.blockOf(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	tx, err := s.ledger.QueryTransaction(id, sdkledger.WithTargets(s.own), sdkledger.WithParentContext(ctx))
	if err != nil {
		return 0, 0, err
	}
	return pb.TxValidationCode(tx.ValidationCode), block.GetHeader().GetNumber(), nil
}

func (s *session) blockOf(ctx context.Context, id fab.TransactionID) (*common.Block, error) {
	return s.ledger.QueryBlockByTxID(id, sdkledger.WithTargets(s.own), sdkledger.WithParentContext(ctx))
}
