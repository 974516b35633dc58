package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"plinth"
	"plinth/api"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/ledger"
	"plinth/ledger/audit"
	"plinth/ledger/audit/drill"
	"plinth/ledger/inspection"
	"plinth/ledger/sequencer"
	"plinth/pipelines"
)

// inspector makes exports of the house and has them audited and drilled with.
type inspector struct {
	house  *house
	policy ledger.Policy
	export *api.Export
}

// newInspector prepares exports in the data folder. What they are made of is opened by then or soon after.
func (h *house) newInspector(policy ledger.Policy, roots []ledger.TrustedRoot) *inspector {
	i := &inspector{house: h, policy: policy, export: &api.Export{Dir: filepath.Join(h.cfg.Data, "export")}}
	i.export.Make = func(ctx context.Context, progress func(string, int64, int64)) error {
		return h.logs.Export(ctx, i.export.Dir, sequencer.ExportFrom{Store: postgres.NewLedger(h.pg), Blocks: h.chain,
			Rows: segmentRows{clickhouse.NewReadings(h.ch)}, Roots: roots, Progress: progress})
	}
	return i
}

// works are what the desk carries out.
func (i *inspector) works() map[inspection.Kind]inspection.Work {
	return map[inspection.Kind]inspection.Work{inspection.Audit: i.audit, inspection.Drill: i.drill}
}

// audit audits the house as it is now.
func (i *inspector) audit(ctx context.Context, _ inspection.Job, _ string, tell func(inspection.Progress)) (inspection.Outcome, error) {
	var r audit.Report
	err := i.withFresh(ctx, tell, func(p ledger.Policy) (err error) {
		r, err = audit.Run(ctx, i.export.Dir, p, audit.Options{Progress: func(p audit.Progress) {
			tell(inspection.Progress{Stage: string(p.Stage), Done: p.Done, Total: p.Total})
		}})
		return err
	})
	if err != nil {
		return inspection.Outcome{}, err
	}
	return inspection.Outcome{Word: string(r.Word), Report: r.JSON()}, nil
}

// drill alters copies of the house's export.
func (i *inspector) drill(ctx context.Context, j inspection.Job, scratch string, tell func(inspection.Progress)) (inspection.Outcome, error) {
	var r drill.Result
	err := i.withFresh(ctx, tell, func(p ledger.Policy) (err error) {
		r, err = drill.Run(ctx, i.export.Dir, scratch, p, drill.Options{Seed: j.Seed, Rounds: j.Rounds, Progress: func(p drill.Progress) {
			tell(inspection.Progress{Stage: "drill", Done: int64(p.Done), Total: int64(p.Total)})
		}})
		if err != nil {
			return plinth.Errorf(plinth.ErrConflict, "%w", err)
		}
		return nil
	})
	if err != nil {
		return inspection.Outcome{}, err
	}
	word := "passed"
	if !r.Passed() {
		word = "failed"
	}
	report, err := json.Marshal(r)
	return inspection.Outcome{Word: word, Report: report}, err
}

// withFresh brings the export up to date and has it looked at, with what it must satisfy now.
func (i *inspector) withFresh(ctx context.Context, tell func(inspection.Progress), look func(ledger.Policy) error) error {
	p := i.policy
	p.At = i.house.now()
	return i.export.Use(ctx, func(part string, done, total int64) {
		tell(inspection.Progress{Stage: "export", Done: done, Total: total})
	}, func() error { return look(p) })
}

// segmentRows reads the stored readings as the ledger knows them.
type segmentRows struct{ readings *clickhouse.Readings }

// Rows implements sequencer.RowSource.
func (s segmentRows) Rows(ctx context.Context, devices []string, from, to time.Time) ([]ledger.Reading, error) {
	ids := make([]plinth.DeviceID, len(devices))
	for i, d := range devices {
		ids[i] = plinth.DeviceID(d)
	}
	rows, err := s.readings.Window(ctx, ids, from, to)
	return pipelines.EvidenceReadings(rows), err
}
