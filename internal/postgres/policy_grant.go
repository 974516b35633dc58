package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/ledger"
	"plinth/policy"
)

const grantColumns = `g.id, g.version, g.request_id, g.dataset, g.publisher, g.department, g.purpose, g.columns, g.masks,
	g.filter, g.all_rows, g.not_before, g.not_after, g.rows_per_day, g.state, g.reason, g.created_by, g.created_at,
	g.record_id, coalesce((SELECT l.state FROM ledger_state l WHERE l.id = g.record_id), 'pending'), coalesce(s.name, ''), coalesce(s.view, ''), coalesce(s.base, ''), coalesce(s.columns, '{}'),
	coalesce(s.rego, ''), coalesce(s.filter, ''), coalesce(s.select_sql, ''), coalesce(s.tokens, false), coalesce(s.checked, 0)`

func scanGrant(row pgx.CollectableRow) (g policy.Grant, err error) {
	s := &g.Scope
	err = row.Scan(&g.ID, &g.Version, &g.Request, &g.Dataset, &g.Publisher, &g.Department, &g.Purpose, &g.Columns, &g.Masks,
		&g.Filter, &g.AllRows, &g.NotBefore, &g.NotAfter, &g.RowsPerDay, &g.State, &g.Reason, &g.CreatedBy, &g.CreatedAt,
		&g.Record, &g.Evidence, &s.Name, &s.View, &s.Base, &s.Columns, &s.Rego, &s.Filter, &s.Select, &s.Tokens, &s.Checked)
	if s.Name != "" {
		s.Database = "s_" + s.Name
	}
	return g, err
}

func plinthNotFound(err error) bool { return errors.Is(err, plinth.ErrNotFound) }

func insertGrant(ctx context.Context, tx pgx.Tx, g policy.Grant) error {
	scope, err := insertScope(ctx, tx, g.Scope)
	if err != nil {
		return err
	}
	masks := g.Masks
	if masks == nil {
		masks = map[string]policy.Mask{}
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO policy_grant (id, version, request_id, dataset, publisher, department, purpose, columns, masks, filter,
			all_rows, not_before, not_after, rows_per_day, state, reason, scope, created_by, created_at, record_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
		g.ID, g.Version, g.Request, g.Dataset, g.Publisher, g.Department, g.Purpose, g.Columns, masks, filterJSON(g.Filter),
		g.AllRows, g.NotBefore, g.NotAfter, g.RowsPerDay, g.State, g.Reason, scope, g.CreatedBy, g.CreatedAt, g.Record)
	return err
}

// insertScope keeps a scope once and returns its name, or nil for a grant that has none.
func insertScope(ctx context.Context, tx pgx.Tx, s policy.Scope) (*string, error) {
	if s.Name == "" {
		return nil, nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO policy_scope (name, view, base, columns, rego, filter, select_sql, tokens, checked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name) DO NOTHING`,
		s.Name, s.View, s.Base, s.Columns, s.Rego, s.Filter, s.Select, s.Tokens, s.Checked)
	return &s.Name, err
}

// AddGrant implements policy.Grants.
func (s *Policy) AddGrant(ctx context.Context, g policy.Grant, rec ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		if err := insertGrant(ctx, tx, g); err != nil {
			return err
		}
		return s.db.AppendRecord(ctx, tx, rec)
	})
}

// Grant implements policy.Grants.
func (s *Policy) Grant(ctx context.Context, id plinth.GrantID) (policy.Grant, error) {
	rows, err := s.db.Query(ctx, `
		SELECT `+grantColumns+` FROM policy_grant g LEFT JOIN policy_scope s ON s.name = g.scope
		WHERE g.id = $1 ORDER BY g.version DESC LIMIT 1`, id)
	if err != nil {
		return policy.Grant{}, translate(err)
	}
	g, err := pgx.CollectExactlyOneRow(rows, scanGrant)
	if err != nil {
		return g, missing(err, "grant", string(id))
	}
	return g, nil
}

// stateAt tells a grant's state at the moment $1, as policy.Grant.StateAt does.
const stateAt = `CASE WHEN g.state <> 'active' THEN g.state WHEN $1 < g.not_before THEN 'pending'
	WHEN $1 >= g.not_after THEN 'expired' ELSE 'active' END`

// Grants implements policy.Grants.
func (s *Policy) Grants(ctx context.Context, f policy.GrantFilter) ([]policy.Grant, int, error) {
	const where = ` FROM policy_grant_newest g LEFT JOIN policy_scope s ON s.name = g.scope
		WHERE ($2 = '' OR ` + stateAt + ` = $2) AND ($3 = '' OR g.dataset = $3) AND ($4 = '' OR g.department = $4)
		AND ($5 = '' OR g.department = $5 OR g.publisher = $5)`
	args := []any{f.At, string(f.State), string(f.Dataset), string(f.Department), string(f.Either)}
	return page(ctx, s.db, grantColumns, where, args, f.Page, scanGrant)
}

// LiveScopes implements policy.ScopeList.
func (s *Policy) LiveScopes(ctx context.Context, at, soon time.Time) ([]policy.Scope, time.Time, error) {
	rows, err := s.db.Query(ctx, `
		SELECT DISTINCT ON (s.name) `+grantColumns+` FROM policy_grant_newest g JOIN policy_scope s ON s.name = g.scope
		WHERE g.state = 'active' AND g.not_before <= $2 AND g.not_after > $1 ORDER BY s.name, g.id`, at, soon)
	if err != nil {
		return nil, time.Time{}, translate(err)
	}
	grants, err := pgx.CollectRows(rows, scanGrant)
	if err != nil {
		return nil, time.Time{}, translate(err)
	}
	scopes := make([]policy.Scope, len(grants))
	for i, g := range grants {
		scopes[i] = g.Scope
	}
	next, err := s.nextChange(ctx, at, soon)
	return scopes, next, err
}

// nextChange is when the list of live scopes changes without anyone's doing; zero when it does not.
func (s *Policy) nextChange(ctx context.Context, at, soon time.Time) (time.Time, error) {
	var next *time.Time
	err := s.db.QueryRow(ctx, `
		SELECT min(t) FROM (
			SELECT min(not_after) AS t FROM policy_grant_newest WHERE state = 'active' AND not_after > $1
			UNION ALL
			SELECT min(not_before - ($2::timestamptz - $1::timestamptz)) FROM policy_grant_newest
			WHERE state = 'active' AND not_before > $2) x`, at, soon).Scan(&next)
	if err != nil || next == nil {
		return time.Time{}, translate(err)
	}
	return *next, nil
}
