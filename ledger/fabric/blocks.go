package fabric

import (
	"context"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the SDK's messages are of the old API
	sdkledger "github.com/hyperledger/fabric-sdk-go/pkg/client/ledger"
)

// Blocks hands out the channel's blocks from a number on, in their order, up to the height that the own organisation's
// peer has at the call. raw is the block as the peer keeps it (a serialized common.Block), with the verdicts on its
// transactions that the peer added; it is not checked here, that is the audit's. An error of fn ends the walk and is
// returned; what the peer does not answer is an error of kind unavailable, and the walk may go on from there.
func (c *Client) Blocks(ctx context.Context, from uint64, fn func(number uint64, raw []byte) error) error {
	s, err := c.connect(ctx)
	if err != nil {
		return err
	}
	height, err := c.Height(ctx)
	if err != nil {
		return err
	}
	for n := from; n < height; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		block, err := s.ledger.QueryBlock(n, sdkledger.WithTargets(s.own), sdkledger.WithParentContext(ctx))
		if err != nil {
			return unavailable("a block could not be read", err)
		}
		raw, err := proto.Marshal(block)
		if err != nil {
			return unavailable("a block is not one of Fabric's", err)
		}
		if err := fn(n, raw); err != nil {
			return err
		}
	}
	return nil
}
