package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/alarm"
)

var (
	_ alarm.Teller = (*Alarms)(nil)
	_ alarm.States = (*Alarms)(nil)
)

// TakePart implements alarm.States. A part that was never taken begins with its taking: whoever takes it after a death
// before the first snapshot reads all rows since.
func (s *Alarms) TakePart(ctx context.Context, p sensors.Part) (int64, time.Time, error) {
	var epoch int64
	var rx time.Time
	err := s.db.QueryRow(ctx, `
		INSERT INTO alarm_part (domain, number, of, epoch, rx)
		VALUES ($1, $2, $3, 1, coalesce((SELECT min(rx) FROM alarm_part WHERE domain = $1), clock_timestamp()))
		ON CONFLICT (domain, number, of) DO UPDATE SET epoch = alarm_part.epoch + 1,
			rx = coalesce(alarm_part.rx, excluded.rx) RETURNING epoch, rx`,
		p.Domain, p.Number, p.Of).Scan(&epoch, &rx)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("take the alarms of part %s: %w", p.Name(), translate(err))
	}
	return epoch, rx.UTC(), nil
}

// SaveStates implements alarm.States.
func (s *Alarms) SaveStates(ctx context.Context, p sensors.Part, epoch int64, all []alarm.DeviceState, rx time.Time) error {
	devices, packs, at, states := make([]string, len(all)), make([]string, len(all)), make([]time.Time, len(all)), make([][]byte, len(all))
	for i, st := range all {
		devices[i], packs[i], at[i], states[i] = string(st.Device), st.Pack, st.RX.UTC(), st.State
	}
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE alarm_part SET rx = coalesce($5, rx) WHERE domain = $1 AND number = $2 AND of = $3 AND epoch = $4`,
			p.Domain, p.Number, p.Of, epoch, ended(rx))
		if err != nil {
			return err
		}
		if tag.RowsAffected() != 1 {
			return plinth.Errorf(plinth.ErrConflict, "the alarms of part %s are decided elsewhere now", p.Name())
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO alarm_state (device, pack, rx, state)
			SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bytea[])
			ON CONFLICT (device) DO UPDATE SET pack = excluded.pack, rx = excluded.rx, state = excluded.state`,
			devices, packs, at, states)
		return err
	})
}

// LoadStates implements alarm.States.
func (s *Alarms) LoadStates(ctx context.Context, domain string, each func(alarm.DeviceState)) error {
	rows, err := s.db.Query(ctx, `
		SELECT s.device, s.pack, s.rx, s.state FROM alarm_state s JOIN device d ON d.id = s.device
		WHERE d.kind = $1 ORDER BY s.device`, domain)
	if err != nil {
		return translate(err)
	}
	var st alarm.DeviceState
	_, err = pgx.ForEachRow(rows, []any{&st.Device, &st.Pack, &st.RX, &st.State}, func() error {
		each(st)
		st.State = nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("load detectors' states: %w", translate(err))
	}
	return nil
}
