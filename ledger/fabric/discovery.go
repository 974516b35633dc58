package fabric

import (
	"context"

	"github.com/hyperledger/fabric-sdk-go/pkg/common/providers/fab"
)

// endorsers are the peers to which a call is put: one for every organisation.
func (c *Client) endorsers(ctx context.Context, s *session) []fab.Peer {
	if !c.cfg.Discovery {
		return s.peers
	}
	found, err := s.discover(c.net.Chaincode)
	if err != nil {
		c.log.DebugContext(ctx, "discovery gives no endorsers, the first peers of all organisations are asked", "cause", err)
		return s.peers
	}
	return found
}

// discover asks which peers endorse together for the contract's policy. The answer is the SDK's, which keeps it for
// some seconds. Right after the network's start the peers do not know each other yet, and there is none.
func (s *session) discover(chaincode string) ([]fab.Peer, error) {
	selection, err := s.channel.ChannelService().Selection()
	if err != nil {
		return nil, err
	}
	found, err := selection.GetEndorsersForChaincode([]*fab.ChaincodeCall{{ID: chaincode}})
	if err == nil && len(found) == 0 {
		err = errNotYet
	}
	return found, err
}
