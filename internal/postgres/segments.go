package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/pipelines"
)

// Segments keeps the devices' segments and the list of windows that wait for one.
type Segments struct{ db *DB }

var _ pipelines.SegmentStore = (*Segments)(nil)

// NewSegments returns the segments of db.
func NewSegments(db *DB) *Segments { return &Segments{db} }

// Cursor is the insertion time up to which rows are on the work list.
func (s *Segments) Cursor(ctx context.Context) (time.Time, error) {
	var at time.Time
	err := s.db.QueryRow(ctx, `SELECT rx FROM segment_cursor`).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, nil
	}
	return at, translate(err)
}

// Due puts windows on the work list and moves the cursor.
func (s *Segments) Due(ctx context.Context, ws []pipelines.Window, cursor time.Time) error {
	devices, from, to := make([]string, len(ws)), make([]time.Time, len(ws)), make([]time.Time, len(ws))
	for i, w := range ws {
		devices[i], from[i], to[i] = string(w.Device), w.From, w.To
	}
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `
			INSERT INTO segment_due (device, t_from, t_to)
			SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) ON CONFLICT DO NOTHING`,
			devices, from, to); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO segment_cursor (rx) VALUES ($1) ON CONFLICT (one) DO UPDATE SET rx = excluded.rx`, cursor)
		return err
	})
}

// Closed returns the oldest windows of one stretch that ended before a moment.
func (s *Segments) Closed(ctx context.Context, before time.Time, limit int) ([]pipelines.Window, error) {
	rows, err := s.db.Query(ctx, `
		WITH oldest AS (SELECT t_from, t_to FROM segment_due WHERE t_to <= $1 ORDER BY t_to, t_from LIMIT 1)
		SELECT device, t_from, t_to FROM segment_due JOIN oldest USING (t_from, t_to) ORDER BY device LIMIT $2`, before, limit)
	if err != nil {
		return nil, translate(err)
	}
	ws, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w pipelines.Window, err error) {
		return w, row.Scan(&w.Device, &w.From, &w.To)
	})
	return ws, translate(err)
}

// Seal adds the segments that say something new, with their records, and takes all off the work list.
func (s *Segments) Seal(ctx context.Context, segments []pipelines.Segment) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		for _, seg := range segments {
			if err := s.seal(ctx, tx, seg); err != nil {
				return fmt.Errorf("segment of %s: %w", seg.Device, err)
			}
		}
		return nil
	})
}

func (s *Segments) seal(ctx context.Context, tx pgx.Tx, seg pipelines.Segment) error {
	if _, err := tx.Exec(ctx, `DELETE FROM segment_due WHERE device = $1 AND t_from = $2`, string(seg.Device), seg.From); err != nil {
		return err
	}
	if seg.Count == 0 {
		return nil
	}
	var seq int64
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(seq), 0) + 1 FROM segment WHERE device = $1`, string(seg.Device)).
		Scan(&seq); err != nil {
		return err
	}
	before, root, err := newest(ctx, tx, seg)
	if err != nil || bytes.Equal(root, seg.Root[:]) {
		return err
	}
	record := seg.Record(before)
	if _, err := tx.Exec(ctx, `
		INSERT INTO segment (device, seq, t_from, t_to, count, root, record_id, supersedes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		string(seg.Device), seq, seg.From, seg.To, int64(seg.Count), seg.Root[:], record.ID,
		uuid.NullUUID{UUID: before, Valid: before != uuid.Nil}); err != nil {
		return err
	}
	return s.db.AppendRecord(ctx, tx, record)
}

// newest returns the record and the root of the window's newest segment, or nothing.
func newest(ctx context.Context, tx pgx.Tx, seg pipelines.Segment) (uuid.UUID, []byte, error) {
	var id uuid.UUID
	var root []byte
	err := tx.QueryRow(ctx, `
		SELECT record_id, root FROM segment WHERE device = $1 AND t_from = $2 AND t_to = $3 ORDER BY seq DESC LIMIT 1`,
		string(seg.Device), seg.From, seg.To).Scan(&id, &root)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil, nil
	}
	return id, root, err
}

// Sealed is a segment with how far its record has come.
type Sealed struct {
	Seq      int64
	From, To time.Time
	Count    int64
	Record   uuid.UUID
	State    string
}

// Of lists d's segments, newest first, from before a sequence number; zero begins at the newest.
func (s *Segments) Of(ctx context.Context, d plinth.DeviceID, before int64, limit int) ([]Sealed, error) {
	rows, err := s.db.Query(ctx, `
		SELECT s.seq, s.t_from, s.t_to, s.count, s.record_id, coalesce(l.state, 'pending')
		FROM segment s LEFT JOIN ledger_state l ON l.id = s.record_id
		WHERE s.device = $1 AND ($2 = 0 OR s.seq < $2) ORDER BY s.seq DESC LIMIT $3`, string(d), before, limit)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Sealed])
	return out, translate(err)
}
