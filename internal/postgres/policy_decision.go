package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/ledger"
	"plinth/policy"
)

const decisionColumns = `d.id, d.permit, d.subject, d.department, d.action, d.dataset, d.grant_id, d.grant_version, d.purpose,
	d.columns, d.reasons, d.would_pass_if, d.obligations, d.at, d.policy_rev, d.data_rev, d.statement, d.sql_sha256,
	d.reserved, d.rows, d.outcome, d.record_id, coalesce(l.state, 'pending')`

func scanDecision(row pgx.CollectableRow) (d policy.Decision, err error) {
	return d, row.Scan(&d.ID, &d.Permit, &d.Subject, &d.Department, &d.Action, &d.Dataset, &d.Grant, &d.GrantVersion, &d.Purpose,
		&d.Columns, &d.Reasons, &d.WouldPassIf, &d.Obligations, &d.At, &d.PolicyRev, &d.DataRev, &d.Statement, &d.SQLSHA256,
		&d.Reserved, &d.Rows, &d.Outcome, &d.Record, &d.Evidence)
}

// AddDecision implements policy.Decisions.
func (s *Policy) AddDecision(ctx context.Context, d policy.Decision, rec ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		if d.Outcome == policy.Running {
			if err := lockCase(ctx, tx, rec.Case); err != nil {
				return err
			}
			if err := stillNewest(ctx, tx, d); err != nil {
				return err
			}
			if err := reserve(ctx, tx, d); err != nil {
				return err
			}
		} else {
			d.Reserved = 0
		}
		if err := insertDecision(ctx, tx, d); err != nil {
			return err
		}
		used, err := registrations(ctx, tx, string(d.Dataset))
		if err != nil {
			return err
		}
		rec.Inputs = append(slices.Clone(rec.Inputs), used...)
		return s.db.AppendRecord(ctx, tx, rec)
	})
}

// stillNewest refuses a permission that was judged on a version which has been superseded since.
func stillNewest(ctx context.Context, tx pgx.Tx, d policy.Decision) error {
	var ok bool
	err := tx.QueryRow(ctx, `
		SELECT max(version) = $2 AND bool_or(version = $2 AND state = 'active') FROM policy_grant WHERE id = $1`,
		d.Grant, d.GrantVersion).Scan(&ok)
	if err != nil {
		return err
	}
	if !ok {
		return plinth.Errorf(plinth.ErrConflict, "the grant has changed")
	}
	return nil
}

// reserve holds back the rows a query may read, so that queries running side by side share one quota.
func reserve(ctx context.Context, tx pgx.Tx, d policy.Decision) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO policy_usage (grant_id, subject, day) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		d.Grant, d.Subject, policy.Day(d.At))
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `
		UPDATE policy_usage SET reserved = reserved + $4
		WHERE grant_id = $1 AND subject = $2 AND day = $3 AND rows + reserved + $4 <= $5`,
		d.Grant, d.Subject, policy.Day(d.At), d.Reserved, d.Quota)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != 1 {
		return plinth.Errorf(plinth.ErrExhausted, "the day's quota is used up")
	}
	return nil
}

func insertDecision(ctx context.Context, tx pgx.Tx, d policy.Decision) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO policy_decision (id, permit, subject, department, action, dataset, grant_id, grant_version, purpose,
			columns, reasons, would_pass_if, obligations, at, policy_rev, data_rev, statement, sql_sha256, day, reserved,
			outcome, record_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`,
		d.ID, d.Permit, d.Subject, d.Department, d.Action, d.Dataset, d.Grant, d.GrantVersion, d.Purpose, list(d.Columns),
		d.Reasons, list(d.WouldPassIf), list(d.Obligations), d.At, d.PolicyRev, d.DataRev, d.Statement, d.SQLSHA256,
		policy.Day(d.At), d.Reserved, d.Outcome, d.Record)
	return err
}

// list keeps an absent list an empty one, never null.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// FinishDecision implements policy.Decisions.
func (s *Policy) FinishDecision(ctx context.Context, id plinth.DecisionID, o policy.Outcome, n int64, at time.Time, rec ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		var reserved int64
		var grant, subject string
		var day time.Time
		err := tx.QueryRow(ctx, `
			UPDATE policy_decision SET outcome = $2, rows = $3, finished_at = $4
			WHERE id = $1 AND outcome = 'running' RETURNING reserved, grant_id, subject, day`,
			id, o, n, at).Scan(&reserved, &grant, &subject, &day)
		if errors.Is(err, pgx.ErrNoRows) {
			return plinth.Errorf(plinth.ErrConflict, "the query has its outcome already")
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE policy_usage SET reserved = reserved - $4, rows = rows + $5
			WHERE grant_id = $1 AND subject = $2 AND day = $3`, grant, subject, day, reserved, n)
		if err != nil {
			return err
		}
		return s.db.AppendRecord(ctx, tx, rec)
	})
}

// Decision implements policy.Decisions.
func (s *Policy) Decision(ctx context.Context, id plinth.DecisionID) (policy.Decision, error) {
	rows, err := s.db.Query(ctx, `
		SELECT `+decisionColumns+` FROM policy_decision d LEFT JOIN ledger_state l ON l.id = d.record_id WHERE d.id = $1`, id)
	if err != nil {
		return policy.Decision{}, translate(err)
	}
	d, err := pgx.CollectExactlyOneRow(rows, scanDecision)
	if err != nil {
		return d, missing(err, "decision", string(id))
	}
	return d, nil
}

// Decisions implements policy.Decisions.
func (s *Policy) Decisions(ctx context.Context, f policy.DecisionFilter) ([]policy.Decision, int, error) {
	const where = ` FROM policy_decision d LEFT JOIN ledger_state l ON l.id = d.record_id
		WHERE ($1 = '' OR d.subject = $1) AND ($2 = '' OR d.dataset = $2) AND ($3 = '' OR d.grant_id = $3)
		AND ($4 = '' OR d.permit = ($4 = 'permit'))
		AND ($5 = '' OR d.department = $5 OR EXISTS (SELECT FROM policy_grant g WHERE g.id = d.grant_id AND g.publisher = $5))`
	args := []any{string(f.Subject), string(f.Dataset), string(f.Grant), f.Result, string(f.Either)}
	return page(ctx, s.db, decisionColumns, where, args, f.Page, scanDecision)
}

// Unfinished implements policy.Decisions.
func (s *Policy) Unfinished(ctx context.Context, before time.Time) ([]policy.Decision, error) {
	rows, err := s.db.Query(ctx, `
		SELECT `+decisionColumns+` FROM policy_decision d LEFT JOIN ledger_state l ON l.id = d.record_id
		WHERE d.outcome = 'running' AND d.at < $1 ORDER BY d.id LIMIT 1000`, before)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, scanDecision)
	return out, translate(err)
}

// RowsToday implements policy.Decisions.
func (s *Policy) RowsToday(ctx context.Context, g plinth.GrantID, subject plinth.AccountID, day string) (int64, error) {
	var n int64
	err := s.db.QueryRow(ctx, `
		SELECT coalesce(sum(rows + reserved), 0)::bigint FROM policy_usage WHERE grant_id = $1 AND subject = $2 AND day = $3::date`,
		string(g), string(subject), day).Scan(&n)
	return n, translate(err)
}
