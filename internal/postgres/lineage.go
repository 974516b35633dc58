package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/pipelines"
)

var _ pipelines.LineageSteps = (*Pipelines)(nil)

// lineageSteps are all steps of all runs: 0 that one began, 1 that it ended.
const lineageSteps = `(SELECT started_at AS at, 0 AS step, * FROM lineage_run
	UNION ALL SELECT ended_at, 1, * FROM lineage_run WHERE ended_at IS NOT NULL) e`

// LineageSteps returns the steps of a pipeline, or of all when it is empty, since a moment and after one of that moment, in
// order of time.
func (s *Pipelines) LineageSteps(ctx context.Context, pipeline string, since time.Time, after plinth.RunID, end bool, limit int) ([]pipelines.LineageStep, error) {
	step := -1
	if after != "" {
		step = map[bool]int{false: 0, true: 1}[end]
	}
	return s.steps(ctx, `
		WHERE (e.at, e.id, e.step) > ($1, $2, $3) AND ($4 = '' OR e.pipeline = $4)
		ORDER BY e.at, e.id, e.step LIMIT $5`, since.UTC(), string(after), step, pipeline, limit)
}

// Untold implements pipelines.LineageSteps.
func (s *Pipelines) Untold(ctx context.Context, since time.Time, limit int) ([]pipelines.LineageStep, error) {
	return s.steps(ctx, `
		WHERE e.started_at >= $1 AND NOT EXISTS (SELECT FROM lineage_told t WHERE t.run = e.id AND t.told > e.step)
		ORDER BY e.at, e.id, e.step LIMIT $2`, since.UTC(), limit)
}

// Told implements pipelines.LineageSteps.
func (s *Pipelines) Told(ctx context.Context, step pipelines.LineageStep) error {
	told := 1
	if step.End {
		told = 2
	}
	_, err := s.db.Exec(ctx, `
		INSERT INTO lineage_told (run, told) VALUES ($1, $2) ON CONFLICT (run) DO UPDATE SET told = greatest(lineage_told.told, excluded.told)`,
		string(step.Run.ID), told)
	return translate(err)
}

func (s *Pipelines) steps(ctx context.Context, rest string, args ...any) ([]pipelines.LineageStep, error) {
	rows, err := s.db.Query(ctx, `SELECT e.step = 1, e.record_id, `+runColumns+` FROM `+lineageSteps+rest, args...)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l pipelines.LineageStep, err error) {
		var record uuid.NullUUID
		end, dest := runTargets(&l.Run)
		err = row.Scan(append([]any{&l.End, &record}, dest...)...)
		if l.Record = record.UUID; *end != nil {
			l.Run.Ended = (*end).UTC()
		}
		return l, err
	})
	return out, translate(err)
}
