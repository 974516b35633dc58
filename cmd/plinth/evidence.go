package main

import (
	"context"
	"path/filepath"

	"plinth/internal/postgres"
	"plinth/ledger"
	"plinth/ledger/fabric"
	"plinth/ledger/fabric/network"
	"plinth/ledger/sequencer"
)

// openLedger opens the logs and the way to the chain.
func (h *house) openLedger(ctx context.Context) error {
	chain, err := fabric.Open(fabric.Config{Network: h.cfg.Fabric.Network, State: filepath.Join(h.cfg.Data, "fabric-client")}, h.log)
	if err != nil {
		return err
	}
	h.chain = chain
	h.onClose(chain.Close)
	trust, err := trustOf(h.cfg.Fabric.Network)
	if err != nil {
		return err
	}
	logs, err := sequencer.Open(ctx, sequencer.Config{Dir: filepath.Join(h.cfg.Data, "ledger"), Name: h.cfg.Ledger.Name,
		AnchorEvery: h.cfg.Ledger.AnchorEvery, Trust: trust}, postgres.NewLedger(h.pg), chain, h.now, h.log)
	if err != nil {
		return err
	}
	h.logs = logs
	h.onClose(func() { _ = logs.Close() })
	h.task("sequencer", logs.Run)
	return nil
}

// trustOf is what the network's description says that attestations must satisfy.
func trustOf(path string) (ledger.Policy, error) {
	d, err := network.Read(path)
	if err != nil {
		return ledger.Policy{}, err
	}
	trust, err := d.Trust()
	if err != nil {
		return ledger.Policy{}, err
	}
	policy, err := trust.Policy()
	policy.Channel, policy.Chaincode = d.Channel, d.Chaincode
	return policy, err
}
