package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth/ledger/inspection"
)

// Inspections keeps the audits and tamper drills that people started.
type Inspections struct{ db *DB }

// NewInspections returns their store in db.
func NewInspections(db *DB) *Inspections { return &Inspections{db} }

var _ inspection.Store = (*Inspections)(nil)

const inspectionColumns = `id, kind, state, actor, actor_name, seed, rounds, started_at, ended_at, stage, done, total, word,
	report, reason`

func scanInspection(row pgx.CollectableRow) (inspection.Job, error) {
	var j inspection.Job
	var seed int64
	var ended *time.Time
	var report []byte
	err := row.Scan(&j.ID, &j.Kind, &j.State, &j.By, &j.ByName, &seed, &j.Rounds, &j.StartedAt, &ended, &j.Stage,
		&j.Done, &j.Total, &j.Word, &report, &j.Reason)
	j.Seed, j.StartedAt, j.Report = uint64(seed), j.StartedAt.UTC(), report
	if ended != nil {
		j.EndedAt = ended.UTC()
	}
	return j, err
}

// Begin keeps a running inspection; the index admits one.
func (s *Inspections) Begin(ctx context.Context, j inspection.Job) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO ledger_inspection (id, kind, state, actor, actor_name, seed, rounds, started_at)
		VALUES ($1, $2, 'running', $3, $4, $5, $6, $7)`,
		j.ID, string(j.Kind), string(j.By), j.ByName, int64(j.Seed), j.Rounds, j.StartedAt)
	return translate(err)
}

// Note keeps how far a running inspection is.
func (s *Inspections) Note(ctx context.Context, id string, p inspection.Progress) error {
	_, err := s.db.Exec(ctx, `UPDATE ledger_inspection SET stage = $2, done = $3, total = $4 WHERE id = $1 AND state = 'running'`,
		id, p.Stage, p.Done, p.Total)
	return translate(err)
}

// End keeps how an inspection ended.
func (s *Inspections) End(ctx context.Context, j inspection.Job) error {
	var report *string
	if j.Report != nil {
		text := string(j.Report)
		report = &text
	}
	_, err := s.db.Exec(ctx, `
		UPDATE ledger_inspection SET state = $2, ended_at = $3, stage = $4, done = $5, total = $6, word = $7,
			report = $8::json, reason = $9
		WHERE id = $1 AND state = 'running'`,
		j.ID, string(j.State), j.EndedAt, j.Stage, j.Done, j.Total, j.Word, report, j.Reason)
	return translate(err)
}

// Interrupt ends what an earlier process left running.
func (s *Inspections) Interrupt(ctx context.Context, at time.Time) error {
	_, err := s.db.Exec(ctx, `
		UPDATE ledger_inspection SET state = 'interrupted', ended_at = greatest($1, started_at) WHERE state = 'running'`, at)
	return translate(err)
}

// Get returns one inspection.
func (s *Inspections) Get(ctx context.Context, id string) (inspection.Job, error) {
	rows, err := s.db.Query(ctx, `SELECT `+inspectionColumns+` FROM ledger_inspection WHERE id = $1`, id)
	if err != nil {
		return inspection.Job{}, translate(err)
	}
	j, err := pgx.CollectExactlyOneRow(rows, scanInspection)
	return j, translate(err)
}

// List returns the newest inspections after the one with the id.
func (s *Inspections) List(ctx context.Context, after string, limit int) ([]inspection.Job, error) {
	rows, err := s.db.Query(ctx, `
		SELECT `+inspectionColumns+` FROM ledger_inspection
		WHERE $1 = '' OR (started_at, id) < (SELECT started_at, id FROM ledger_inspection WHERE id = $1)
		ORDER BY started_at DESC, id DESC LIMIT $2`, after, limit)
	if err != nil {
		return nil, translate(err)
	}
	all, err := pgx.CollectRows(rows, scanInspection)
	return all, translate(err)
}
