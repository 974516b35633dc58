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

// NewDeadLetters returns the dead letters of db.
func NewDeadLetters(db *DB) *DeadLetters { return &DeadLetters{db} }

// InsertDeadLetters stores ds; it is durable when it returns.
func (s *DeadLetters) InsertDeadLetters(ctx context.Context, ds []pipelines.DeadLetter) error {
	n := len(ds)
	at, row := make([]time.Time, n), make([]uint64, n)
	source, field, reason, payload, run := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, d := range ds {
		at[i], row[i], source[i], field[i] = d.At, d.Row, d.Source, d.Field
		reason[i], payload[i], run[i] = d.Reason, d.Payload, string(d.Run)
	}
	return s.db.insert(ctx, "INSERT INTO plinth.dead_letter (at, source, row, field, reason, payload, run)",
		at, source, row, field, reason, payload, run)
}

// DeadLetterFilter narrows a list of dead letters; zero fields let all through.
type DeadLetterFilter struct {
	Run           plinth.RunID
	Source        string
	Limit, Offset int
}

// List returns dead letters, newest first, and how many there are in all.
func (s *DeadLetters) List(ctx context.Context, f DeadLetterFilter) ([]pipelines.DeadLetter, int64, error) {
	where, args := []string{"1"}, []any(nil)
	if f.Run != "" {
		where, args = append(where, "run = ?"), append(args, string(f.Run))
	}
	if f.Source != "" {
		where, args = append(where, "source = ?"), append(args, f.Source)
	}
	from := ` FROM plinth.dead_letter FINAL WHERE ` + strings.Join(where, " AND ")
	var n uint64
	if err := s.db.QueryRow(ctx, `SELECT count()`+from, args...).Scan(&n); err != nil {
		return nil, 0, fmt.Errorf("count dead letters: %w", translate(err))
	}
	rows, err := s.db.Query(ctx, `SELECT at, source, row, field, reason, payload, run`+from+`
		ORDER BY at DESC, source, row, field, payload LIMIT ? OFFSET ?`, append(args, f.Limit, f.Offset)...)
	if err != nil {
		return nil, 0, fmt.Errorf("read dead letters: %w", translate(err))
	}
	defer rows.Close()
	var out []pipelines.DeadLetter
	for rows.Next() {
		var d pipelines.DeadLetter
		var run string
		if err := rows.Scan(&d.At, &d.Source, &d.Row, &d.Field, &d.Reason, &d.Payload, &run); err != nil {
			return nil, 0, fmt.Errorf("read dead letters: %w", err)
		}
		d.At, d.Run = d.At.UTC(), plinth.RunID(run)
		out = append(out, d)
	}
	return out, int64(n), translate(rows.Err())
}
