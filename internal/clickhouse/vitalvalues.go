package clickhouse

import (
	"context"
	"fmt"
	"time"

	"plinth/analytics/vitals"
)

// VitalValues keeps what indicators were.
type VitalValues struct{ db *DB }

var _ vitals.Values = (*VitalValues)(nil)

// NewVitalValues returns the values of db.
func NewVitalValues(db *DB) *VitalValues { return &VitalValues{db} }

// Put implements vitals.Values. The board's row is written after the value: what breaks off between them is mended when
// the period is computed again, which a keeper does that did not get its answer.
func (s *VitalValues) Put(ctx context.Context, vs []vitals.Value) error {
	n := len(vs)
	indicator, street := make([]string, n), make([]string, n)
	period, until, since, computed := make([]time.Time, n), make([]time.Time, n), make([]time.Time, n), make([]time.Time, n)
	version, order := make([]uint32, n), make([]uint64, n)
	value, weight, baseline, score := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	grade, trend := make([]int8, n), make([]int8, n)
	for i, v := range vs {
		indicator[i], street[i], period[i], until[i], version[i] = v.Indicator, v.Street, v.From, v.To, uint32(v.Version)
		value[i], weight[i], baseline[i], score[i] = v.Value, v.Weight, v.Baseline, v.Score
		grade[i], trend[i], computed[i] = int8(v.Grade), int8(v.Trend), v.Computed
		if since[i] = v.Since; v.Since.IsZero() {
			since[i] = time.Unix(0, 0).UTC()
		}
		order[i] = uint64(uint32(v.From.Unix()))<<32 | uint64(uint32(v.Computed.Unix()))
	}
	columns := []any{indicator, street, period, until, version, value, weight, baseline, score, grade, trend, since, computed}
	if err := s.db.insert(ctx, "INSERT INTO plinth.vital ("+vitalColumns+")", columns...); err != nil {
		return fmt.Errorf("store vital signs: %w", err)
	}
	if err := s.db.insert(ctx, "INSERT INTO plinth.vital_now ("+vitalColumns+", n)", append(columns, order)...); err != nil {
		return fmt.Errorf("store the board: %w", err)
	}
	return nil
}

const vitalColumns = "indicator, street, period, until, version, value, weight, baseline, score, grade, trend, since, computed"

// Now implements vitals.Values.
func (s *VitalValues) Now(ctx context.Context) ([]vitals.Value, error) {
	return s.query(ctx, `SELECT `+vitalColumns+` FROM plinth.vital_now FINAL ORDER BY indicator, street`)
}

// At implements vitals.Values.
func (s *VitalValues) At(ctx context.Context, indicator string, from []time.Time) ([]vitals.Value, error) {
	if len(from) == 0 {
		return nil, nil
	}
	at := make([]int64, len(from))
	for i, t := range from {
		at[i] = t.Unix()
	}
	return s.query(ctx, `SELECT `+vitalColumns+` FROM plinth.vital FINAL
		WHERE indicator = ? AND period IN (SELECT toDateTime(arrayJoin(?), 'UTC')) ORDER BY period, street`, indicator, at)
}

// Between implements vitals.Values.
func (s *VitalValues) Between(ctx context.Context, indicator string, from, to time.Time) ([]vitals.Value, error) {
	return s.query(ctx, `SELECT `+vitalColumns+` FROM plinth.vital FINAL
		WHERE indicator = ? AND period >= toDateTime(?, 'UTC') AND period < toDateTime(?, 'UTC') ORDER BY period, street`,
		indicator, from.Unix(), to.Unix())
}

// History implements vitals.Values.
func (s *VitalValues) History(ctx context.Context, indicator, street string, from, to time.Time, most int) ([]vitals.Value, error) {
	return s.query(ctx, `SELECT * FROM (SELECT `+vitalColumns+` FROM plinth.vital FINAL
			WHERE indicator = ? AND street = ? AND period >= toDateTime(?, 'UTC') AND period < toDateTime(?, 'UTC')
			ORDER BY period DESC LIMIT ?)
		ORDER BY period`, indicator, street, from.Unix(), to.Unix(), most)
}

// Touched implements vitals.Values. A span without rows costs next to nothing: the insertion has an index in both tables.
func (s *VitalValues) Touched(ctx context.Context, from, to time.Time) ([]time.Time, error) {
	step := int64(vitals.Step / time.Second)
	rows, err := s.db.Query(ctx, fmt.Sprintf(`
		SELECT DISTINCT intDiv(toUnixTimestamp(at), %d) * %d AS step FROM (
			SELECT at FROM plinth.reading WHERE rx >= %[3]s AND rx < %[3]s
			UNION ALL SELECT at FROM plinth.event WHERE rx >= %[3]s AND rx < %[3]s)
		ORDER BY step`, step, step, instant), millis(from), millis(to), millis(from), millis(to))
	if err != nil {
		return nil, fmt.Errorf("look for touched steps: %w", translate(err))
	}
	defer rows.Close()
	var out []time.Time
	for rows.Next() {
		var at uint64
		if err := rows.Scan(&at); err != nil {
			return nil, fmt.Errorf("look for touched steps: %w", err)
		}
		out = append(out, time.Unix(int64(at), 0).UTC())
	}
	return out, translate(rows.Err())
}

func (s *VitalValues) query(ctx context.Context, sql string, args ...any) ([]vitals.Value, error) {
	rows, err := s.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read vital signs: %w", translate(err))
	}
	defer rows.Close()
	var out []vitals.Value
	for rows.Next() {
		var v vitals.Value
		var version uint32
		var grade, trend int8
		if err := rows.Scan(&v.Indicator, &v.Street, &v.From, &v.To, &version, &v.Value, &v.Weight, &v.Baseline, &v.Score, &grade,
			&trend, &v.Since, &v.Computed); err != nil {
			return nil, fmt.Errorf("read vital signs: %w", err)
		}
		v.Version, v.Grade, v.Trend = int(version), vitals.Grade(grade), vitals.Trend(trend)
		v.From, v.To, v.Computed = v.From.UTC(), v.To.UTC(), v.Computed.UTC()
		if v.Since = v.Since.UTC(); v.Since.Unix() == 0 {
			v.Since = time.Time{}
		}
		out = append(out, v)
	}
	return out, translate(rows.Err())
}
