package clickhouse_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"plinth"
	"plinth/internal/clickhouse"
)

func TestMeasureFindsTheNewestRowAndNotTheFuture(t *testing.T) {
	db := migrated(t)
	m := clickhouse.NewMeasurer(db)
	if err := db.Exec(t.Context(), `CREATE TABLE plinth.measured (at DateTime64(3, 'UTC'), v UInt8) ENGINE = MergeTree ORDER BY at`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Exec(t.Context(), `DROP TABLE plinth.measured`) })
	got, err := m.Measure(t.Context(), "plinth.measured")
	if err != nil || got.Rows != 0 || !got.Until.IsZero() {
		t.Errorf("empty table: %+v, %v", got, err)
	}
	if err := db.Exec(t.Context(), `INSERT INTO plinth.measured VALUES ('2026-11-24 08:00:00.250', 1), ('2026-11-23 08:00:00', 2)`); err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 11, 24, 8, 0, 0, 250e6, time.UTC)
	if got, err = m.Measure(t.Context(), "plinth.measured"); err != nil || got.Rows != 2 || !got.Until.Equal(want) {
		t.Errorf("got %+v, %v; want 2 rows until %v", got, err, want)
	}
	if err := db.Exec(t.Context(), `INSERT INTO plinth.measured VALUES ('2099-01-01 00:00:00', 1)`); err != nil {
		t.Fatal(err)
	}
	if got, err = m.Measure(t.Context(), "plinth.measured"); err != nil || got.Rows != 3 || !got.Until.Equal(want) {
		t.Errorf("with a row of 2099: %+v, %v", got, err)
	}
	for _, bad := range []string{"plinth.nothing", "plinth", "", "plinth.measured; DROP TABLE plinth.measured", "system.one"} {
		if _, err := m.Measure(t.Context(), bad); !errors.Is(err, plinth.ErrNotFound) {
			t.Errorf("%q: got %v, want ErrNotFound", bad, err)
		}
	}
}

func TestCountsReadTheTables(t *testing.T) {
	c := clickhouse.NewCounts(migrated(t))
	for name, count := range map[string]func(context.Context) (int64, error){"readings": c.ReadingsLastHour, "incidents": c.IncidentsLately,
		"events": c.EventsLastDay, "dead letters": c.DeadLettersLastDay} {
		if n, err := count(t.Context()); err != nil || n < 0 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}
