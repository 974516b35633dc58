package fabric

import (
	"context"
	"fmt"

	"github.com/hyperledger/fabric-sdk-go/pkg/common/providers/fab"
	"github.com/hyperledger/fabric-sdk-go/pkg/fab/txn"
)

// send has a transaction ordered and returns when an orderer has taken it. The SDK sends to one orderer, chosen at
// random. That will do for Raft; of BFT's, each of which may be dead or lying, a follower passes a request on only
// after a while, so there all get it at once, and the channel keeps one copy.
func (c *Client) send(ctx context.Context, s *session, transactor fab.Transactor, tx *fab.Transaction) error {
	if len(s.orderers) == 0 {
		_, err := transactor.SendTransaction(tx)
		return err
	}
	answers := make(chan error, len(s.orderers))
	for _, o := range s.orderers {
		go func() { // ends with ctx at the latest
			_, err := txn.Send(ctx, tx, []fab.Orderer{o})
			answers <- err
		}()
	}
	return firstTaken(answers, len(s.orderers))
}

// firstTaken returns nil with the first nil of n answers. When there is none it returns an error that leaves the
// transaction's fate in doubt, if one does, so that it is not thought never to have been sent.
func firstTaken(answers <-chan error, n int) (err error) {
	for range n {
		answer := <-answers
		if answer == nil {
			return nil
		}
		if err == nil || neverSent(err) {
			err = answer
		}
	}
	return err
}

// newOrderers returns all orderers of a BFT channel, and none for another.
func (c *Client) newOrderers(s *session) error {
	if c.net.Consensus != "bft" {
		return nil
	}
	for _, n := range c.net.Orderers {
		cfg, found, _ := s.channel.EndpointConfig().OrdererConfig(n.Address)
		if !found {
			return fmt.Errorf("orderer %s: not configured", n.Address)
		}
		o, err := s.channel.InfraProvider().CreateOrdererFromConfig(cfg)
		if err != nil {
			return fmt.Errorf("orderer %s: %w", n.Address, err)
		}
		s.orderers = append(s.orderers, o)
	}
	return nil
}
