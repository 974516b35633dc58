package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/pipelines"
)

// Pipelines keeps the runs.
type Pipelines struct{ db *DB }

var _ pipelines.Runs = (*Pipelines)(nil)

// NewPipelines returns the runs of db.
func NewPipelines(db *DB) *Pipelines { return &Pipelines{db} }

// SaveRun writes r, new or again.
func (s *Pipelines) SaveRun(ctx context.Context, r pipelines.Run) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO pipeline_run (id, kind, pipeline, source, started_by, started_at, ended_at, state, rows_in, rows_stored,
			rows_known, rows_dead, error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, state = excluded.state, rows_in = excluded.rows_in,
			rows_stored = excluded.rows_stored, rows_known = excluded.rows_known, rows_dead = excluded.rows_dead,
			error = excluded.error`,
		string(r.ID), string(r.Kind), r.Pipeline, r.Source, r.StartedBy, r.Started.UTC(), ended(r.Ended), string(r.State),
		r.In, r.Stored, r.Known, r.Dead, r.Error)
	return translate(err)
}

func ended(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// EndStale marks what still runs by the record as failed: at the start of the service nothing does.
func (s *Pipelines) EndStale(ctx context.Context, now time.Time) error {
	_, err := s.db.Exec(ctx, `
		UPDATE pipeline_run SET ended_at = $1, state = CASE kind WHEN 'stream' THEN 'done' ELSE 'failed' END,
			error = CASE kind WHEN 'stream' THEN '' ELSE 'the service stopped; import the file again' END
		WHERE state = 'running'`, now.UTC())
	return translate(err)
}

const runColumns = `id, kind, pipeline, source, started_by, started_at, ended_at, state, rows_in, rows_stored, rows_known,
	rows_dead, error`

// Run returns one run.
func (s *Pipelines) Run(ctx context.Context, id plinth.RunID) (pipelines.Run, error) {
	rows, err := s.db.Query(ctx, `SELECT `+runColumns+` FROM pipeline_run WHERE id = $1`, string(id))
	if err != nil {
		return pipelines.Run{}, translate(err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRun)
	return r, translate(err)
}

// List returns runs, newest first, from after one; an empty id begins at the newest.
func (s *Pipelines) List(ctx context.Context, after plinth.RunID, limit int) ([]pipelines.Run, error) {
	rows, err := s.db.Query(ctx, `
		SELECT `+runColumns+` FROM pipeline_run
		WHERE $1 = '' OR (started_at, id) < (SELECT started_at, id FROM pipeline_run WHERE id = $1)
		ORDER BY started_at DESC, id DESC LIMIT $2`, string(after), limit)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, scanRun)
	return out, translate(err)
}

func scanRun(row pgx.CollectableRow) (pipelines.Run, error) {
	var r pipelines.Run
	var end *time.Time
	err := row.Scan(&r.ID, &r.Kind, &r.Pipeline, &r.Source, &r.StartedBy, &r.Started, &end, &r.State, &r.In, &r.Stored,
		&r.Known, &r.Dead, &r.Error)
	if end != nil {
		r.Ended = *end
	}
	return r, err
}
