package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"plinth"
	"plinth/pipelines"
)

// DeadLetters keeps what could not be used.
type DeadLetters struct{ db *DB }

var _ pipelines.Letters = (*DeadLetters)(nil)

// NewDeadLetters returns the dead letters of db.
func NewDeadLetters(db *DB) *DeadLetters { return &DeadLetters{db} }

// InsertDeadLetters stores ds; it is durable when it returns.
func (s *DeadLetters) InsertDeadLetters(ctx context.Context, ds []pipelines.DeadLetter) error {
	n := len(ds)
	at, row, count, size := make([]time.Time, n), make([]uint64, n), make([]uint64, n), make([]uint64, n)
	source, field, reason, payload, run := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	pipeline, device := make([]string, n), make([]string, n)
	for i, d := range ds {
		at[i], row[i], source[i], field[i] = d.At, d.Row, d.Source, d.Field
		reason[i], payload[i], run[i] = d.Reason, d.Payload, string(d.Run)
		pipeline[i], device[i] = d.Pipeline, string(d.Device)
		count[i], size[i] = max(d.Count, 1), max(d.Size, uint64(len(d.Payload)))
	}
	return s.db.insert(ctx, "INSERT INTO plinth.dead_letter (at, source, row, field, reason, payload, run, pipeline, device, n, size)",
		at, source, row, field, reason, payload, run, pipeline, device, count, size)
}

// letterFrom is the letters with what became of them.
const letterFrom = ` FROM (SELECT *, id FROM plinth.dead_letter FINAL) l
	LEFT JOIN (SELECT id, state, act FROM plinth.dead_letter_act FINAL) a ON a.id = l.id`

const letterColumns = `l.at, l.source, l.row, l.field, l.reason, l.payload, l.run, l.pipeline, l.device, l.n, l.size, l.id, a.state, a.act`

// where turns f into a condition with its parameters.
func letterWhere(f pipelines.LetterFilter) (string, []any) {
	where, args := []string{"1"}, []any(nil)
	add := func(condition string, value any) { where, args = append(where, condition), append(args, value) }
	for _, c := range []struct{ column, value string }{{"run", string(f.Run)}, {"pipeline", f.Pipeline}, {"source", f.Source},
		{"field", f.Field}, {"reason", f.Reason}, {"device", string(f.Device)}} {
		if c.value != "" {
			add("l."+c.column+" = ?", c.value)
		}
	}
	if len(f.IDs) > 0 {
		add("l.id IN ?", f.IDs)
	}
	if !f.From.IsZero() {
		add("l.at >= "+instant, millis(f.From))
	}
	if !f.To.IsZero() {
		add("l.at < "+instant, millis(f.To))
	}
	switch f.State {
	case "":
	case pipelines.LetterOpen:
		where = append(where, "a.state = ''")
	default:
		add("a.state = ?", string(f.State))
	}
	return " WHERE " + strings.Join(where, " AND "), args
}

// Letters implements pipelines.Letters.
func (s *DeadLetters) Letters(ctx context.Context, f pipelines.LetterFilter, limit int) ([]pipelines.Letter, error) {
	where, args := letterWhere(f)
	return s.letters(ctx, where+` ORDER BY l.at, l.id LIMIT ?`, append(args, limit)...)
}

// Page returns letters, newest first, and how many there are in all.
func (s *DeadLetters) Page(ctx context.Context, f pipelines.LetterFilter, limit, offset int) ([]pipelines.Letter, int64, error) {
	where, args := letterWhere(f)
	var n uint64
	if err := s.db.QueryRow(ctx, `SELECT count()`+letterFrom+where, args...).Scan(&n); err != nil {
		return nil, 0, fmt.Errorf("count dead letters: %w", translate(err))
	}
	ls, err := s.letters(ctx, where+` ORDER BY l.at DESC, l.id LIMIT ? OFFSET ?`, append(args, limit, offset)...)
	return ls, int64(n), err
}

func (s *DeadLetters) letters(ctx context.Context, rest string, args ...any) ([]pipelines.Letter, error) {
	rows, err := s.db.Query(ctx, `SELECT `+letterColumns+letterFrom+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", translate(err))
	}
	defer rows.Close()
	var out []pipelines.Letter
	for rows.Next() {
		var l pipelines.Letter
		var run, device, state string
		if err := rows.Scan(&l.At, &l.Source, &l.Row, &l.Field, &l.Reason, &l.Payload, &run, &l.Pipeline, &device, &l.Count, &l.Size,
			&l.ID, &state, &l.Act); err != nil {
			return nil, fmt.Errorf("read dead letters: %w", err)
		}
		l.At, l.Run, l.Device, l.State = l.At.UTC(), plinth.RunID(run), plinth.DeviceID(device), pipelines.LetterState(state)
		if state == "" {
			l.State = pipelines.LetterOpen
		}
		out = append(out, l)
	}
	return out, translate(rows.Err())
}

// MarkLetters implements pipelines.Letters.
func (s *DeadLetters) MarkLetters(ctx context.Context, a pipelines.LetterAct) error {
	n := len(a.Letters)
	state, at, act := make([]string, n), make([]time.Time, n), make([]string, n)
	for i := range a.Letters {
		state[i], at[i], act[i] = string(a.State), a.At, a.ID
	}
	return s.db.insert(ctx, "INSERT INTO plinth.dead_letter_act (id, state, at, act)", a.Letters, state, at, act)
}

// ReasonCount is how many letters have one reason.
type ReasonCount struct {
	Pipeline, Field, Reason string
	Letters, Inputs         uint64
	First, Last             time.Time
	Example                 string // the id of one
}

// Reasons counts a filter's letters by pipeline, field and reason, the most inputs first, at most a thousand.
func (s *DeadLetters) Reasons(ctx context.Context, f pipelines.LetterFilter) ([]ReasonCount, error) {
	where, args := letterWhere(f)
	rows, err := s.db.Query(ctx, `
		SELECT l.pipeline, l.field, l.reason, count(), sum(l.n) AS inputs, min(l.at), max(l.at), min(l.id)`+letterFrom+where+`
		GROUP BY l.pipeline, l.field, l.reason ORDER BY inputs DESC, l.pipeline, l.field, l.reason LIMIT 1000`, args...)
	if err != nil {
		return nil, fmt.Errorf("count dead letters: %w", translate(err))
	}
	defer rows.Close()
	var out []ReasonCount
	for rows.Next() {
		var c ReasonCount
		if err := rows.Scan(&c.Pipeline, &c.Field, &c.Reason, &c.Letters, &c.Inputs, &c.First, &c.Last, &c.Example); err != nil {
			return nil, fmt.Errorf("count dead letters: %w", err)
		}
		out = append(out, c)
	}
	return out, translate(rows.Err())
}
