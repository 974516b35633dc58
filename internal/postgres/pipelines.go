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

// EndStale marks what still runs by the record as failed: at the start of the service nothing does but the streams of
// other members that live.
func (s *Pipelines) EndStale(ctx context.Context, member string, now time.Time) error {
	_, err := s.db.Exec(ctx, `
		UPDATE pipeline_run SET ended_at = $1, state = CASE kind WHEN 'stream' THEN 'done' ELSE 'failed' END,
			error = CASE kind WHEN 'stream' THEN '' WHEN 'pull' THEN 'the service stopped; the next run goes on'
				ELSE 'the service stopped; import the file again' END
		WHERE state = 'running' AND (kind <> 'stream' OR started_by = $2 OR started_by NOT IN (
			SELECT id FROM ingest_member WHERE seen > clock_timestamp() - interval '1 minute'))`, now.UTC(), member)
	return translate(err)
}

// EndStreams marks the member's streams as done: at its start none runs.
func (s *Pipelines) EndStreams(ctx context.Context, member string, now time.Time) error {
	_, err := s.db.Exec(ctx, `
		UPDATE pipeline_run SET ended_at = $1, state = 'done' WHERE state = 'running' AND kind = 'stream' AND started_by = $2`,
		now.UTC(), member)
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

// RunFilter narrows a list of runs; empty fields do not.
type RunFilter struct {
	Pipeline string
	State    pipelines.RunState
	After    plinth.RunID // the list begins after this one; empty begins at the newest
	Limit    int
}

// List returns runs, newest first.
func (s *Pipelines) List(ctx context.Context, f RunFilter) ([]pipelines.Run, error) {
	rows, err := s.db.Query(ctx, `
		SELECT `+runColumns+` FROM pipeline_run
		WHERE ($1 = '' OR (started_at, id) < (SELECT started_at, id FROM pipeline_run WHERE id = $1))
			AND ($2 = '' OR pipeline = $2) AND ($3 = '' OR state = $3)
		ORDER BY started_at DESC, id DESC LIMIT $4`, string(f.After), f.Pipeline, string(f.State), f.Limit)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, scanRun)
	return out, translate(err)
}

func scanRun(row pgx.CollectableRow) (pipelines.Run, error) {
	var r pipelines.Run
	end, dest := runTargets(&r)
	err := row.Scan(dest...)
	if *end != nil {
		r.Ended = **end
	}
	return r, err
}

// runTargets are where runColumns are read into; the end, which may be null, is apart.
func runTargets(r *pipelines.Run) (end **time.Time, dest []any) {
	end = new(*time.Time)
	return end, []any{&r.ID, &r.Kind, &r.Pipeline, &r.Source, &r.StartedBy, &r.Started, end, &r.State, &r.In, &r.Stored,
		&r.Known, &r.Dead, &r.Error}
}
