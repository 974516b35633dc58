package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/ledger"
	"plinth/pipelines"
)

var _ pipelines.PipelineStore = (*Pipelines)(nil)

const pipelineColumns = `p.declaration, p.origin, p.file_hash, p.pause, p.version, p.updated_at, p.updated_by, p.record_id,
	CASE WHEN p.record_id IS NULL THEN '' ELSE coalesce(l.state, 'pending') END
	FROM pipeline p LEFT JOIN ledger_state l ON l.id = p.record_id`

func scanPipeline(row pgx.CollectableRow) (pipelines.Pipeline, error) {
	var p pipelines.Pipeline
	var record uuid.NullUUID
	err := row.Scan(&p.Declaration, &p.Origin, &p.FileHash, &p.Pause, &p.Version, &p.Updated, &p.UpdatedBy, &record, &p.Evidence)
	p.Record, p.Updated = record.UUID, p.Updated.UTC()
	return p, err
}

// Pipelines implements pipelines.PipelineStore.
func (s *Pipelines) Pipelines(ctx context.Context) ([]pipelines.Pipeline, error) {
	rows, err := s.db.Query(ctx, `SELECT `+pipelineColumns+` ORDER BY p.id COLLATE "C"`)
	if err != nil {
		return nil, translate(err)
	}
	all, err := pgx.CollectRows(rows, scanPipeline)
	return all, translate(err)
}

// Pipeline implements pipelines.PipelineStore.
func (s *Pipelines) Pipeline(ctx context.Context, id string) (pipelines.Pipeline, error) {
	rows, err := s.db.Query(ctx, `SELECT `+pipelineColumns+` WHERE p.id = $1`, id)
	if err != nil {
		return pipelines.Pipeline{}, translate(err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scanPipeline)
	return p, translate(err)
}

// PutPipeline implements pipelines.PipelineStore.
func (s *Pipelines) PutPipeline(ctx context.Context, p pipelines.Pipeline, rec *ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO pipeline (id, kind, declaration, origin, file_hash, pause, version, updated_at, updated_by, record_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (id) DO UPDATE SET declaration = excluded.declaration, origin = excluded.origin,
				file_hash = excluded.file_hash, pause = excluded.pause, version = excluded.version,
				updated_at = excluded.updated_at, updated_by = excluded.updated_by, record_id = excluded.record_id
			WHERE pipeline.version = excluded.version - 1 AND pipeline.kind = excluded.kind`,
			p.ID, string(p.Kind), p.Declaration, string(p.Origin), p.FileHash, p.Pause, p.Version, p.Updated, string(p.UpdatedBy),
			uuid.NullUUID{UUID: p.Record, Valid: p.Record != uuid.Nil})
		if err != nil {
			return err
		}
		if tag.RowsAffected() != 1 {
			return plinth.Errorf(plinth.ErrConflict, "someone else changed the pipeline, look again")
		}
		if rec == nil {
			return nil
		}
		return s.db.AppendRecord(ctx, tx, *rec)
	})
}

// Totals sums every pipeline's runs and names its newest.
func (s *Pipelines) Totals(ctx context.Context) (map[string]pipelines.Totals, error) {
	rows, err := s.db.Query(ctx, `
		SELECT t.pipeline, t.n_in, t.n_stored, t.n_known, t.n_dead, r.id, r.kind, r.pipeline, r.source, r.started_by, r.started_at,
			r.ended_at, r.state, r.rows_in, r.rows_stored, r.rows_known, r.rows_dead, r.error
		FROM (SELECT pipeline, sum(rows_in)::bigint AS n_in, sum(rows_stored)::bigint AS n_stored,
				sum(rows_known)::bigint AS n_known, sum(rows_dead)::bigint AS n_dead
			FROM pipeline_run GROUP BY pipeline) t
		JOIN LATERAL (SELECT * FROM pipeline_run r WHERE r.pipeline = t.pipeline ORDER BY started_at DESC, id DESC LIMIT 1) r ON true`)
	if err != nil {
		return nil, translate(err)
	}
	out := map[string]pipelines.Totals{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var t pipelines.Totals
		r := &t.Last
		end, dest := runTargets(r)
		var id string
		err := row.Scan(append([]any{&id, &t.In, &t.Stored, &t.Known, &t.Dead}, dest...)...)
		if *end != nil {
			r.Ended = **end
		}
		out[id] = t
		return struct{}{}, err
	})
	return out, translate(err)
}
