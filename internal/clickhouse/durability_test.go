package clickhouse_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/stack/stacktest"
	"plinth/sensors"
)

func with(t *testing.T, d clickhouse.Durability) *clickhouse.DB {
	t.Helper()
	cfg := stacktest.ClickHouse(t)
	cfg.Durability = d
	return openAt(t, cfg)
}

func TestFsyncIsASettingOfTheTablesThatFollowsTheMode(t *testing.T) {
	migrated(t)
	synced := func(db *clickhouse.DB) bool {
		var sql string
		if err := db.QueryRow(t.Context(), `SELECT create_table_query FROM system.tables WHERE database = 'plinth' AND name = 'reading'`).
			Scan(&sql); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(sql, "fsync_after_insert = 1, fsync_part_directory = 1")
	}
	for _, d := range []clickhouse.Durability{clickhouse.Fsync, clickhouse.Fsync, clickhouse.Standard, clickhouse.Standard} {
		db := with(t, d)
		if err := db.EnsureDurability(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := synced(db), d == clickhouse.Fsync; got != want {
			t.Errorf("%s: synced %v, want %v", d, got, want)
		}
		r := sensors.Reading{Device: "durable-1", Metric: "ph", At: noon, Value: 7, RX: noon}
		if err := clickhouse.NewReadings(db).InsertReadings(t.Context(), []sensors.Reading{r}); err != nil {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func TestADurabilityThatCannotBeIsRefused(t *testing.T) {
	migrated(t)
	for _, d := range []clickhouse.Durability{clickhouse.Quorum, "hope"} {
		var fault *plinth.Error
		if err := with(t, d).EnsureDurability(t.Context()); !errors.As(err, &fault) || fault.Field != "clickhouse.durability" {
			t.Errorf("%s: %v, want ErrInvalid of clickhouse.durability", d, err)
		}
	}
}

func TestAnInsertNamesItsColumns(t *testing.T) {
	db := migrated(t)
	// A table of another place in time: a column more, one with a default, another order.
	mustExec(t, db, "ALTER TABLE plinth.reading ADD COLUMN drift_a String FIRST",
		"ALTER TABLE plinth.reading ADD COLUMN drift_b UInt8 DEFAULT 7 AFTER at")
	t.Cleanup(func() {
		for _, column := range []string{"drift_a", "drift_b"} {
			if err := db.Exec(context.Background(), "ALTER TABLE plinth.reading DROP COLUMN "+column); err != nil {
				t.Error(err)
			}
		}
	})
	s := clickhouse.NewReadings(db)
	want := sensors.Reading{Device: "drift-1", Metric: "ph", At: noon, Seq: 1, Value: 7, RX: noon}
	if err := s.InsertReadings(t.Context(), []sensors.Reading{want}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Of(t.Context(), "drift-1", noon, noon.AddDate(0, 0, 1))
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	var b uint8
	if err := db.QueryRow(t.Context(), "SELECT drift_b FROM plinth.reading WHERE device = 'drift-1'").Scan(&b); err != nil || b != 7 {
		t.Errorf("the default is %d, %v; want 7", b, err)
	}
}
