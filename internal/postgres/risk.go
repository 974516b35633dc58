package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/ledger"
	"plinth/policy"
	"plinth/security"
)

// Risk keeps alerts and scores, and reads consumers' habits from the decisions.
type Risk struct{ db *DB }

var (
	_ security.Watched = (*Risk)(nil)
	_ security.Scores  = (*Risk)(nil)
	_ security.Alerts  = (*Risk)(nil)
)

// NewRisk returns the store of the security room's risk part.
func NewRisk(db *DB) *Risk { return &Risk{db} }

// RiskRules implements security.Watched.
func (s *Risk) RiskRules(ctx context.Context, at time.Time) ([]security.RiskRule, error) {
	rows, err := s.db.Query(ctx, `
		SELECT id, title_zh, title_en, severity, params FROM (
			SELECT DISTINCT ON (id) * FROM risk_rule WHERE valid_from <= $1 ORDER BY id, valid_from DESC) r
		WHERE enabled ORDER BY id`, at)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r security.RiskRule, err error) {
		return r, row.Scan(&r.ID, &r.Title.ZH, &r.Title.EN, &r.Severity, &r.Params)
	})
	return out, translate(err)
}

// Uses implements security.Watched. Days that the simulated district told of count like real ones.
func (s *Risk) Uses(ctx context.Context, consumer plinth.AccountID, dataset plinth.DatasetID, first, last string) ([]security.Use, error) {
	rows, err := s.db.Query(ctx, `
		SELECT max(department), dataset, day::text, sum(rows)::bigint, sum(queries)::bigint, sum(denied)::bigint FROM (
			SELECT department, dataset, day, rows, (permit AND outcome <> '')::int AS queries, (NOT permit)::int AS denied
			FROM policy_decision WHERE subject = $1
			UNION ALL
			SELECT department, dataset, day, rows, queries, 0 FROM risk_simulated_use WHERE consumer = $1) u
		WHERE ($2 = '' OR dataset = $2) AND day BETWEEN $3::date AND $4::date
		GROUP BY dataset, day ORDER BY dataset, day`, string(consumer), string(dataset), first, last)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (security.Use, error) {
		u := security.Use{Consumer: consumer}
		return u, row.Scan(&u.Department, &u.Dataset, &u.Day, &u.Rows, &u.Queries, &u.Denied)
	})
	return out, translate(err)
}

// DecisionsOf implements security.Watched.
func (s *Risk) DecisionsOf(ctx context.Context, consumer plinth.AccountID, dataset plinth.DatasetID, denied bool, since time.Time, most int) ([]plinth.DecisionID, int64, error) {
	rows, err := s.db.Query(ctx, `
		SELECT id, count(*) OVER () FROM policy_decision
		WHERE subject = $1 AND ($2 = '' OR dataset = $2) AND at >= $3
			AND CASE WHEN $4 THEN NOT permit ELSE permit AND rows > 0 END
		ORDER BY id DESC LIMIT $5`, string(consumer), string(dataset), since, denied, most)
	if err != nil {
		return nil, 0, translate(err)
	}
	var ids []plinth.DecisionID
	var id plinth.DecisionID
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error {
		ids = append(ids, id)
		return nil
	})
	return ids, n, translate(err)
}

// AddAlert implements security.Watched.
func (s *Risk) AddAlert(ctx context.Context, a security.Alert, rec ledger.Record) (bool, error) {
	first := false
	err := s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO risk_alert (id, rule, title_zh, title_en, severity, consumer, department, dataset, day, at, state,
				findings, decisions, record_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
			ON CONFLICT (rule, consumer, dataset, day) DO NOTHING`,
			a.ID, a.Rule, a.Title.ZH, a.Title.EN, a.Severity, a.Consumer, a.Department, a.Dataset, a.Day, a.At, a.State,
			a.Findings, decisionIDs(a.Decisions), a.Record)
		if first = err == nil && tag.RowsAffected() == 1; !first {
			return err
		}
		if rec, err = madeFrom(ctx, tx, rec, a.Decisions); err != nil {
			return err
		}
		return s.db.AppendRecord(ctx, tx, rec)
	})
	return first, err
}

// madeFrom says in an alert's record which decisions' records it follows from.
func madeFrom(ctx context.Context, tx pgx.Tx, rec ledger.Record, decisions []plinth.DecisionID) (ledger.Record, error) {
	rows, err := tx.Query(ctx, `SELECT record_id FROM policy_decision WHERE id = ANY($1) ORDER BY id LIMIT $2`,
		decisionIDs(decisions), ledger.MaxInputs)
	if err != nil {
		return rec, fmt.Errorf("read decisions of alert: %w", err)
	}
	if rec.Inputs, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
		return rec, fmt.Errorf("read decisions of alert: %w", err)
	}
	if len(rec.Inputs) > 0 {
		rec.Relation = ledger.Derived
	}
	return rec, nil
}

func decisionIDs(ids []plinth.DecisionID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

const alertColumns = `a.id, a.rule, a.title_zh, a.title_en, a.severity, a.consumer, a.department, a.dataset, a.day::text,
	a.at, a.state, a.handled_by, a.note, a.findings, a.decisions, a.record_id, coalesce(l.state, 'pending')`

const alertFrom = ` FROM risk_alert a LEFT JOIN ledger_state l ON l.id = a.record_id`

func scanAlert(row pgx.CollectableRow) (a security.Alert, err error) {
	return a, row.Scan(&a.ID, &a.Rule, &a.Title.ZH, &a.Title.EN, &a.Severity, &a.Consumer, &a.Department, &a.Dataset, &a.Day,
		&a.At, &a.State, &a.HandledBy, &a.Note, &a.Findings, &a.Decisions, &a.Record, &a.Evidence)
}

// AlertsOf implements security.Scores.
func (s *Risk) AlertsOf(ctx context.Context, consumer plinth.AccountID, since time.Time) ([]security.Alert, error) {
	rows, err := s.db.Query(ctx, `SELECT `+alertColumns+alertFrom+`
		WHERE a.consumer = $1 AND (a.at >= $2 OR a.state = 'contained') ORDER BY a.id`, consumer, since)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, scanAlert)
	return out, translate(err)
}

// SaveRisk implements security.Scores. A score that is as it was must not move the policy data.
func (s *Risk) SaveRisk(ctx context.Context, consumer plinth.AccountID, score float64, band string, contained bool, at time.Time) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO risk_consumer (account, score, band, contained, updated_at, rev)
		SELECT $1::text, $2::float8, $3::text, $4::boolean, $5::timestamptz, 0
		WHERE NOT EXISTS (SELECT FROM risk_consumer WHERE account = $1 AND score = $2 AND band = $3 AND contained = $4)
		ON CONFLICT (account) DO UPDATE SET score = $2, band = $3, contained = $4, updated_at = $5`,
		consumer, score, band, contained, at)
	return translate(err)
}

// Scored implements security.Scores.
func (s *Risk) Scored(ctx context.Context) ([]plinth.AccountID, error) {
	rows, err := s.db.Query(ctx, `SELECT account FROM risk_consumer WHERE score > 0 ORDER BY account`)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[plinth.AccountID])
	return out, translate(err)
}

// Alert implements security.Alerts.
func (s *Risk) Alert(ctx context.Context, id plinth.AlertID) (security.Alert, error) {
	rows, err := s.db.Query(ctx, `SELECT `+alertColumns+alertFrom+` WHERE a.id = $1`, id)
	if err != nil {
		return security.Alert{}, translate(err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAlert)
	if err != nil {
		return a, missing(err, "alert", string(id))
	}
	return a, nil
}

// Alerts implements security.Alerts.
func (s *Risk) Alerts(ctx context.Context, f security.AlertFilter) ([]security.Alert, int, error) {
	const where = alertFrom + ` WHERE ($1 = '' OR a.state = $1) AND ($2 = '' OR a.consumer = $2)`
	return page(ctx, s.db, alertColumns, where, []any{string(f.State), string(f.Consumer)}, f.Page, scanAlert)
}

// MoveAlert implements security.Alerts.
func (s *Risk) MoveAlert(ctx context.Context, a security.Alert, from security.AlertState, rec ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE risk_alert SET state = $3, handled_by = $4, note = $5, record_id = $6 WHERE id = $1 AND state = $2`,
			a.ID, from, a.State, a.HandledBy, a.Note, a.Record)
		if err != nil {
			return err
		}
		if tag.RowsAffected() != 1 {
			return plinth.Errorf(plinth.ErrConflict, "someone else handled the alert, look again")
		}
		return s.db.AppendRecord(ctx, tx, rec)
	})
}

// Consumers implements security.Alerts. The page goes on after the consumer named by After, by risk and then by name.
func (s *Risk) Consumers(ctx context.Context, p policy.Page, day string) ([]security.Consumer, error) {
	rows, err := s.db.Query(ctx, `
		WITH used AS (
			SELECT subject, max(department) AS department, day, sum(rows) AS rows,
				count(*) FILTER (WHERE permit AND outcome <> '') AS queries, count(*) FILTER (WHERE NOT permit) AS denied
			FROM policy_decision WHERE day > $1::date - 29 AND day <= $1::date GROUP BY subject, day
			UNION ALL
			SELECT consumer, max(department), day, sum(rows), sum(queries), 0
			FROM risk_simulated_use WHERE day > $1::date - 29 AND day < $1::date GROUP BY consumer, day
		), list AS (
			SELECT u.subject, max(u.department) AS department, coalesce(max(c.score), 0) AS score,
				coalesce(max(c.band), 'low') AS band, coalesce(bool_or(c.contained), false) AS contained,
				coalesce(sum(queries) FILTER (WHERE day = $1::date), 0)::bigint AS queries,
				coalesce(sum(rows) FILTER (WHERE day = $1::date), 0)::bigint AS rows,
				coalesce(sum(denied) FILTER (WHERE day = $1::date), 0)::bigint AS denied,
				coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY rows) FILTER (WHERE day < $1::date AND queries > 0), 0)::bigint AS usual,
				(SELECT count(*) FROM risk_alert a WHERE a.consumer = u.subject AND a.state <> 'resolved') AS open
			FROM used u LEFT JOIN risk_consumer c ON c.account = u.subject GROUP BY u.subject
		)
		SELECT subject, department, score, band, contained, queries, rows, denied, usual, open FROM list l
		WHERE $2 = '' OR (-score, subject) > (SELECT -score, subject FROM list WHERE subject = $2)
		ORDER BY score DESC, subject LIMIT $3`, day, p.After, p.Limit())
	if err != nil {
		return nil, fmt.Errorf("list consumers: %w", translate(err))
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c security.Consumer, err error) {
		return c, row.Scan(&c.Account, &c.Department, &c.Score, &c.Band, &c.Contained, &c.Queries, &c.Rows, &c.Denied, &c.Usual, &c.OpenAlerts)
	})
	return out, translate(err)
}
