package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/sensors"
)

// Roll implements sensors.Store.
func (s *Sensors) Roll(ctx context.Context, since string) (*sensors.Roll, error) {
	r := &sensors.Roll{Credentials: map[plinth.DeviceID]sensors.Credential{}}
	err := pgx.BeginTxFunc(ctx, s.db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		// Devices are never deleted, so every change moves one of the sums.
		if err := tx.QueryRow(ctx, `SELECT count(*) || '.' || coalesce(sum(version), 0) || '.' || coalesce(sum(credential_n), 0) FROM device`).
			Scan(&r.Stamp); err != nil {
			return err
		}
		if r.Stamp == since {
			return nil
		}
		if err := readDevices(ctx, tx, r); err != nil {
			return err
		}
		return readMetrics(ctx, tx, r.Devices)
	})
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", translate(err))
	}
	if r.Stamp == since {
		return nil, nil
	}
	return r, nil
}

// readDevices reads all devices in order of their ids, with their credentials.
func readDevices(ctx context.Context, tx pgx.Tx, r *sensors.Roll) error {
	rows, err := tx.Query(ctx, `
		SELECT id, kind, name_zh, name_en, owner, street, grid, site, longitude, latitude, interval_s, segment_s, life, system,
			codec, maker, model, installed, calibrated, calibration_due, twins, attrs, version, created_at,
			coalesce(credential, ''), coalesce(credential_old, ''), credential_until
		FROM device ORDER BY id COLLATE "C"`)
	if err != nil {
		return err
	}
	r.Devices, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (sensors.Device, error) {
		var d sensors.Device
		var c sensors.Credential
		var interval, segment int
		var installed, calibrated, due, until *time.Time
		err := row.Scan(&d.ID, &d.Kind, &d.Name.ZH, &d.Name.EN, &d.Owner, &d.Street, &d.Grid, &d.Site, &d.Longitude, &d.Latitude,
			&interval, &segment, &d.Life, &d.System, &d.Codec, &d.Maker, &d.Model, &installed, &calibrated, &due, &d.Twins, &d.Attrs,
			&d.Version, &d.Registered, &c.Hash, &c.Old, &until)
		d.Registered = d.Registered.UTC()
		d.Interval, d.Segment = time.Duration(interval)*time.Second, time.Duration(segment)*time.Second
		d.Installed, d.Calibrated, d.CalibrationDue, c.OldUntil = timeOf(installed), timeOf(calibrated), timeOf(due), timeOf(until)
		if c.Hash != "" {
			r.Credentials[d.ID] = c
		}
		if len(d.Attrs) == 0 {
			d.Attrs = nil
		}
		return d, err
	})
	return err
}

// timeOf is the zero time for null.
func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// readMetrics adds the metrics to devices.
func readMetrics(ctx context.Context, tx pgx.Tx, devices []sensors.Device) error {
	byID := make(map[plinth.DeviceID]*sensors.Device, len(devices))
	for i := range devices {
		byID[devices[i].ID] = &devices[i]
	}
	rows, err := tx.Query(ctx, `
		SELECT device, name, title_zh, title_en, unit, coalesce(min, 0), coalesce(max, 0), coalesce(max_rate, 0),
			coalesce(stuck_after, 0), coalesce(resolution, 0), coalesce(flat_after, 0), coalesce(step, 0), coalesce(drift, 0)
		FROM metric ORDER BY device, n`)
	if err != nil {
		return err
	}
	var id plinth.DeviceID
	var m sensors.Metric
	_, err = pgx.ForEachRow(rows, []any{&id, &m.Name, &m.Title.ZH, &m.Title.EN, &m.Unit, &m.Min, &m.Max, &m.MaxRate,
		&m.StuckAfter, &m.Resolution, &m.FlatAfter, &m.Step, &m.Drift}, func() error {
		if d := byID[id]; d != nil {
			d.Metrics = append(d.Metrics, m)
		}
		return nil
	})
	return err
}
