package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/ledger"
	"plinth/sensors"
)

// Sensors keeps the devices.
type Sensors struct{ db *DB }

var _ sensors.Store = (*Sensors)(nil)

// NewSensors returns the devices of db.
func NewSensors(db *DB) *Sensors { return &Sensors{db} }

// AddDevices implements sensors.Store.
func (s *Sensors) AddDevices(ctx context.Context, entries []sensors.Entry) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		for _, e := range entries {
			if err := addDevice(ctx, tx, e); err != nil {
				return err
			}
			if err := s.db.AppendRecord(ctx, tx, e.Record); err != nil {
				return err
			}
		}
		return nil
	})
}

func addDevice(ctx context.Context, tx pgx.Tx, e sensors.Entry) error {
	d := e.Device
	tag, err := tx.Exec(ctx, `
		INSERT INTO device (id, kind, name_zh, name_en, owner, street, grid, site, longitude, latitude, interval_s, segment_s,
			life, system, codec, maker, model, installed, calibrated, calibration_due, twins, attrs, credential, record_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, coalesce($25, now()))
		ON CONFLICT (id) DO NOTHING`,
		append(columnsOf(d), e.Credential.Hash, e.Record.ID, orNull(d.Registered))...)
	if err != nil {
		return fmt.Errorf("add device %s: %w", d.ID, err)
	}
	if tag.RowsAffected() == 0 {
		return plinth.Errorf(plinth.ErrConflict, "the device %s is registered already", d.ID)
	}
	return addMetrics(ctx, tx, d)
}

// columnsOf are the values of d's columns from id to attrs.
func columnsOf(d sensors.Device) []any {
	attrs := d.Attrs
	if attrs == nil {
		attrs = map[string]string{}
	}
	return []any{string(d.ID), d.Kind, d.Name.ZH, d.Name.EN, string(d.Owner), d.Street, d.Grid, d.Site, d.Longitude, d.Latitude,
		int(d.Interval / time.Second), int(d.SegmentWindow() / time.Second), string(cmp.Or(d.Life, sensors.Active)), d.System, d.Codec,
		d.Maker, d.Model, orNull(d.Installed), orNull(d.Calibrated), orNull(d.CalibrationDue), d.Twins, attrs}
}

// aboveZero is null for zero, which says that a limit or size is not known, and for "".
func aboveZero[T cmp.Ordered](v T) *T {
	var zero T
	if v <= zero {
		return nil
	}
	return &v
}

func addMetrics(ctx context.Context, tx pgx.Tx, d sensors.Device) error {
	b := &pgx.Batch{}
	for i, m := range d.Metrics {
		var low, high *float64
		if m.Min < m.Max {
			low, high = &m.Min, &m.Max
		}
		b.Queue(`INSERT INTO metric (device, name, n, title_zh, title_en, unit, min, max, max_rate, stuck_after, resolution,
				flat_after, step, drift)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			string(d.ID), m.Name, i, m.Title.ZH, m.Title.EN, m.Unit, low, high, aboveZero(m.MaxRate), aboveZero(m.StuckAfter),
			aboveZero(m.Resolution), aboveZero(m.FlatAfter), aboveZero(m.Step), aboveZero(m.Drift))
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("add metrics: %w", err)
	}
	return nil
}

// ChangeDevice implements sensors.Store.
func (s *Sensors) ChangeDevice(ctx context.Context, d sensors.Device, rec ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		rec, err := follow(ctx, tx, d.ID, rec)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			UPDATE device SET kind = $2, name_zh = $3, name_en = $4, owner = $5, street = $6, grid = $7, site = $8, longitude = $9,
				latitude = $10, interval_s = $11, segment_s = $12, life = $13, system = $14, codec = $15, maker = $16, model = $17,
				installed = $18, calibrated = $19, calibration_due = $20, twins = $21, attrs = $22, version = version + 1,
				record_id = $24,
				credential = CASE WHEN $13 = 'retired' THEN NULL ELSE credential END,
				credential_old = CASE WHEN $13 = 'retired' THEN NULL ELSE credential_old END,
				credential_until = CASE WHEN $13 = 'retired' THEN NULL ELSE credential_until END
			WHERE id = $1 AND version = $23`, append(columnsOf(d), d.Version, rec.ID)...)
		if err != nil {
			return fmt.Errorf("change device %s: %w", d.ID, err)
		}
		if tag.RowsAffected() == 0 {
			return plinth.Errorf(plinth.ErrConflict, "someone else changed the device, look again")
		}
		if _, err := tx.Exec(ctx, `DELETE FROM metric WHERE device = $1`, string(d.ID)); err != nil {
			return err
		}
		if err := addMetrics(ctx, tx, d); err != nil {
			return err
		}
		return s.db.AppendRecord(ctx, tx, rec)
	})
}

// follow holds the device and says in its record which one it follows.
func follow(ctx context.Context, tx pgx.Tx, id plinth.DeviceID, rec ledger.Record) (ledger.Record, error) {
	var before uuid.NullUUID
	err := tx.QueryRow(ctx, `SELECT record_id FROM device WHERE id = $1 FOR UPDATE`, string(id)).Scan(&before)
	if errors.Is(err, pgx.ErrNoRows) {
		return rec, plinth.Errorf(plinth.ErrNotFound, "there is no device %s", id)
	}
	if before.Valid {
		rec.Inputs = []uuid.UUID{before.UUID}
		if rec.Relation == ledger.Generated {
			rec.Relation = ledger.Derived
		}
	}
	return rec, err
}

// SetCredential implements sensors.Store.
func (s *Sensors) SetCredential(ctx context.Context, id plinth.DeviceID, old string, c sensors.Credential, rec ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		rec, err := follow(ctx, tx, id, rec)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			UPDATE device SET credential = $3, credential_old = $4, credential_until = $5, credential_n = credential_n + 1, record_id = $6
			WHERE id = $1 AND credential = $2 AND life <> 'retired'`,
			string(id), old, c.Hash, aboveZero(c.Old), orNull(c.OldUntil), rec.ID)
		if err != nil {
			return fmt.Errorf("set credential of %s: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return plinth.Errorf(plinth.ErrConflict, "someone else changed the device's credential, look again")
		}
		return s.db.AppendRecord(ctx, tx, rec)
	})
}
