package fabric

import (
	"context"
	"time"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the SDK's messages are of the old API
	"github.com/hyperledger/fabric-protos-go/common"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	sdkledger "github.com/hyperledger/fabric-sdk-go/pkg/client/ledger"
)

// Event is what a committed transaction of the contract tells: "anchored" (the signed checkpoint), "step" (the step's
// text), "key" (origin and key, one a line), "status" and "redacted" (record, then the note's lines).
type Event struct {
	Block   uint64
	TxID    string
	Name    string
	Payload []byte
}

// Follow tells fn of the contract's events from a block on, in the chain's order, and goes on with new blocks until ctx
// ends; then it returns nil. An error of fn ends it and is returned. Blocks are read by their number from the own
// organisation's peer, so that no event is lost or told twice however often the peer dies in between: what is not read
// yet is read when it is back. Whoever was told of an event of block n and dies may follow from n again.
func (c *Client) Follow(ctx context.Context, from uint64, fn func(Event) error) error {
	for ctx.Err() == nil {
		next, err := c.followTo(ctx, from, fn)
		if err != nil {
			return err
		}
		from = next
		select {
		case <-ctx.Done():
		case <-time.After(look):
		}
	}
	return nil
}

// followTo reads what there is and returns the first block that is not read. A peer that does not answer is no error:
// it is asked again.
func (c *Client) followTo(ctx context.Context, from uint64, fn func(Event) error) (uint64, error) {
	height, err := c.Height(ctx)
	if err != nil {
		c.log.DebugContext(ctx, "following the chain: the peer does not answer", "cause", err)
		return from, nil
	}
	s, err := c.connect(ctx)
	if err != nil {
		return from, nil
	}
	for ; from < height; from++ {
		block, err := s.ledger.QueryBlock(from, sdkledger.WithTargets(s.own), sdkledger.WithParentContext(ctx))
		if err != nil {
			c.log.DebugContext(ctx, "following the chain: a block was not read", "block", from, "cause", err)
			return from, nil
		}
		if err := tell(block, c.net.Chaincode, fn); err != nil {
			return from, err
		}
	}
	return from, nil
}

// tell hands out the events of a block's valid transactions.
func tell(block *common.Block, chaincode string, fn func(Event) error) error {
	var verdicts []byte // one for every transaction, as the peer found
	if all := block.GetMetadata().GetMetadata(); len(all) > int(common.BlockMetadataIndex_TRANSACTIONS_FILTER) {
		verdicts = all[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	}
	for i, envelope := range block.GetData().GetData() {
		if i >= len(verdicts) || pb.TxValidationCode(verdicts[i]) != pb.TxValidationCode_VALID {
			continue
		}
		e := eventIn(envelope)
		if e == nil || e.ChaincodeId != chaincode {
			continue
		}
		err := fn(Event{Block: block.GetHeader().GetNumber(), TxID: e.TxId, Name: e.EventName, Payload: e.Payload})
		if err != nil {
			return err
		}
	}
	return nil
}

// eventIn takes the chaincode's event out of a transaction; nil for one that has none, such as a configuration.
func eventIn(envelope []byte) *pb.ChaincodeEvent {
	var (
		env      common.Envelope
		payload  common.Payload
		header   common.ChannelHeader
		tx       pb.Transaction
		action   pb.ChaincodeActionPayload
		response pb.ProposalResponsePayload
		result   pb.ChaincodeAction
		event    pb.ChaincodeEvent
	)
	if proto.Unmarshal(envelope, &env) != nil || proto.Unmarshal(env.Payload, &payload) != nil ||
		proto.Unmarshal(payload.GetHeader().GetChannelHeader(), &header) != nil ||
		common.HeaderType(header.Type) != common.HeaderType_ENDORSER_TRANSACTION {
		return nil
	}
	if proto.Unmarshal(payload.Data, &tx) != nil || len(tx.Actions) != 1 ||
		proto.Unmarshal(tx.Actions[0].Payload, &action) != nil ||
		proto.Unmarshal(action.GetAction().GetProposalResponsePayload(), &response) != nil ||
		proto.Unmarshal(response.Extension, &result) != nil || len(result.Events) == 0 ||
		proto.Unmarshal(result.Events, &event) != nil {
		return nil
	}
	return &event
}
