package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/ledger"
	"plinth/sensors/alarm"
)

// Alarms keeps alarms, their life, and permits.
type Alarms struct{ db *DB }

var (
	_ alarm.Store       = (*Alarms)(nil)
	_ alarm.PermitStore = (*Alarms)(nil)
)

// NewAlarms returns the alarms of db.
func NewAlarms(db *DB) *Alarms { return &Alarms{db} }

// alarmColumns begins with the key of the list.
const alarmColumns = `a.id, a.device, a.device_zh, a.device_en, a.kind, a.rule, a.pack, a.title_zh, a.title_en, a.text_zh,
	a.text_en, a.basis, a.class, a.grade, a.peak, a.state, a.since, a.raised_at, a.ended_at, a.at, a.street, a.grid, a.site,
	a.longitude, a.latitude, a.owner, a.unit, a.respond_by, a.permit, a.acknowledged_by, a.acknowledged_at, a.handled_by,
	a.handled_at, a.outcome, a.note, a.score, a.facts, a.rows, a.record_id, a.event_id, coalesce(l.state, 'pending')`

const alarmFrom = ` FROM alarm a LEFT JOIN ledger_state l ON l.id = a.record_id`

func scanAlarm(row pgx.CollectableRow) (alarm.Alarm, error) {
	var a alarm.Alarm
	var ended, respond, acknowledged, handled *time.Time
	err := row.Scan(&a.ID, &a.Device, &a.DeviceName.ZH, &a.DeviceName.EN, &a.Kind, &a.Rule, &a.Pack, &a.Title.ZH, &a.Title.EN,
		&a.Text.ZH, &a.Text.EN, &a.Basis, &a.Class, &a.Grade, &a.Peak, &a.State, &a.Since, &a.Raised, &ended, &a.At, &a.Street,
		&a.Grid, &a.Site, &a.Longitude, &a.Latitude, &a.Owner, &a.Unit, &respond, &a.Permit, &a.Acknowledger, &acknowledged,
		&a.Handler, &handled, &a.Outcome, &a.Note, &a.Score, &a.Facts, &a.Rows, &a.Record, &a.Event, &a.Evidence)
	for _, t := range []struct {
		from *time.Time
		to   *time.Time
	}{{ended, &a.Ended}, {respond, &a.RespondBy}, {acknowledged, &a.AcknowledgedAt}, {handled, &a.HandledAt}} {
		if t.from != nil {
			*t.to = t.from.UTC()
		}
	}
	a.Since, a.Raised, a.At = a.Since.UTC(), a.Raised.UTC(), a.At.UTC()
	return a, err
}

// Alarm implements alarm.Store.
func (s *Alarms) Alarm(ctx context.Context, id alarm.ID) (alarm.Alarm, []alarm.Step, error) {
	rows, err := s.db.Query(ctx, `SELECT `+alarmColumns+alarmFrom+` WHERE a.id = $1`, string(id))
	if err != nil {
		return alarm.Alarm{}, nil, translate(err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAlarm)
	if err != nil {
		return a, nil, missing(err, "alarm", string(id))
	}
	if rows, err = s.db.Query(ctx, `
		SELECT s.at, s.action, s.actor, s.grade, s.note, s.record_id, coalesce(l.state, 'pending')
		FROM alarm_step s LEFT JOIN ledger_state l ON l.id = s.record_id WHERE s.alarm = $1 ORDER BY s.n`, string(id)); err != nil {
		return a, nil, translate(err)
	}
	life, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s alarm.Step, err error) {
		return s, row.Scan(&s.At, &s.Action, &s.Actor, &s.Grade, &s.Note, &s.Record, &s.Evidence)
	})
	return a, life, translate(err)
}

// alarmWhere narrows to a filter's alarms; its arguments are those of alarmArgs.
const alarmWhere = ` WHERE ($1 = '' OR a.state = $1 OR $1 = 'active' AND a.state IN ('open', 'acknowledged'))
	AND a.grade >= $2 AND ($3 = '' OR a.kind = $3) AND ($4 = '' OR a.street = $4) AND ($5 = '' OR a.unit = $5)
	AND ($6 = '' OR a.device = $6) AND ($7 = '' OR a.rule = $7)
	AND ($8::timestamptz IS NULL OR a.raised_at >= $8) AND ($9::timestamptz IS NULL OR a.raised_at < $9)
	AND ($10::text[] IS NULL OR NOT (a.kind = ANY($10) OR a.device = ANY($11)) OR $12 <> '' AND $12 IN (a.unit, a.owner, a.street))`

func alarmArgs(f alarm.Filter) []any {
	args := []any{string(f.State), int16(f.Grade), f.Kind, f.Street, string(f.Unit), string(f.Device), f.Rule, ended(f.From), ended(f.To)}
	if f.Without == nil {
		return append(args, nil, nil, "")
	}
	return append(args, append([]string{}, f.Without.Kinds...), texts(f.Without.Devices), string(f.Without.Except))
}

// Alarms implements alarm.Store.
func (s *Alarms) Alarms(ctx context.Context, f alarm.Filter) ([]alarm.Alarm, int, error) {
	args := alarmArgs(f)
	var total int
	if err := s.db.QueryRow(ctx, `SELECT count(*) FROM alarm a`+alarmWhere, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("count alarms: %w", translate(err))
	}
	var at *time.Time
	var id string
	if f.After != nil {
		at, id = &f.After.Raised, string(f.After.ID)
	}
	rows, err := s.db.Query(ctx, `SELECT `+alarmColumns+alarmFrom+alarmWhere+`
		AND ($13::timestamptz IS NULL OR (a.raised_at, a.id) < ($13, $14)) ORDER BY a.raised_at DESC, a.id DESC LIMIT $15`,
		append(args, at, id, f.Limit)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list alarms: %w", translate(err))
	}
	out, err := pgx.CollectRows(rows, scanAlarm)
	return out, total, translate(err)
}

// AlarmCounts implements alarm.Store.
func (s *Alarms) AlarmCounts(ctx context.Context, f alarm.Filter, now time.Time) (alarm.Counts, error) {
	c := alarm.Counts{State: map[string]int{}, Grade: map[string]int{}, Kind: map[string]int{}, Street: map[string]int{},
		Unit: map[string]int{}}
	rows, err := s.db.Query(ctx, `
		SELECT a.state, a.grade::text, a.kind, a.street, a.unit, count(*)::int,
			(count(*) FILTER (WHERE a.state = 'open' AND a.respond_by < $13))::int
		FROM alarm a`+alarmWhere+` GROUP BY 1, 2, 3, 4, 5`, append(alarmArgs(f), now.UTC())...)
	if err != nil {
		return c, fmt.Errorf("count alarms: %w", translate(err))
	}
	var state, grade, kind, street, unit string
	var n, overdue int
	_, err = pgx.ForEachRow(rows, []any{&state, &grade, &kind, &street, &unit, &n, &overdue}, func() error {
		c.Total, c.Overdue = c.Total+n, c.Overdue+overdue
		c.State[state] += n
		c.Grade[grade] += n
		c.Kind[kind] += n
		c.Street[street] += n
		c.Unit[unit] += n
		return nil
	})
	return c, translate(err)
}

// MoveAlarm implements alarm.Store.
func (s *Alarms) MoveAlarm(ctx context.Context, a alarm.Alarm, from alarm.State, step alarm.Step, rec ledger.Record) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE alarm SET state = $3, acknowledged_by = $4, acknowledged_at = $5, handled_by = $6, handled_at = $7, outcome = $8,
				note = $9, record_id = $10, event_due = event_due OR $8 <> outcome WHERE id = $1 AND state = $2`,
			string(a.ID), string(from), string(a.State), string(a.Acknowledger), ended(a.AcknowledgedAt), string(a.Handler),
			ended(a.HandledAt), string(a.Outcome), a.Note, a.Record)
		if err != nil {
			return err
		}
		if tag.RowsAffected() != 1 {
			return plinth.Errorf(plinth.ErrConflict, "the alarm has moved on, look again")
		}
		if a.Outcome == alarm.False && a.State == alarm.Handled {
			if err := addFoundNote(ctx, tx, &a); err != nil {
				return err
			}
		}
		if _, err := addAlarmStep(ctx, tx, a.ID, step, nil); err != nil {
			return err
		}
		return s.appendAlarmRecord(ctx, tx, a, rec)
	})
}

// addAlarmStep adds a line to an alarm's life; false means that a decision was told before. The caller has locked the
// alarm's row, so the numbers have no gaps.
func addAlarmStep(ctx context.Context, tx pgx.Tx, id alarm.ID, s alarm.Step, verdict *time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO alarm_step (alarm, n, at, action, verdict, actor, grade, note, record_id)
		SELECT $1, coalesce(max(n), 0) + 1, $2, $3, $4, $5, $6, $7, $8 FROM alarm_step WHERE alarm = $1
		ON CONFLICT (alarm, action, verdict) DO NOTHING`,
		string(id), s.At, s.Action, verdict, string(s.Actor), int16(s.Grade), s.Note, s.Record)
	if err != nil {
		return false, fmt.Errorf("add step of alarm: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// appendAlarmRecord writes the record of a step, made from the segments that hold the alarm's rows as far as they are sealed.
func (s *Alarms) appendAlarmRecord(ctx context.Context, tx pgx.Tx, a alarm.Alarm, rec ledger.Record) error {
	if len(a.Rows) > 0 {
		at := make([]time.Time, len(a.Rows))
		for i, r := range a.Rows {
			at[i] = r.At
		}
		rows, err := tx.Query(ctx, `
			SELECT DISTINCT ON (g.t_from) g.record_id FROM segment g JOIN unnest($2::timestamptz[]) AS r(at) ON g.t_from <= r.at AND r.at < g.t_to
			WHERE g.device = $1 ORDER BY g.t_from, g.seq DESC LIMIT $3`, string(a.Device), at, ledger.MaxInputs)
		if err != nil {
			return fmt.Errorf("find segments of alarm: %w", err)
		}
		if rec.Inputs, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
			return fmt.Errorf("find segments of alarm: %w", err)
		}
		if len(rec.Inputs) > 0 {
			rec.Relation = ledger.Derived
		}
	}
	return s.db.AppendRecord(ctx, tx, rec)
}
