package rego

import (
	"context"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/storage"

	"plinth/policy"
)

// patience is how long the engine goes without asking whether it is fresh. It is well below the policy's max_age_ms,
// so that one slow answer is not yet stale.
const patience = 500 * time.Millisecond

// Run keeps the data fresh until ctx ends. Trouble with the source makes the data stale, which the policy denies by;
// it never ends Run.
func (e *Engine) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := e.Refresh(ctx); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "policy data not refreshed", "err", err)
		}
		if err := e.source.Wait(ctx, patience); err != nil {
			pause(ctx, patience)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Refresh implements policy.Engine.
func (e *Engine) Refresh(ctx context.Context) error {
	e.loading.Lock()
	defer e.loading.Unlock()
	asked := e.now()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	snap, err := e.source.Changes(ctx, e.dataRev) // only loaders write dataRev, and this is the one
	if err != nil {
		return fmt.Errorf("read policy data: %w", err)
	}
	if snap.Rev < e.dataRev {
		return fmt.Errorf("policy data went back from revision %d to %d", e.dataRev, snap.Rev)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.put(ctx, snap); err != nil {
		return fmt.Errorf("store policy data: %w", err)
	}
	e.dataRev, e.asOf = snap.Rev, asked
	return nil
}

// put writes the snapshot in one transaction of OPA's store.
func (e *Engine) put(ctx context.Context, snap policy.Snapshot) error {
	if len(snap.Grants) == 0 && len(snap.Risk) == 0 {
		return nil
	}
	err := storage.Txn(ctx, e.store, storage.WriteParams, func(txn storage.Transaction) error {
		return e.write(ctx, txn, snap)
	})
	if err != nil {
		return err
	}
	for _, g := range snap.Grants {
		e.grants[g.ID] = g
	}
	return nil
}

func (e *Engine) write(ctx context.Context, txn storage.Transaction, snap policy.Snapshot) error {
	for _, g := range snap.Grants {
		if err := e.store.Write(ctx, txn, storage.AddOp, storage.Path{"grants", string(g.ID)}, document(g)); err != nil {
			return err
		}
	}
	for id, r := range snap.Risk {
		doc := map[string]any{"band": r.Band, "contained": r.Contained}
		if err := e.store.Write(ctx, txn, storage.AddOp, storage.Path{"risk", string(id)}, doc); err != nil {
			return err
		}
	}
	return nil
}

// document is a grant as the policy sees it.
func document(g policy.Grant) map[string]any {
	columns := make([]any, len(g.Columns))
	for i, c := range g.Columns {
		columns[i] = c
	}
	masks := make(map[string]any, len(g.Masks))
	for c, m := range g.Masks {
		masks[c] = string(m)
	}
	return map[string]any{"id": string(g.ID), "state": string(g.State), "dataset": string(g.Dataset),
		"department": string(g.Department), "purpose": g.Purpose, "columns": columns, "masks": masks,
		"not_before": num(g.NotBefore.UnixMilli()), "not_after": num(g.NotAfter.UnixMilli()),
		"rows_per_day": num(g.RowsPerDay)}
}

// State is how fresh the engine is, for the service's readiness.
func (e *Engine) State() (policyRev string, dataRev int64, age time.Duration) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.rev, e.dataRev, time.Duration(e.age()) * time.Millisecond
}
