package clickhouse

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"plinth"
	"plinth/catalog"
)

// Measurer looks at how far the rows of tables reach.
type Measurer struct{ db *DB }

var _ catalog.Measurer = (*Measurer)(nil)

// NewMeasurer returns the measurer of db's tables.
func NewMeasurer(db *DB) *Measurer { return &Measurer{db} }

// Measure implements catalog.Measurer. Rows that a later version replaces are counted until the engine has merged them.
func (m *Measurer) Measure(ctx context.Context, table string) (catalog.Measurement, error) {
	database, name, _ := strings.Cut(table, ".")
	var columns uint64
	err := m.db.QueryRow(ctx, `
		SELECT count() FROM system.columns
		WHERE database = {database:String} AND table = {table:String} AND name = 'at' AND type LIKE '%DateTime%'`,
		Param("database", database), Param("table", name)).Scan(&columns)
	if err != nil {
		return catalog.Measurement{}, fmt.Errorf("look for %s: %w", table, err)
	}
	if columns == 0 {
		return catalog.Measurement{}, plinth.Errorf(plinth.ErrNotFound, "there is no table %s with a time", table)
	}
	var rows uint64
	var until sql.NullTime
	err = m.db.QueryRow(ctx, `SELECT count(), maxOrNull(at) FROM {database:Identifier}.{table:Identifier}`,
		Param("database", database), Param("table", name)).Scan(&rows, &until)
	if err != nil {
		return catalog.Measurement{}, fmt.Errorf("measure %s: %w", table, err)
	}
	// A device's wrong clock must not make a table look fresh for ever.
	if limit := time.Now().Add(24 * time.Hour); until.Time.After(limit) {
		return m.within(ctx, database, name, limit, rows)
	}
	return catalog.Measurement{Until: until.Time, Rows: int64(rows)}, nil
}

// within measures the newest row that is not of the far future.
func (m *Measurer) within(ctx context.Context, database, table string, limit time.Time, rows uint64) (catalog.Measurement, error) {
	var until sql.NullTime
	err := m.db.QueryRow(ctx, `SELECT maxOrNull(at) FROM {database:Identifier}.{table:Identifier} WHERE at <= fromUnixTimestamp({limit:Int64})`,
		Param("database", database), Param("table", table), Param("limit", fmt.Sprint(limit.Unix()))).Scan(&until)
	if err != nil {
		return catalog.Measurement{}, fmt.Errorf("measure %s.%s: %w", database, table, err)
	}
	return catalog.Measurement{Until: until.Time, Rows: int64(rows)}, nil
}
