package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth/sensors/alarm"
)

var (
	_ alarm.Teller = (*Alarms)(nil)
	_ alarm.States = (*Alarms)(nil)
)

// noted is the row of alarm_state that stands for no device: its rx is what SaveStates noted.
const noted = ""

// SaveStates implements alarm.States.
func (s *Alarms) SaveStates(ctx context.Context, all []alarm.DeviceState, rx time.Time) error {
	if !rx.IsZero() {
		all = append(all[:len(all):len(all)], alarm.DeviceState{Device: noted, RX: rx, State: []byte{}})
	}
	devices, packs, at, states := make([]string, len(all)), make([]string, len(all)), make([]time.Time, len(all)), make([][]byte, len(all))
	for i, st := range all {
		devices[i], packs[i], at[i], states[i] = string(st.Device), st.Pack, st.RX.UTC(), st.State
	}
	_, err := s.db.Exec(ctx, `
		INSERT INTO alarm_state (device, pack, rx, state)
		SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bytea[])
		ON CONFLICT (device) DO UPDATE SET pack = excluded.pack, rx = excluded.rx, state = excluded.state`,
		devices, packs, at, states)
	return translate(err)
}

// LoadStates implements alarm.States.
func (s *Alarms) LoadStates(ctx context.Context, each func(alarm.DeviceState)) (time.Time, error) {
	rows, err := s.db.Query(ctx, `SELECT device, pack, rx, state FROM alarm_state ORDER BY device`)
	if err != nil {
		return time.Time{}, translate(err)
	}
	var rx time.Time
	var st alarm.DeviceState
	_, err = pgx.ForEachRow(rows, []any{&st.Device, &st.Pack, &st.RX, &st.State}, func() error {
		if st.Device == noted {
			rx = st.RX.UTC()
			return nil
		}
		each(st)
		st.State = nil
		return nil
	})
	if err != nil {
		return rx, fmt.Errorf("load detectors' states: %w", translate(err))
	}
	return rx, nil
}
