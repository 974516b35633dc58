package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"plinth/api"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/ledger"
	"plinth/ledger/fabric"
	"plinth/ledger/fabric/network"
	"plinth/ledger/inspection"
	"plinth/ledger/sequencer"
	"plinth/pipelines"
)

// openLedger opens the logs and the way to the chain.
func (h *house) openLedger(ctx context.Context) error {
	chain, err := fabric.Open(fabric.Config{Network: h.cfg.Fabric.Network, State: filepath.Join(h.cfg.Data, "fabric-client")}, h.log)
	if err != nil {
		return err
	}
	h.chain = chain
	h.onClose(chain.Close)
	net, trust, err := trustOf(h.cfg.Fabric.Network)
	if err != nil {
		return err
	}
	policy, err := trust.Policy()
	if err != nil {
		return err
	}
	policy.Channel, policy.Chaincode = net.Channel, net.Chaincode
	timestamper, err := openTimestamper(h.cfg.Ledger, &policy)
	if err != nil {
		return err
	}
	store := postgres.NewLedger(h.pg)
	logs, err := sequencer.Open(ctx, sequencer.Config{Dir: filepath.Join(h.cfg.Data, "ledger"), Name: h.cfg.Ledger.Name,
		AnchorEvery: h.cfg.Ledger.AnchorEvery, Twin: h.cfg.Ledger.Twin == "sm3", Trust: policy, Timestamper: timestamper}, store, chain, h.now, h.log)
	if err != nil {
		return err
	}
	h.logs = logs
	h.onClose(func() { _ = logs.Close() })
	h.task("sequencer", logs.Run)
	inspector := h.newInspector(policy, trust.Roots)
	if err := inspector.export.Recover(); err != nil {
		return err
	}
	desk, err := h.openDesk(ctx, inspector.works())
	if err != nil {
		return err
	}
	evidence := api.Evidence{Store: store, Sequencer: logs, Chain: chain, Channel: net.Channel, Roots: trust.Roots, Desk: desk, Export: inspector.export, Now: h.now}
	for _, c := range policy.TimestampRoots {
		evidence.TimestampRoots = append(evidence.TimestampRoots, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
	}
	evidence.Segments = sequencer.Devices{Logs: logs, Store: store, Rows: pipelines.EvidenceRows{Rows: clickhouse.NewReadings(h.ch)}}
	h.services = append(h.services, api.NewEvidence(evidence))
	h.routes = append(append(h.routes, api.EvidenceRoutes(evidence)...), api.CaseRoutes(evidence)...)
	h.routes = append(h.routes, api.ExportRoutes(inspector.export)...)
	return nil
}

// openDesk opens the desk that carries out audits and drills.
func (h *house) openDesk(ctx context.Context, works map[inspection.Kind]inspection.Work) (*inspection.Desk, error) {
	desk, err := inspection.Open(ctx, inspection.Config{Store: postgres.NewInspections(h.pg), Works: works,
		Scratch: filepath.Join(h.cfg.Data, "inspections"), Now: h.now, Log: h.log})
	if err != nil {
		return nil, err
	}
	h.task("inspections", desk.Run)
	return desk, nil
}

// openTimestamper returns the configured time-stamp authority, nil without, and adds its roots to the policy.
func openTimestamper(c LedgerConfig, p *ledger.Policy) (sequencer.Timestamper, error) {
	if c.TSAURL == "" {
		return nil, nil
	}
	b, err := os.ReadFile(c.TSARoots)
	if err != nil {
		return nil, fmt.Errorf("ledger-tsa-roots: %w", err)
	}
	if p.TimestampRoots, err = ledger.ParseCertificates(b); err != nil {
		return nil, fmt.Errorf("ledger-tsa-roots: %w", err)
	}
	return sequencer.HTTPTimestamper{URL: c.TSAURL}, nil
}

// trustOf reads the network's description and the root certificates it names.
func trustOf(path string) (network.Description, ledger.Trust, error) {
	d, err := network.Read(path)
	if err != nil {
		return network.Description{}, ledger.Trust{}, err
	}
	trust, err := d.Trust()
	return d, trust, err
}
