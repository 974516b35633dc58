package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"plinth"
)

// instant is a parameter that is a moment, given by millis: the driver would cut a time.Time to seconds.
const instant = `fromUnixTimestamp64Milli(toInt64(?), 'UTC')`

func millis(t time.Time) int64 { return t.UnixMilli() }

// insert stores whole columns as one block; it is in the table when it returns. A row that can never be stored is
// ErrInvalid, every other error is worth another try.
func (db *DB) insert(ctx context.Context, sql string, columns ...any) error {
	ctx = ch.Context(ctx, ch.WithSettings(db.cfg.Durability.settings()))
	b, err := db.PrepareBatch(ctx, sql)
	if err != nil {
		return fmt.Errorf("prepare insert: %w", err)
	}
	for i, c := range columns {
		if err := b.Column(i).Append(c); err != nil {
			_ = b.Abort()
			return plinth.Errorf(plinth.ErrInvalid, "a value does not fit its column").Because(err)
		}
	}
	if err := b.Send(); err != nil {
		if slices.Contains(unfit, Code(err)) {
			return plinth.Errorf(plinth.ErrInvalid, "ClickHouse refuses a value").Because(err)
		}
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

// unfit are the engine's codes for values that no table takes: parsing, types, bounds and sizes.
var unfit = []int{6, 27, 41, 53, 69, 131, 321, 407}
