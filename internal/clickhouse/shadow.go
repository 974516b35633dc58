package clickhouse

import (
	"context"
	"fmt"
	"time"

	"plinth"
	"plinth/pipelines"
	"plinth/sensors"
)

// Shadow keeps what replays come to, apart from the live rows.
type Shadow struct{ *Readings }

var (
	_ pipelines.Shadow        = Shadow{}
	_ pipelines.ShadowChanges = Shadow{}
	_ pipelines.ReplayRows    = Shadow{}
)

// NewShadow returns the shadow of db's readings.
func NewShadow(db *DB) Shadow { return Shadow{NewReadings(db)} }

// Before implements pipelines.ReplayRows.
func (s Shadow) Before(ctx context.Context, ds []plinth.DeviceID, since, at time.Time, n int) ([]sensors.Reading, error) {
	return s.query(ctx, `
		SELECT * FROM (
			SELECT device, metric, at, seq, value, flags, rx FROM plinth.reading FINAL
			WHERE device IN ? AND at >= `+instant+` AND at < `+instant+`
			ORDER BY device, metric, at DESC, seq DESC LIMIT ? BY device, metric)
		ORDER BY at, seq, device, metric`, ds2strings(ds), millis(since), millis(at), n)
}

// Following implements pipelines.ReplayRows.
func (s Shadow) Following(ctx context.Context, ds []plinth.DeviceID, after sensors.Reading, to time.Time, limit int) ([]sensors.Reading, error) {
	return s.query(ctx, `
		SELECT device, metric, at, seq, value, flags, rx FROM plinth.reading FINAL
		WHERE device IN ? AND at >= `+instant+` AND at < `+instant+` AND (at > `+instant+` OR (seq, device, metric) > (?, ?, ?))
		ORDER BY at, seq, device, metric LIMIT ?`,
		ds2strings(ds), millis(after.At), millis(to), millis(after.At), after.Seq, string(after.Device), after.Metric, limit)
}

// InsertShadow implements pipelines.Shadow.
func (s Shadow) InsertShadow(ctx context.Context, replay string, rs []pipelines.ShadowRow) error {
	n := len(rs)
	id, device, metric, at, seq := make([]string, n), make([]string, n), make([]string, n), make([]time.Time, n), make([]uint64, n)
	value, flags, was, came, reason := make([]float64, n), make([]uint16, n), make([]uint16, n), make([]string, n), make([]string, n)
	for i := range rs {
		r := &rs[i]
		id[i], device[i], metric[i], at[i], seq[i] = replay, string(r.Device), r.Metric, r.At, r.Seq
		value[i], flags[i], was[i], came[i], reason[i] = r.Value, uint16(r.Flags), uint16(r.Was), r.Came, r.Reason
	}
	return s.db.insert(ctx, "INSERT INTO plinth.shadow_reading (replay, device, metric, at, seq, value, flags, was, came, reason)",
		id, device, metric, at, seq, value, flags, was, came, reason)
}

// InsertShadowLetters implements pipelines.Shadow.
func (s Shadow) InsertShadowLetters(ctx context.Context, replay string, ls []pipelines.ShadowLetter) error {
	n := len(ls)
	if n == 0 {
		return nil
	}
	of, id, came, field, reason, rows := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]uint64, n)
	for i, l := range ls {
		of[i], id[i], came[i], field[i], reason[i], rows[i] = replay, l.ID, l.Came, l.Field, l.Reason, uint64(l.Rows)
	}
	return s.db.insert(ctx, "INSERT INTO plinth.shadow_letter (replay, id, came, field, reason, rows)", of, id, came, field, reason, rows)
}

// DropShadow implements pipelines.Shadow.
func (s Shadow) DropShadow(ctx context.Context, replay string) error {
	for _, table := range []string{"shadow_reading", "shadow_letter"} {
		if err := s.db.Exec(ctx, `ALTER TABLE plinth.`+table+` DROP PARTITION ?`, replay); err != nil {
			return fmt.Errorf("drop a shadow: %w", translate(err))
		}
	}
	return nil
}

// ofReplay is a replay's rows after one and in the order of the table.
const (
	ofReplay    = ` WHERE replay = ? AND came IN ('flags', 'gone') AND (metric, device, toUnixTimestamp64Milli(at), seq) > (?, ?, ?, ?)`
	inKeyOrder  = ` ORDER BY metric, device, at, seq`
	shadowShape = `SELECT device, metric, at, seq, value, flags, was, came, reason FROM plinth.shadow_reading FINAL`
)

func keyArgs(replay string, r sensors.Reading) []any {
	ms := int64(0)
	if !r.At.IsZero() {
		ms = millis(r.At)
	}
	return []any{replay, r.Metric, string(r.Device), ms, r.Seq}
}

// Changed implements pipelines.ShadowChanges.
func (s Shadow) Changed(ctx context.Context, replay string, after sensors.Reading, limit int) ([]pipelines.ShadowRow, error) {
	return s.shadows(ctx, shadowShape+ofReplay+inKeyOrder+` LIMIT ?`, append(keyArgs(replay, after), limit)...)
}

// StoredNow implements pipelines.ShadowChanges.
func (s Shadow) StoredNow(ctx context.Context, replay string, after, last sensors.Reading) ([]sensors.Reading, error) {
	page := `SELECT metric, device, at, seq FROM plinth.shadow_reading FINAL` + ofReplay +
		` AND (metric, device, toUnixTimestamp64Milli(at), seq) <= (?, ?, ?, ?)`
	args := append(keyArgs(replay, after), keyArgs("", last)[1:]...)
	return s.query(ctx, `SELECT device, metric, at, seq, value, flags, rx FROM plinth.reading FINAL
		WHERE (metric, device, at, seq) IN (`+page+`)`, args...)
}

// Mended implements pipelines.ShadowChanges.
func (s Shadow) Mended(ctx context.Context, replay, after string, limit int) ([]string, error) {
	rows, err := s.db.Query(ctx, `
		SELECT id FROM plinth.shadow_letter FINAL WHERE replay = ? AND came = 'mended' AND id > ? ORDER BY id LIMIT ?`, replay, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read mended letters: %w", translate(err))
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read mended letters: %w", err)
		}
		out = append(out, id)
	}
	return out, translate(rows.Err())
}

func (s Shadow) shadows(ctx context.Context, sql string, args ...any) ([]pipelines.ShadowRow, error) {
	rows, err := s.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read a shadow: %w", translate(err))
	}
	defer rows.Close()
	var out []pipelines.ShadowRow
	for rows.Next() {
		var r pipelines.ShadowRow
		var device string
		var flags, was uint16
		if err := rows.Scan(&device, &r.Metric, &r.At, &r.Seq, &r.Value, &flags, &was, &r.Came, &r.Reason); err != nil {
			return nil, fmt.Errorf("read a shadow: %w", err)
		}
		r.Device, r.Flags, r.Was, r.At = plinth.DeviceID(device), sensors.Flags(flags), sensors.Flags(was), r.At.UTC()
		out = append(out, r)
	}
	return out, translate(rows.Err())
}
