package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plinth"
)

// instant is a parameter that is a moment, given by millis: the driver would cut a time.Time to seconds.
const instant = `fromUnixTimestamp64Milli(toInt64(?), 'UTC')`

func millis(t time.Time) int64 { return t.UnixMilli() }

// insert stores whole columns as one block; it is in the table when it returns. A row that can never be stored is
// ErrInvalid, every other error is worth another try.
func (db *DB) insert(ctx context.Context, sql string, columns ...any) error {
	options := []ch.QueryOption{ch.WithSettings(db.cfg.Durability.settings())}
	if known, ok := db.columns.Load(sql); ok {
		options = append(options, ch.WithColumnNamesAndTypes(known.([]ch.ColumnNameAndType)))
	}
	b, err := db.PrepareBatch(ch.Context(ctx, options...), sql)
	if err != nil {
		return fmt.Errorf("prepare insert: %w", err)
	}
	db.remember(sql, b)
	for i, c := range columns {
		if err := b.Column(i).Append(c); err != nil {
			_ = b.Abort()
			return plinth.Errorf(plinth.ErrInvalid, "a value does not fit its column").Because(err)
		}
	}
	if err := b.Send(); err != nil {
		db.columns.Delete(sql) // the table may have changed
		if slices.Contains(unfit, Code(err)) {
			return plinth.Errorf(plinth.ErrInvalid, "ClickHouse refuses a value").Because(err)
		}
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

// remember keeps the columns' types, which the driver would ask for before every insert.
func (db *DB) remember(sql string, b driver.Batch) {
	if _, ok := db.columns.Load(sql); ok {
		return
	}
	var known []ch.ColumnNameAndType
	for _, c := range b.Columns() {
		known = append(known, ch.ColumnNameAndType{Name: c.Name(), Type: string(c.Type())})
	}
	db.columns.Store(sql, known)
}

// unfit are the engine's codes for values that no table takes: parsing, types, bounds and sizes.
var unfit = []int{6, 27, 41, 53, 69, 131, 321, 407}
