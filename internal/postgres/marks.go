package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"plinth/pipelines"
)

// Marks keep how far files and endpoints have been read.
type Marks struct{ db *DB }

var _ pipelines.Marks = (*Marks)(nil)

// NewMarks returns the marks of db.
func NewMarks(db *DB) *Marks { return &Marks{db} }

// Mark is of pipelines.Marks.
func (s *Marks) Mark(ctx context.Context, pipeline, key string) (string, error) {
	var mark string
	err := s.db.QueryRow(ctx, `SELECT mark FROM pipeline_mark WHERE pipeline = $1 AND key = $2`, pipeline, key).Scan(&mark)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return mark, translate(err)
}

// SetMark is of pipelines.Marks.
func (s *Marks) SetMark(ctx context.Context, pipeline, key, mark string) error {
	sql, args := `DELETE FROM pipeline_mark WHERE pipeline = $1 AND key = $2`, []any{pipeline, key}
	if mark != "" {
		sql, args = `
			INSERT INTO pipeline_mark (pipeline, key, mark) VALUES ($1, $2, $3)
			ON CONFLICT (pipeline, key) DO UPDATE SET mark = excluded.mark, updated_at = now()`, append(args, mark)
	}
	_, err := s.db.Exec(ctx, sql, args...)
	return translate(err)
}
