package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/internal/periodic"
	"plinth/ledger"
)

// Ask decides a bare question of the caller and records question and answer.
func (d *Desk) Ask(ctx context.Context, q Question) (Decision, error) {
	if q.Action == "" {
		q.Action = Query
	}
	if q.Action != Query && q.Action != Preview && q.Action != Export {
		return Decision{}, plinth.Invalid("action", "%q is not query, preview or export", q.Action)
	}
	return d.decide(ctx, q, NoOutcome)
}

// Intend decides a query and writes the intent before any data moves. A denial comes back as a Decision that does not
// permit; an error means that nothing was recorded, so nothing may run.
func (d *Desk) Intend(ctx context.Context, q Question) (Decision, error) {
	q.Action = Query
	return d.decide(ctx, q, Running)
}

func (d *Desk) decide(ctx context.Context, q Question, permitted Outcome) (Decision, error) {
	q.At = d.Now().UTC()
	var err error
	q.RowsToday, err = d.Store.RowsToday(ctx, q.Grant, q.Subject.Account, Day(q.At))
	if err != nil {
		return Decision{}, fmt.Errorf("read quota: %w", err)
	}
	dec := decision(q, d.Engine.Decide(ctx, q))
	if dec.Permit && permitted == Running {
		dec.Outcome = Running
	}
	return d.write(ctx, q, dec)
}

// decision joins question and verdict.
func decision(q Question, v Verdict) Decision {
	dec := Decision{ID: plinth.DecisionID(plinth.NewID("dc")), Permit: v.Permit, Subject: q.Subject.Account,
		Department: q.Subject.Department, Action: q.Action, Dataset: q.Dataset, Grant: q.Grant, Request: v.Grant.Request, GrantRecord: v.Grant.Record,
		GrantVersion: v.Grant.Version, Purpose: q.Purpose, Columns: q.Columns, Reasons: v.Reasons,
		WouldPassIf: v.WouldPassIf, Obligations: v.Obligations, At: q.At, PolicyRev: v.PolicyRev, DataRev: v.DataRev,
		Statement: q.Text, Quota: v.Quota, Scope: v.Grant.Scope}
	if dec.Dataset == "" {
		dec.Dataset = v.Grant.Dataset
	}
	if q.Text != "" {
		sum := sha256.Sum256([]byte(q.Text))
		dec.SQLSHA256 = hex.EncodeToString(sum[:])
	}
	if v.Permit {
		dec.Reserved = v.Rows
	}
	return dec
}

// write records the decision. When the store finds that a premise no longer holds, the denial that follows from it is
// recorded instead.
func (d *Desk) write(ctx context.Context, q Question, dec Decision) (Decision, error) {
	err := d.add(ctx, &dec)
	switch {
	case err == nil:
		return dec, nil
	case errors.Is(err, plinth.ErrExhausted):
		dec = overturn(dec, "quota.left", Text{"当日额度已被并行的查询用完", "queries running now hold the rest of the day's quota"})
	case errors.Is(err, plinth.ErrConflict):
		dec = overturn(dec, "data.fresh", Text{"授权在判定时发生了变化，请重试", "the grant changed while it was judged; try again"})
	default:
		return Decision{}, fmt.Errorf("record decision: %w", err)
	}
	if err := d.add(ctx, &dec); err != nil {
		return Decision{}, fmt.Errorf("record decision: %w", err)
	}
	return dec, nil
}

func overturn(dec Decision, rule string, why Text) Decision {
	dec.Permit, dec.Outcome, dec.Reserved, dec.Obligations = false, NoOutcome, 0, nil
	reasons := make([]Reason, 0, len(dec.Reasons)+1)
	for _, r := range dec.Reasons {
		if r.Rule != rule {
			reasons = append(reasons, r)
		}
	}
	dec.Reasons = append(reasons, Reason{Rule: rule, OK: false, Detail: why})
	dec.WouldPassIf = []string{why.ZH + " / " + why.EN}
	return dec
}

func (d *Desk) add(ctx context.Context, dec *Decision) error {
	kind := "decision.deny"
	if dec.Permit {
		kind = "decision.permit"
	}
	rec := record(kind, string(dec.Department), dec.subject(), dec.inCase(), dec.At, dec.fact())
	rec.Relation, dec.Record = ledger.Used, rec.ID
	if dec.GrantRecord != uuid.Nil {
		rec.Inputs = []uuid.UUID{dec.GrantRecord}
	}
	return d.Store.AddDecision(ctx, *dec, rec)
}

// Finish writes what became of a running query.
func (d *Desk) Finish(ctx context.Context, dec Decision, o Outcome, rows int64) error {
	now := d.Now().UTC()
	rec := record("query."+string(o), string(dec.Department), dec.subject(), "", now, struct {
		Decision, Outcome string
		Rows              int64
	}{string(dec.ID), string(o), rows}, dec.Record)
	rec.Relation = ledger.Derived
	return d.Store.FinishDecision(ctx, dec.ID, o, rows, now, rec)
}

// longest is more than any query takes; one that began earlier has lost its process.
const longest = 5 * time.Minute

// Settle gives queries whose process died an outcome. How much they gave is not known, so all they might have given is
// charged.
func (d *Desk) Settle(ctx context.Context) error {
	lost, err := d.Store.Unfinished(ctx, d.Now().Add(-longest))
	if err != nil {
		return err
	}
	for _, dec := range lost {
		if err := d.Finish(ctx, dec, Failed, dec.Reserved); err != nil && !errors.Is(err, plinth.ErrConflict) {
			return err
		}
	}
	return nil
}

// Run settles lost queries at the start and every few minutes until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	return periodic.AtOnce(longest).Try(ctx, d.Log, "lost queries not settled", d.Settle)
}

// subject keeps all decisions of one grant under one sequence, so that a gap in them shows.
func (dec Decision) subject() string {
	if dec.GrantVersion == 0 {
		return "account:" + string(dec.Subject)
	}
	return "grant:" + string(dec.Grant)
}

// inCase is the case that the decision is a step of: the permission to read under a grant is the use, and one of its
// request's steps. Its outcome is not: it may come after a revocation, which no use may. A denial and a bare question
// use nothing, else anybody could fill another's case.
func (dec Decision) inCase() string {
	if dec.Outcome != Running || dec.Request == "" {
		return ""
	}
	return caseOf(dec.Request)
}

// fact is the part of a decision that its evidence commits to.
func (dec Decision) fact() any {
	return struct {
		ID                          string
		Permit                      bool
		Subject, Department, Action string
		Dataset, Grant              string
		GrantVersion                int
		Purpose                     string
		Columns                     []string
		Failed, Obligations         []string
		At                          time.Time
		PolicyRev                   string
		DataRev                     int64
		SQLSHA256                   string
		Scope                       string
	}{string(dec.ID), dec.Permit, string(dec.Subject), string(dec.Department), string(dec.Action), string(dec.Dataset),
		string(dec.Grant), dec.GrantVersion, dec.Purpose, dec.Columns, dec.Failed(), dec.Obligations, dec.At,
		dec.PolicyRev, dec.DataRev, dec.SQLSHA256, dec.Scope.Name}
}

// Failed are the names of the premises that did not hold.
func (dec Decision) Failed() []string {
	var out []string
	for _, r := range dec.Reasons {
		if !r.OK {
			out = append(out, r.Rule)
		}
	}
	return out
}

// Err is the denial as an error that names the rules, or nil for a permission.
func (dec Decision) Err() error {
	if dec.Permit {
		return nil
	}
	var why []string
	for _, r := range dec.Reasons {
		if !r.OK {
			why = append(why, r.Rule+": "+r.Detail.EN)
		}
	}
	return plinth.Errorf(plinth.ErrDenied, "denied by %s (decision %s)", strings.Join(why, "; "), dec.ID)
}

// Decision returns one decision, if p may see it.
func (d *Desk) Decision(ctx context.Context, p plinth.Principal, id plinth.DecisionID) (Decision, error) {
	dec, err := d.Store.Decision(ctx, id)
	if err != nil {
		return dec, err
	}
	if reach(p) || p.Department != "" && p.Department == dec.Department {
		return dec, nil
	}
	if g, err := d.Store.Grant(ctx, dec.Grant); err == nil && p.Department != "" && p.Department == g.Publisher {
		return dec, nil
	}
	return Decision{}, plinth.Errorf(plinth.ErrNotFound, "there is no decision %q", id)
}

// Decisions lists the decisions p may see.
func (d *Desk) Decisions(ctx context.Context, p plinth.Principal, f DecisionFilter) ([]Decision, int, error) {
	if !reach(p) {
		if p.Department == "" {
			return nil, 0, nil
		}
		f.Either = p.Department
	}
	return d.Store.Decisions(ctx, f)
}
