package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// queueSteps lets the steps of cases among the entries wait for the chain, and what they make of other records.
func queueSteps(ctx context.Context, tx pgx.Tx, o ledger.Origin, rows []sequencer.Row) error {
	if o != ledger.Authz {
		return nil
	}
	var batch pgx.Batch
	for _, r := range rows {
		if r.Case != (ledger.Tag{}) {
			batch.Queue(`INSERT INTO ledger_step (record_id, case_tag, idx) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
				r.ID, r.Case[:], r.Index)
		}
		if r.Supersedes != uuid.Nil && r.Supersedes != r.ID {
			batch.Queue(`INSERT INTO ledger_mark (record_id, mark, by_record) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
				r.Supersedes, markOf(r.Relation), r.ID)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &batch).Close()
}

func markOf(r ledger.Relation) string {
	if r == ledger.Invalidated {
		return "revoked"
	}
	return "superseded"
}

// WaitingCases implements sequencer.Steps.
func (l *Ledger) WaitingCases(ctx context.Context, limit int) ([]ledger.Tag, error) {
	rows, err := l.db.Query(ctx, `
		SELECT case_tag FROM ledger_step WHERE state = 'waiting'
		GROUP BY case_tag ORDER BY max(tries), min(idx) LIMIT $1`, limit)
	if err != nil {
		return nil, translate(err)
	}
	tags, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ledger.Tag, error) {
		var b []byte
		err := row.Scan(&b)
		if err != nil {
			return ledger.Tag{}, err
		}
		return ledger.Tag(b), nil
	})
	return tags, translate(err)
}

const stepColumns = `s.record_id, s.case_tag, s.idx, s.state, coalesce(s.seq, 0), s.reason, s.tries, s.tx_id, s.block,
	e.kind, e.leaf, g.name`

const stepTables = ` FROM ledger_step s
	JOIN ledger_entry e ON e.origin = 'authz' AND e.idx = s.idx
	JOIN ledger_log g ON g.origin = 'authz'`

func scanStep(row pgx.CollectableRow) (sequencer.CaseStep, error) {
	var s sequencer.CaseStep
	var tag, leaf []byte
	err := row.Scan(&s.Record, &tag, &s.Index, &s.State, &s.Seq, &s.Reason, &s.Tries, &s.Place.TxID, &s.Place.Block,
		&s.Kind, &leaf, &s.Origin)
	if err != nil {
		return s, err
	}
	s.Case, s.Leaf = ledger.Tag(tag), tlog.Hash(leaf)
	return s, nil
}

// WaitingSteps implements sequencer.Steps.
func (l *Ledger) WaitingSteps(ctx context.Context, c ledger.Tag, limit int) (steps []sequencer.CaseStep, next uint64, err error) {
	rows, err := l.db.Query(ctx, `SELECT `+stepColumns+stepTables+`
		WHERE s.case_tag = $1 AND s.state = 'waiting' ORDER BY s.idx LIMIT $2`, c[:], limit)
	if err != nil {
		return nil, 0, translate(err)
	}
	if steps, err = pgx.CollectRows(rows, scanStep); err != nil {
		return nil, 0, translate(err)
	}
	err = l.db.QueryRow(ctx, `SELECT coalesce(max(seq), 0) + 1 FROM ledger_step WHERE case_tag = $1`, c[:]).Scan(&next)
	return steps, next, translate(err)
}

// SaveStep implements sequencer.Steps.
func (l *Ledger) SaveStep(ctx context.Context, s sequencer.CaseStep) error {
	var err error
	switch s.State {
	case sequencer.StepPut:
		_, err = l.db.Exec(ctx, `
			UPDATE ledger_step SET state = 'put', seq = $2, tx_id = $3, block = $4, reason = '', at = now()
			WHERE record_id = $1 AND state = 'waiting'`, s.Record, int64(s.Seq), s.Place.TxID, int64(s.Place.Block))
	case sequencer.StepRefused:
		_, err = l.db.Exec(ctx, `
			UPDATE ledger_step SET state = 'refused', reason = $2, at = now()
			WHERE record_id = $1 AND state = 'waiting'`, s.Record, s.Reason)
	default:
		_, err = l.db.Exec(ctx, `
			UPDATE ledger_step SET reason = $2, tries = tries + 1 WHERE record_id = $1 AND state = 'waiting'`,
			s.Record, s.Reason)
	}
	return translate(err)
}

// RestartCase implements sequencer.Steps.
func (l *Ledger) RestartCase(ctx context.Context, c ledger.Tag) error {
	_, err := l.db.Exec(ctx, `
		UPDATE ledger_step SET state = 'waiting', seq = NULL, tries = 0 WHERE case_tag = $1 AND state = 'put'`, c[:])
	return translate(err)
}

// CaseSteps implements sequencer.Steps.
func (l *Ledger) CaseSteps(ctx context.Context, c ledger.Tag) ([]sequencer.CaseStep, error) {
	rows, err := l.db.Query(ctx, `SELECT `+stepColumns+stepTables+` WHERE s.case_tag = $1 ORDER BY s.idx`, c[:])
	if err != nil {
		return nil, translate(err)
	}
	steps, err := pgx.CollectRows(rows, scanStep)
	return steps, translate(err)
}

// CaseOwner implements sequencer.Steps.
func (l *Ledger) CaseOwner(ctx context.Context, id string) (string, error) {
	var org string
	err := l.db.QueryRow(ctx, `SELECT org FROM ledger_outbox WHERE case_id = $1 AND case_id <> '' ORDER BY n LIMIT 1`, id).Scan(&org)
	return org, translate(err)
}

// WaitingMarks implements sequencer.Steps.
func (l *Ledger) WaitingMarks(ctx context.Context, limit int) ([]sequencer.Mark, error) {
	rows, err := l.db.Query(ctx, `
		SELECT m.record_id, m.mark, m.by_record FROM ledger_mark m
		WHERE m.state = 'waiting' AND EXISTS (SELECT FROM ledger_entry e WHERE e.id = m.by_record)
		ORDER BY m.tries, m.record_id LIMIT $1`, limit)
	if err != nil {
		return nil, translate(err)
	}
	marks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sequencer.Mark])
	return marks, translate(err)
}

// SaveMark implements sequencer.Steps.
func (l *Ledger) SaveMark(ctx context.Context, m sequencer.Mark, state sequencer.StepState, reason string, at sequencer.Anchored) error {
	_, err := l.db.Exec(ctx, `
		UPDATE ledger_mark SET state = $4, reason = $5, tx_id = $6, block = $7,
			tries = tries + CASE $4 WHEN 'waiting' THEN 1 ELSE 0 END, at = CASE $4 WHEN 'waiting' THEN NULL ELSE now() END
		WHERE record_id = $1 AND mark = $2 AND by_record = $3 AND state = 'waiting'`,
		m.Record, m.Mark, m.By, string(state), reason, at.TxID, int64(at.Block))
	return translate(err)
}
