package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/pipelines"
)

// Hours keeps the work list of hours to compute.
type Hours struct{ db *DB }

var _ pipelines.HourStore = (*Hours)(nil)

// NewHours returns the work list of db.
func NewHours(db *DB) *Hours { return &Hours{db} }

// HourCursor implements pipelines.HourStore.
func (s *Hours) HourCursor(ctx context.Context) (time.Time, error) {
	var at time.Time
	err := s.db.QueryRow(ctx, `SELECT rx FROM hour_cursor`).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, nil
	}
	return at, translate(err)
}

// hourColumns takes hours apart for unnest.
func hourColumns(hs []pipelines.SeriesHour) (hours []time.Time, metrics, devices []string) {
	for _, h := range hs {
		hours, metrics, devices = append(hours, h.Hour), append(metrics, h.Metric), append(devices, string(h.Device))
	}
	return hours, metrics, devices
}

// DueHours implements pipelines.HourStore.
func (s *Hours) DueHours(ctx context.Context, hs []pipelines.SeriesHour, due []time.Time, cursor time.Time) error {
	hours, metrics, devices := hourColumns(hs)
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		if len(hs) > 0 {
			if _, err := tx.Exec(ctx, `
				INSERT INTO hour_due (hour, metric, device, due_at)
				SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::timestamptz[]) ON CONFLICT DO NOTHING`,
				hours, metrics, devices, due); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO hour_cursor (rx) VALUES ($1) ON CONFLICT (one) DO UPDATE SET rx = excluded.rx`, cursor)
		return err
	})
}

// NextHours implements pipelines.HourStore.
func (s *Hours) NextHours(ctx context.Context, now time.Time, limit int) ([]pipelines.SeriesHour, error) {
	rows, err := s.db.Query(ctx, `
		WITH oldest AS (SELECT hour, metric FROM hour_due WHERE due_at <= $1 ORDER BY due_at, hour, metric LIMIT 1)
		SELECT d.device, d.metric, d.hour FROM hour_due d JOIN oldest USING (hour, metric)
		WHERE d.due_at <= $1 ORDER BY d.device LIMIT $2`, now, limit)
	if err != nil {
		return nil, translate(err)
	}
	hs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h pipelines.SeriesHour, err error) {
		err = row.Scan(&h.Device, &h.Metric, &h.Hour)
		h.Hour = h.Hour.UTC()
		return h, err
	})
	return hs, translate(err)
}

// UnsettledHours returns the hours of a series that are on the list, from a moment until before another, and the cursor.
func (s *Hours) UnsettledHours(ctx context.Context, d plinth.DeviceID, metric string, from, to time.Time) ([]time.Time, time.Time, error) {
	var hours []time.Time
	var cursor *time.Time
	err := s.db.QueryRow(ctx, `
		SELECT (SELECT rx FROM hour_cursor), ARRAY(SELECT hour FROM hour_due WHERE device = $1 AND metric = $2 AND hour >= $3 AND hour < $4)`,
		string(d), metric, from, to).Scan(&cursor, &hours)
	if err != nil || cursor == nil {
		return hours, time.Time{}, translate(err)
	}
	return hours, *cursor, nil
}

// DoneHours implements pipelines.HourStore.
func (s *Hours) DoneHours(ctx context.Context, hs []pipelines.SeriesHour) error {
	hours, metrics, devices := hourColumns(hs)
	_, err := s.db.Exec(ctx, `
		DELETE FROM hour_due d USING unnest($1::timestamptz[], $2::text[], $3::text[]) AS x(hour, metric, device)
		WHERE d.hour = x.hour AND d.metric = x.metric AND d.device = x.device`, hours, metrics, devices)
	return translate(err)
}
