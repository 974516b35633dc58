package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/sensors"
)

// Sensors keeps the devices.
type Sensors struct{ db *DB }

var _ sensors.Store = (*Sensors)(nil)

// NewSensors returns the devices of db.
func NewSensors(db *DB) *Sensors { return &Sensors{db} }

// AddDevice adds a device and its metrics.
func (s *Sensors) AddDevice(ctx context.Context, d sensors.Device, credential string) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO device (id, kind, name_zh, name_en, owner, street, grid, site, longitude, latitude, interval_s,
				segment_s, credential)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING`,
			string(d.ID), d.Kind, d.Name.ZH, d.Name.EN, string(d.Owner), d.Street, d.Grid, d.Site, d.Longitude, d.Latitude,
			int(d.Interval/time.Second), int(d.SegmentWindow()/time.Second), credential)
		if err != nil {
			return fmt.Errorf("add device: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return plinth.Errorf(plinth.ErrConflict, "the device %s is registered already", d.ID)
		}
		return addMetrics(ctx, tx, d)
	})
}

func addMetrics(ctx context.Context, tx pgx.Tx, d sensors.Device) error {
	b := &pgx.Batch{}
	for i, m := range d.Metrics {
		var low, high, rate *float64
		var stuck *int
		if m.Min < m.Max {
			low, high = &m.Min, &m.Max
		}
		if m.MaxRate > 0 {
			rate = &m.MaxRate
		}
		if m.StuckAfter > 1 {
			stuck = &m.StuckAfter
		}
		b.Queue(`INSERT INTO metric (device, name, n, title_zh, title_en, unit, min, max, max_rate, stuck_after)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			string(d.ID), m.Name, i, m.Title.ZH, m.Title.EN, m.Unit, low, high, rate, stuck)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("add metrics: %w", err)
	}
	return nil
}

// Devices returns all devices in order of their ids.
func (s *Sensors) Devices(ctx context.Context) ([]sensors.Device, error) {
	rows, err := s.db.Query(ctx, `
		SELECT id, kind, name_zh, name_en, owner, street, grid, site, longitude, latitude, interval_s, segment_s
		FROM device ORDER BY id COLLATE "C"`)
	if err != nil {
		return nil, translate(err)
	}
	devices, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (sensors.Device, error) {
		var d sensors.Device
		var interval, segment int
		err := row.Scan(&d.ID, &d.Kind, &d.Name.ZH, &d.Name.EN, &d.Owner, &d.Street, &d.Grid, &d.Site, &d.Longitude,
			&d.Latitude, &interval, &segment)
		d.Interval, d.Segment = time.Duration(interval)*time.Second, time.Duration(segment)*time.Second
		return d, err
	})
	if err != nil {
		return nil, translate(err)
	}
	return devices, s.metrics(ctx, devices)
}

// metrics adds the metrics to devices.
func (s *Sensors) metrics(ctx context.Context, devices []sensors.Device) error {
	byID := make(map[plinth.DeviceID]*sensors.Device, len(devices))
	for i := range devices {
		byID[devices[i].ID] = &devices[i]
	}
	rows, err := s.db.Query(ctx, `
		SELECT device, name, title_zh, title_en, unit, coalesce(min, 0), coalesce(max, 0), coalesce(max_rate, 0),
			coalesce(stuck_after, 0)
		FROM metric ORDER BY device, n`)
	if err != nil {
		return translate(err)
	}
	var id plinth.DeviceID
	var m sensors.Metric
	_, err = pgx.ForEachRow(rows, []any{&id, &m.Name, &m.Title.ZH, &m.Title.EN, &m.Unit, &m.Min, &m.Max, &m.MaxRate,
		&m.StuckAfter}, func() error {
		if d := byID[id]; d != nil {
			d.Metrics = append(d.Metrics, m)
		}
		return nil
	})
	return translate(err)
}

// Credentials returns the hash of each device's secret.
func (s *Sensors) Credentials(ctx context.Context) (map[plinth.DeviceID]string, error) {
	rows, err := s.db.Query(ctx, `SELECT id, credential FROM device`)
	if err != nil {
		return nil, translate(err)
	}
	out := map[plinth.DeviceID]string{}
	var id plinth.DeviceID
	var credential string
	_, err = pgx.ForEachRow(rows, []any{&id, &credential}, func() error {
		out[id] = credential
		return nil
	})
	return out, translate(err)
}
