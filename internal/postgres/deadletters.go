package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"plinth/ledger"
	"plinth/pipelines"
)

var _ pipelines.LetterActs = (*Pipelines)(nil)

// AddLetterAct implements pipelines.LetterActs.
func (s *Pipelines) AddLetterAct(ctx context.Context, a pipelines.LetterAct, rec ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `
			INSERT INTO dead_letter_act (id, state, letters, rows, reason, actor, actor_name, at, record_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			a.ID, string(a.State), a.Letters, a.Rows, a.Reason, string(a.By), a.Name, a.At, a.Record); err != nil {
			return err
		}
		return s.db.AppendRecord(ctx, tx, rec)
	})
}

const letterActColumns = `id, state, letters, rows, reason, actor, actor_name, at, record_id,
	coalesce((SELECT l.state FROM ledger_state l WHERE l.id = record_id), 'pending')`

func scanLetterAct(row pgx.CollectableRow) (a pipelines.LetterAct, err error) {
	err = row.Scan(&a.ID, &a.State, &a.Letters, &a.Rows, &a.Reason, &a.By, &a.Name, &a.At, &a.Record, &a.Evidence)
	a.At = a.At.UTC()
	return a, err
}

// UnmarkedLetterActs implements pipelines.LetterActs.
func (s *Pipelines) UnmarkedLetterActs(ctx context.Context) ([]pipelines.LetterAct, error) {
	rows, err := s.db.Query(ctx, `SELECT `+letterActColumns+` FROM dead_letter_act WHERE NOT marked ORDER BY at LIMIT 100`)
	if err != nil {
		return nil, translate(err)
	}
	all, err := pgx.CollectRows(rows, scanLetterAct)
	return all, translate(err)
}

// MarkedLetterAct implements pipelines.LetterActs.
func (s *Pipelines) MarkedLetterAct(ctx context.Context, id string) error {
	_, err := s.db.Exec(ctx, `UPDATE dead_letter_act SET marked = true WHERE id = $1`, id)
	return translate(err)
}

// LetterActsOf returns the acts of the ids, by id.
func (s *Pipelines) LetterActsOf(ctx context.Context, ids []string) (map[string]pipelines.LetterAct, error) {
	rows, err := s.db.Query(ctx, `SELECT `+letterActColumns+` FROM dead_letter_act WHERE id = ANY($1)`, ids)
	if err != nil {
		return nil, translate(err)
	}
	all, err := pgx.CollectRows(rows, scanLetterAct)
	out := map[string]pipelines.LetterAct{}
	for _, a := range all {
		out[a.ID] = a
	}
	return out, translate(err)
}
