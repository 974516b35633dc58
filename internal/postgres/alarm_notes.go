package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth/sensors/alarm"
)

var _ alarm.Notes = (*Alarms)(nil)

// AddNotes implements alarm.Notes.
func (s *Alarms) AddNotes(ctx context.Context, ns []alarm.Note) error {
	devices, alarms, first, last := noteColumns(ns)
	_, err := s.db.Exec(ctx, `
		INSERT INTO alarm_note (device, alarm, first_at, last_at)
		SELECT device, alarm, min(first_at), max(last_at)
		FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS n(device, alarm, first_at, last_at)
		GROUP BY device, alarm ORDER BY device, alarm
		ON CONFLICT (device, alarm) DO UPDATE SET first_at = least(alarm_note.first_at, excluded.first_at),
			last_at = greatest(alarm_note.last_at, excluded.last_at), version = alarm_note.version + 1`,
		devices, alarms, first, last)
	return translate(err)
}

func noteColumns(ns []alarm.Note) (devices, alarms []string, first, last []time.Time) {
	for _, n := range ns {
		devices, alarms = append(devices, string(n.Device)), append(alarms, string(n.Alarm))
		first, last = append(first, n.First.UTC()), append(last, n.Last.UTC())
	}
	return devices, alarms, first, last
}

// addFoundNote notes what people found about an alarm, in the transaction that records it.
func addFoundNote(ctx context.Context, tx pgx.Tx, a *alarm.Alarm) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO alarm_note (device, alarm, first_at, last_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (device, alarm) DO UPDATE SET version = alarm_note.version + 1`,
		string(a.Device), string(a.ID), a.Since, a.At)
	return err
}

// Notes implements alarm.Notes.
func (s *Alarms) Notes(ctx context.Context, kinds []string) ([]alarm.Note, error) {
	rows, err := s.db.Query(ctx, `
		SELECT n.device, n.alarm, n.first_at, n.last_at, n.version FROM alarm_note n JOIN device d ON d.id = n.device
		WHERE d.kind = ANY ($1) ORDER BY n.device, n.alarm`, kinds)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n alarm.Note, err error) {
		err = row.Scan(&n.Device, &n.Alarm, &n.First, &n.Last, &n.Version)
		n.First, n.Last = n.First.UTC(), n.Last.UTC()
		return n, err
	})
	return out, translate(err)
}

// EndNotes implements alarm.Notes.
func (s *Alarms) EndNotes(ctx context.Context, ns []alarm.Note) error {
	devices, alarms, _, _ := noteColumns(ns)
	versions := make([]int64, len(ns))
	for i, n := range ns {
		versions[i] = n.Version
	}
	_, err := s.db.Exec(ctx, `
		DELETE FROM alarm_note a USING unnest($1::text[], $2::text[], $3::bigint[]) AS n(device, alarm, version)
		WHERE a.device = n.device AND a.alarm = n.alarm AND a.version = n.version`, devices, alarms, versions)
	return translate(err)
}
