package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth/sensors/alarm"
)

// Tell implements alarm.Teller.
func (s *Alarms) Tell(ctx context.Context, ds []alarm.Decision, now time.Time) ([]alarm.Alarm, error) {
	var changed []alarm.Alarm
	now = now.UTC().Truncate(time.Millisecond) // as the list's pages count
	err := s.db.InTx(ctx, func(tx pgx.Tx) error {
		changed = nil
		for i := range ds {
			ok, err := s.tell(ctx, tx, &ds[i], now)
			if err != nil {
				return fmt.Errorf("tell %s of %s on %s: %w", ds[i].Op, ds[i].Alarm.Rule, ds[i].Alarm.Device, err)
			}
			if ok {
				changed = append(changed, alarm.Alarm{ID: ds[i].Alarm.ID})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.those(ctx, changed)
}

// those reads alarms again as they stand, each once.
func (s *Alarms) those(ctx context.Context, as []alarm.Alarm) ([]alarm.Alarm, error) {
	if len(as) == 0 {
		return nil, nil
	}
	ids := make([]string, len(as))
	for i, a := range as {
		ids[i] = string(a.ID)
	}
	rows, err := s.db.Query(ctx, `SELECT `+alarmColumns+alarmFrom+` WHERE a.id = ANY($1) ORDER BY a.raised_at, a.id`, ids)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, scanAlarm)
	return out, translate(err)
}

// tell writes one decision unless it was written before.
func (s *Alarms) tell(ctx context.Context, tx pgx.Tx, d *alarm.Decision, now time.Time) (bool, error) {
	if d.Op == alarm.Raise {
		return s.raise(ctx, tx, d, now)
	}
	var before uuid.UUID
	var state alarm.State
	var at time.Time
	err := tx.QueryRow(ctx, `SELECT record_id, state, at FROM alarm WHERE id = $1 FOR UPDATE`, string(d.Alarm.ID)).Scan(&before, &state, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil // it was raised in another life, by a version of the rules that is gone
	}
	if err != nil {
		return false, err
	}
	rec := d.Record(now, before)
	first, err := addAlarmStep(ctx, tx, d.Alarm.ID, alarm.Step{At: now, Action: string(d.Op), Grade: max(d.Alarm.Grade, alarm.Notice), Note: d.Note,
		Record: rec.ID}, &d.At)
	if err != nil || !first {
		return false, err
	}
	if err := change(ctx, tx, d, rec.ID); err != nil {
		return false, err
	}
	return true, s.appendAlarmRecord(ctx, tx, d.Alarm, rec)
}

func (s *Alarms) raise(ctx context.Context, tx pgx.Tx, d *alarm.Decision, now time.Time) (bool, error) {
	a := d.Alarm
	rec := d.Record(now, uuid.Nil)
	var respond *time.Time
	if !a.RespondBy.IsZero() {
		respond = &a.RespondBy
	}
	rows := a.Rows
	if rows == nil {
		rows = []alarm.Row{}
	}
	facts := a.Facts
	if facts == nil {
		facts = map[string]string{}
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO alarm (id, device, device_zh, device_en, kind, rule, pack, title_zh, title_en, text_zh, text_en, basis, class,
			grade, peak, state, since, raised_at, at, street, grid, site, longitude, latitude, owner, unit, respond_by, permit,
			score, facts, rows, record_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, 'open', $15, $16, $17, $18, $19, $20, $21, $22,
			$23, $24, $25, $26, $27, $28, $29, $30)
		ON CONFLICT (id) DO NOTHING`,
		string(a.ID), string(a.Device), a.DeviceName.ZH, a.DeviceName.EN, a.Kind, a.Rule, a.Pack, a.Title.ZH, a.Title.EN, a.Text.ZH,
		a.Text.EN, a.Basis, a.Class, int16(a.Grade), a.Since, now, d.At, a.Street, a.Grid, a.Site, a.Longitude, a.Latitude,
		string(a.Owner), string(a.Unit), respond, a.Permit, a.Score, facts, rows, rec.ID)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	if _, err := addAlarmStep(ctx, tx, a.ID, alarm.Step{At: now, Action: string(alarm.Raise), Grade: a.Grade, Record: rec.ID}, &d.At); err != nil {
		return false, err
	}
	return true, s.appendAlarmRecord(ctx, tx, a, rec)
}

// change writes what a later verdict says. An older one than the newest is a line of the alarm's life and no more; a
// withdrawal leaves what a person has said.
func change(ctx context.Context, tx pgx.Tx, d *alarm.Decision, rec uuid.UUID) error {
	a := d.Alarm
	switch d.Op {
	case alarm.Regrade:
		_, err := tx.Exec(ctx, `
			UPDATE alarm SET record_id = $2, peak = greatest(peak, $3), event_due = event_due OR $3 > peak,
				grade = CASE WHEN $4 >= at THEN $3 ELSE grade END, text_zh = CASE WHEN $4 >= at THEN $5 ELSE text_zh END,
				text_en = CASE WHEN $4 >= at THEN $6 ELSE text_en END, score = CASE WHEN $4 >= at THEN $7 ELSE score END,
				facts = CASE WHEN $4 >= at THEN $8 ELSE facts END, rows = CASE WHEN $4 >= at THEN $9 ELSE rows END,
				respond_by = least(respond_by, $10), at = greatest(at, $4) WHERE id = $1`,
			string(a.ID), rec, int16(a.Grade), d.At, a.Text.ZH, a.Text.EN, a.Score, a.Facts, a.Rows, ended(a.RespondBy))
		return err
	case alarm.End:
		_, err := tx.Exec(ctx, `UPDATE alarm SET record_id = $2, ended_at = $3, at = greatest(at, $3) WHERE id = $1`, string(a.ID), rec, d.At)
		return err
	}
	_, err := tx.Exec(ctx, `
		UPDATE alarm SET record_id = $2, state = CASE WHEN state = 'handled' THEN state ELSE 'withdrawn' END,
			ended_at = coalesce(ended_at, $3), event_due = true WHERE id = $1`, string(a.ID), rec, d.At)
	return err
}

// EventsDue implements alarm.Teller.
func (s *Alarms) EventsDue(ctx context.Context, limit int) ([]alarm.Alarm, error) {
	rows, err := s.db.Query(ctx, `SELECT `+alarmColumns+alarmFrom+` WHERE a.event_due ORDER BY a.raised_at, a.id LIMIT $1`, limit)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, scanAlarm)
	return out, translate(err)
}

// EventsDone implements alarm.Teller. An alarm that has changed since it was read stays due.
func (s *Alarms) EventsDone(ctx context.Context, as []alarm.Alarm) error {
	ids, records := make([]string, len(as)), make([]uuid.UUID, len(as))
	for i, a := range as {
		ids[i], records[i] = string(a.ID), a.Record
	}
	_, err := s.db.Exec(ctx, `
		UPDATE alarm a SET event_due = false FROM unnest($1::text[], $2::uuid[]) AS x(id, record)
		WHERE a.id = x.id AND a.record_id = x.record`, ids, records)
	return translate(err)
}
