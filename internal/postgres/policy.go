package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/ledger"
	"plinth/policy"
)

// Policy keeps requests, grants and decisions. Every write commits with its ledger records.
type Policy struct{ db *DB }

var _ policy.Store = (*Policy)(nil)

// NewPolicy returns the store of the policy room.
func NewPolicy(db *DB) *Policy { return &Policy{db} }

// Purposes implements policy.Rules.
func (s *Policy) Purposes(ctx context.Context) ([]policy.Purpose, error) {
	rows, err := s.db.Query(ctx, `SELECT id, name_zh, name_en FROM policy_purpose ORDER BY rank`)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (p policy.Purpose, err error) {
		return p, r.Scan(&p.ID, &p.Name.ZH, &p.Name.EN)
	})
	return out, translate(err)
}

// Rule implements policy.Rules.
func (s *Policy) Rule(ctx context.Context, key string, at time.Time) (policy.Rule, error) {
	r := policy.Rule{Key: key}
	err := s.db.QueryRow(ctx, `
		SELECT value, source FROM policy_rule WHERE key = $1 AND valid_from <= $2 ORDER BY valid_from DESC LIMIT 1`,
		key, at).Scan(&r.Value, &r.Source)
	if err != nil {
		return r, fmt.Errorf("rule %s: %w", key, translate(err))
	}
	return r, nil
}

const requestColumns = `id, dataset, publisher, department, purpose, reason, columns, filter, all_rows, not_before,
	not_after, state, created_by, created_at, due_at, answer, answered_by, coalesce(answered_at, 'epoch'), grant_id, record_id,
	coalesce((SELECT l.state FROM ledger_state l WHERE l.id = record_id), 'pending')`

func scanRequest(row pgx.CollectableRow) (r policy.Request, err error) {
	err = row.Scan(&r.ID, &r.Dataset, &r.Publisher, &r.Department, &r.Purpose, &r.Reason, &r.Columns, &r.Filter, &r.AllRows,
		&r.NotBefore, &r.NotAfter, &r.State, &r.CreatedBy, &r.CreatedAt, &r.DueAt, &r.Answer, &r.AnsweredBy, &r.AnsweredAt,
		&r.Grant, &r.Record, &r.Evidence)
	if r.State == policy.WithProvider {
		r.AnsweredAt = time.Time{}
	}
	return r, err
}

// AddRequest implements policy.Requests.
func (s *Policy) AddRequest(ctx context.Context, r policy.Request, rec ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO policy_request (id, dataset, publisher, department, purpose, reason, columns, filter, all_rows,
				not_before, not_after, state, created_by, created_at, due_at, record_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
			r.ID, r.Dataset, r.Publisher, r.Department, r.Purpose, r.Reason, r.Columns, filterJSON(r.Filter), r.AllRows,
			r.NotBefore, r.NotAfter, r.State, r.CreatedBy, r.CreatedAt, r.DueAt, r.Record)
		if err != nil {
			return err
		}
		used, err := registrations(ctx, tx, string(r.Dataset))
		if err != nil {
			return err
		}
		rec.Inputs = append(slices.Clone(rec.Inputs), used...)
		return s.addStep(ctx, tx, r.ID, rec, r.CreatedBy, r.Reason)
	})
}

// filterJSON keeps an empty filter an empty list, never null.
func filterJSON(f []policy.Condition) []policy.Condition {
	if f == nil {
		return []policy.Condition{}
	}
	return f
}

func (s *Policy) addStep(ctx context.Context, tx pgx.Tx, id plinth.RequestID, rec ledger.Record, actor plinth.AccountID, note string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO policy_request_step (request_id, at, actor, action, note, record_id) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, rec.From, actor, rec.Kind, note, rec.ID)
	if err != nil {
		return err
	}
	return s.db.AppendRecord(ctx, tx, rec)
}

// Request implements policy.Requests.
func (s *Policy) Request(ctx context.Context, id plinth.RequestID) (policy.Request, []policy.Step, error) {
	rows, err := s.db.Query(ctx, `SELECT `+requestColumns+` FROM policy_request WHERE id = $1`, id)
	if err != nil {
		return policy.Request{}, nil, translate(err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRequest)
	if err != nil {
		return r, nil, missing(err, "request", string(id))
	}
	rows, err = s.db.Query(ctx, `
		SELECT s.at, s.actor, s.action, s.note, s.record_id, coalesce(l.state, 'pending')
		FROM policy_request_step s LEFT JOIN ledger_state l ON l.id = s.record_id WHERE s.request_id = $1 ORDER BY s.n`, id)
	if err != nil {
		return r, nil, translate(err)
	}
	steps, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (st policy.Step, err error) {
		return st, row.Scan(&st.At, &st.Actor, &st.Action, &st.Note, &st.Record, &st.Evidence)
	})
	return r, steps, translate(err)
}

// missing says what was not found.
func missing(err error, what, id string) error {
	if err = translate(err); plinthNotFound(err) {
		return plinth.Errorf(plinth.ErrNotFound, "there is no %s %.80q", what, id)
	}
	return err
}

// Requests implements policy.Requests.
func (s *Policy) Requests(ctx context.Context, f policy.RequestFilter) ([]policy.Request, int, error) {
	const where = ` FROM policy_request
		WHERE ($1 = '' OR state = $1) AND ($2 = '' OR dataset = $2) AND ($3 = '' OR department = $3)
		AND ($4 = '' OR department = $4 OR publisher = $4) AND ($5 = '' OR created_by = $5)`
	args := []any{string(f.State), string(f.Dataset), string(f.Department), string(f.Either), string(f.CreatedBy)}
	return page(ctx, s.db, requestColumns, where, args, f.Page, scanRequest)
}

// page reads one page, newest first, and counts the whole list. The first column is the sortable key.
func page[T any](ctx context.Context, db *DB, columns, where string, args []any, p policy.Page,
	scan func(pgx.CollectableRow) (T, error)) ([]T, int, error) {
	var total int
	if err := db.QueryRow(ctx, `SELECT count(*)`+where, args...).Scan(&total); err != nil {
		return nil, 0, translate(err)
	}
	n, key := len(args), columns[:strings.IndexByte(columns, ',')]
	query := fmt.Sprintf(`SELECT %s%s AND ($%d = '' OR %s < $%d) ORDER BY %s DESC LIMIT $%d`, columns, where, n+1, key, n+1, key, n+2)
	rows, err := db.Query(ctx, query, append(args, p.After, p.Limit())...)
	if err != nil {
		return nil, 0, translate(err)
	}
	out, err := pgx.CollectRows(rows, scan)
	return out, total, translate(err)
}

// AnswerRequest implements policy.Requests.
func (s *Policy) AnswerRequest(ctx context.Context, r policy.Request, g *policy.Grant, recs ...ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE policy_request SET state = $2, answer = $3, answered_by = $4, answered_at = $5, grant_id = $6, record_id = $7
			WHERE id = $1 AND state = 'with_provider'`,
			r.ID, r.State, r.Answer, r.AnsweredBy, r.AnsweredAt, r.Grant, r.Record)
		if err != nil {
			return err
		}
		if tag.RowsAffected() != 1 {
			return plinth.Errorf(plinth.ErrConflict, "the request is answered already")
		}
		for _, rec := range recs {
			if err := s.addStep(ctx, tx, r.ID, rec, r.AnsweredBy, r.Answer); err != nil {
				return err
			}
		}
		if g == nil {
			return nil
		}
		return insertGrant(ctx, tx, *g)
	})
}
