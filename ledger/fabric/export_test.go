package fabric

import (
	"context"

	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// PutTwice sends one and the same transaction twice, as somebody does who has overheard it.
func (c *Client) PutTwice(ctx context.Context, s ledger.Step) (first, second sequencer.Anchored, secondErr, err error) {
	session, err := c.connect(ctx)
	if err != nil {
		return first, second, nil, err
	}
	p, _, err := c.prepare(ctx, session, newCall("PutStep", s.String()))
	if err != nil {
		return first, second, nil, err
	}
	if first, err = c.commit(ctx, p); err != nil {
		return first, second, nil, err
	}
	second, secondErr = c.commit(ctx, p)
	return first, second, secondErr, nil
}

// Discovered are the MSPs of the endorsers that discovery finds.
func (c *Client) Discovered(ctx context.Context) (msps []string, err error) {
	s, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.discover(c.net.Chaincode)
	for _, p := range found {
		msps = append(msps, p.MSPID())
	}
	return msps, err
}
