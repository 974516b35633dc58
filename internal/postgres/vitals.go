package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"plinth"
	"plinth/analytics/vitals"
	"plinth/ledger"
)

// Vitals keeps the versions of indicators.
type Vitals struct{ db *DB }

var _ vitals.Store = (*Vitals)(nil)

// NewVitals returns the indicators of db.
func NewVitals(db *DB) *Vitals { return &Vitals{db} }

const indicatorColumns = `i.id, i.version, i.origin, i.at, i.by, i.retired, i.definition, coalesce(i.record_id::text, ''),
	coalesce(l.state, CASE WHEN i.record_id IS NULL THEN '' ELSE 'pending' END)`

func scanIndicator(row pgx.CollectableRow) (v vitals.Version, err error) {
	var definition []byte
	var id string
	if err := row.Scan(&id, &v.Version, &v.Origin, &v.At, &v.By, &v.Retired, &definition, &v.Record, &v.State); err != nil {
		return v, err
	}
	v.At = v.At.UTC()
	return v, json.Unmarshal(definition, &v.Indicator)
}

// Indicators implements vitals.Store.
func (s *Vitals) Indicators(ctx context.Context) ([]vitals.Version, error) {
	return s.list(ctx, `SELECT DISTINCT ON (i.id COLLATE "C") `+indicatorColumns+`
		FROM indicator i LEFT JOIN ledger_state l ON l.id = i.record_id ORDER BY i.id COLLATE "C", i.version DESC`)
}

// Versions implements vitals.Store.
func (s *Vitals) Versions(ctx context.Context, id string) ([]vitals.Version, error) {
	out, err := s.list(ctx, `SELECT `+indicatorColumns+`
		FROM indicator i LEFT JOIN ledger_state l ON l.id = i.record_id WHERE i.id = $1 ORDER BY i.version DESC`, id)
	if err == nil && len(out) == 0 {
		err = plinth.Errorf(plinth.ErrNotFound, "there is no indicator %.64q", id)
	}
	return out, err
}

func (s *Vitals) list(ctx context.Context, sql string, args ...any) ([]vitals.Version, error) {
	rows, err := s.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read indicators: %w", translate(err))
	}
	out, err := pgx.CollectRows(rows, scanIndicator)
	return out, translate(err)
}

// Ship implements vitals.Store.
func (s *Vitals) Ship(ctx context.Context, files []vitals.Version, at time.Time) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		// One instance at a time: two would both make the same version.
		if _, err := tx.Exec(ctx, `LOCK TABLE indicator IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		for _, f := range files {
			if err := shipOne(ctx, tx, f, at); err != nil {
				return fmt.Errorf("ship %s: %w", f.ID, err)
			}
		}
		return nil
	})
}

func shipOne(ctx context.Context, tx pgx.Tx, f vitals.Version, at time.Time) error {
	definition, err := json.Marshal(f.Indicator)
	if err != nil {
		return err
	}
	var version int
	var origin vitals.Origin
	var before []byte
	err = tx.QueryRow(ctx, `SELECT version, origin, definition FROM indicator WHERE id = $1 ORDER BY version DESC LIMIT 1`, f.ID).
		Scan(&version, &origin, &before)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return err
	case origin == vitals.Declared || sameJSON(before, definition) || origin == vitals.Site && f.Origin == vitals.Shipped:
		return nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO indicator (id, version, origin, at, definition) VALUES ($1, $2, $3, $4, $5)`,
		f.ID, version+1, f.Origin, at, definition)
	return err
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// Append implements vitals.Store.
func (s *Vitals) Append(ctx context.Context, v vitals.Version, rec ledger.Record) error {
	definition, err := json.Marshal(v.Indicator)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO indicator (id, version, origin, at, by, retired, definition, record_id)
			SELECT $1, $2::int, $3, $4, $5, $6, $7, $8
			WHERE $2::int = 1 + coalesce((SELECT max(version) FROM indicator WHERE id = $1), 0)`,
			v.ID, v.Version, v.Origin, v.At, string(v.By), v.Retired, definition, rec.ID)
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "23505" || err == nil && tag.RowsAffected() == 0 {
			return plinth.Errorf(plinth.ErrConflict, "someone else changed the indicator %s, look again", v.ID)
		}
		if err != nil {
			return err
		}
		return s.db.AppendRecord(ctx, tx, rec)
	})
}
