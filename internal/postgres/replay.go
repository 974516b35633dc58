package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/ledger"
	"plinth/pipelines"
)

var _ pipelines.ReplayStore = (*Pipelines)(nil)

// AddReplay implements pipelines.ReplayStore.
func (s *Pipelines) AddReplay(ctx context.Context, r pipelines.Replay, now time.Time) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO replay (id, pipeline, since, until, devices, state, actor, actor_name, started_at, beat_at, done, total, rows,
			differences, error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, 0, '[]', '')`,
		r.ID, r.Pipeline, r.From, r.To, texts(r.Devices), string(r.State), string(r.By), r.Name, r.Started, now, r.Total)
	return busy(translate(err))
}

// busy says which conflict the index replay_busy means.
func busy(err error) error {
	if errors.Is(err, plinth.ErrConflict) {
		return plinth.Errorf(plinth.ErrConflict, "another replay of the pipeline is under way").Because(err)
	}
	return err
}

func texts(ids []plinth.DeviceID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

// SaveReplay implements pipelines.ReplayStore.
func (s *Pipelines) SaveReplay(ctx context.Context, r pipelines.Replay, now time.Time, rec *ledger.Record, in ...pipelines.ReplayState) error {
	states := make([]string, len(in))
	for i, state := range in {
		states[i] = string(state)
	}
	if r.Differences == nil {
		r.Differences = []pipelines.Difference{}
	}
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE replay SET state = $2, ended_at = $3, beat_at = $4, done = $5, rows = $6, differences = $7, error = $8, applied = $9,
				record_id = $10
			WHERE id = $1 AND state = ANY($11)`,
			r.ID, string(r.State), ended(r.Ended), now, r.Done, r.Rows, r.Differences, r.Error, r.Applied,
			uuid.NullUUID{UUID: r.Record, Valid: r.Record != uuid.Nil}, states)
		if err != nil {
			return busy(translate(err))
		}
		if tag.RowsAffected() != 1 {
			return plinth.Errorf(plinth.ErrConflict, "the replay is in another state now, look again")
		}
		if rec == nil {
			return nil
		}
		return s.db.AppendRecord(ctx, tx, *rec)
	})
}

const replayColumns = `r.id, r.pipeline, r.since, r.until, r.devices, r.state, r.actor, r.actor_name, r.started_at, r.ended_at, r.done, r.total,
	r.rows, r.differences, r.error, r.applied, r.record_id,
	CASE WHEN r.record_id IS NULL THEN '' ELSE coalesce((SELECT l.state FROM ledger_state l WHERE l.id = r.record_id), 'pending') END
	FROM replay r`

func scanReplay(row pgx.CollectableRow) (r pipelines.Replay, err error) {
	var end *time.Time
	var record uuid.NullUUID
	err = row.Scan(&r.ID, &r.Pipeline, &r.From, &r.To, &r.Devices, &r.State, &r.By, &r.Name, &r.Started, &end, &r.Done, &r.Total,
		&r.Rows, &r.Differences, &r.Error, &r.Applied, &record, &r.Evidence)
	if end != nil {
		r.Ended = end.UTC()
	}
	r.Record, r.From, r.To, r.Started = record.UUID, r.From.UTC(), r.To.UTC(), r.Started.UTC()
	return r, err
}

// Replay implements pipelines.ReplayStore.
func (s *Pipelines) Replay(ctx context.Context, id string) (pipelines.Replay, error) {
	rows, err := s.db.Query(ctx, `SELECT `+replayColumns+` WHERE r.id = $1`, id)
	if err != nil {
		return pipelines.Replay{}, translate(err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanReplay)
	return r, translate(err)
}

// SilentReplays implements pipelines.ReplayStore.
func (s *Pipelines) SilentReplays(ctx context.Context, before time.Time) ([]pipelines.Replay, error) {
	return s.replays(ctx, ` WHERE r.state IN ('running', 'applying') AND r.beat_at < $1 ORDER BY r.started_at, r.id`, before)
}

// Replays returns replays, newest first; the list begins after one, or at the newest when after is empty.
func (s *Pipelines) Replays(ctx context.Context, pipeline, after string, limit int) ([]pipelines.Replay, error) {
	return s.replays(ctx, `
		WHERE ($1 = '' OR (r.started_at, r.id) < (SELECT started_at, id FROM replay WHERE id = $1)) AND ($2 = '' OR r.pipeline = $2)
		ORDER BY r.started_at DESC, r.id DESC LIMIT $3`, after, pipeline, limit)
}

func (s *Pipelines) replays(ctx context.Context, rest string, args ...any) ([]pipelines.Replay, error) {
	rows, err := s.db.Query(ctx, `SELECT `+replayColumns+rest, args...)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, scanReplay)
	return out, translate(err)
}
