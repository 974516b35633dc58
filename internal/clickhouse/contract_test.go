package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/stack/stacktest"
)

func TestTypesComeBackAsTheyWentIn(t *testing.T) {
	db := open(t)
	mustExec(t, db, `CREATE OR REPLACE TABLE contract_types (
		id UUID, at DateTime64(3, 'UTC'), day Date, low LowCardinality(String), maybe Nullable(Float64), many Array(String),
		attrs Map(LowCardinality(String), String), n UInt64, f Float64, flag Bool, e Enum8('a' = 1, 'b' = 2), pair Tuple(UInt8, String)
	) ENGINE = MergeTree ORDER BY id`)
	type row struct {
		ID    uuid.UUID         `ch:"id"`
		At    time.Time         `ch:"at"`
		Day   time.Time         `ch:"day"`
		Low   string            `ch:"low"`
		Maybe *float64          `ch:"maybe"`
		Many  []string          `ch:"many"`
		Attrs map[string]string `ch:"attrs"`
		N     uint64            `ch:"n"`
		F     float64           `ch:"f"`
		Flag  bool              `ch:"flag"`
		E     string            `ch:"e"`
		Pair  []any             `ch:"pair"`
	}
	want := row{ID: uuid.New(), At: time.Date(2026, 2, 28, 23, 59, 59, 123e6, time.UTC), Day: time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC),
		Low: "曹杨新村街道", Many: []string{"it's", "a\tb\n", `\`}, Attrs: map[string]string{"来源": "热线"}, N: 1<<64 - 1, F: -0.5, Flag: true, E: "b",
		Pair: []any{uint8(7), "x"}}
	b, err := db.PrepareBatch(t.Context(), "INSERT INTO contract_types")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AppendStruct(&want); err != nil {
		t.Fatal(err)
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
	var got []row
	if err := db.Select(t.Context(), &got, "SELECT * FROM contract_types"); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]row{want}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestBatchesUnderEachCompression(t *testing.T) {
	for name, method := range map[string]ch.CompressionMethod{"none": ch.CompressionNone, "lz4": ch.CompressionLZ4, "zstd": ch.CompressionZSTD} {
		t.Run(name, func(t *testing.T) {
			db := rawConn(t, stacktest.ClickHouse(t), method)
			table := "contract_batch_" + name
			ctx := t.Context()
			for _, sql := range []string{"DROP TABLE IF EXISTS " + table, "CREATE TABLE " + table + " (id UInt64, at DateTime64(3, 'UTC'), s String) ENGINE = MergeTree ORDER BY id"} {
				if err := db.Exec(ctx, sql); err != nil {
					t.Fatal(err)
				}
			}
			began := time.Now()
			const n = 100_000
			sendRows(t, db, table, 0, n)
			t.Logf("%.0f rows/s", n/time.Since(began).Seconds())
			var count, sum uint64
			var longest string
			if err := db.QueryRow(ctx, "SELECT count(), sum(id), max(s) FROM "+table).Scan(&count, &sum, &longest); err != nil {
				t.Fatal(err)
			}
			if count != n || sum != n*(n-1)/2 || longest != "row 99999" {
				t.Errorf("got %d rows, sum %d, last %q", count, sum, longest)
			}
			rows, err := db.Query(ctx, "SELECT id, s FROM "+table+" ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			read := uint64(0)
			for rows.Next() {
				var id uint64
				var s string
				if err := rows.Scan(&id, &s); err != nil || id != read {
					t.Fatalf("row %d: got %d, %v", read, id, err)
				}
				read++
			}
			if rows.Err() != nil || read != n {
				t.Errorf("read %d rows, %v", read, rows.Err())
			}
		})
	}
}

func sendRows(t *testing.T, db driver.Conn, table string, from, n int) {
	t.Helper()
	b, err := db.PrepareBatch(t.Context(), "INSERT INTO "+table)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := from; i < from+n; i++ {
		if err := b.Append(uint64(i), at.Add(time.Duration(i)*time.Millisecond), fmt.Sprintf("row %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
}

func rawConn(t *testing.T, cfg clickhouse.Config, method ch.CompressionMethod) driver.Conn {
	t.Helper()
	c, err := ch.Open(&ch.Options{Protocol: ch.HTTP, Addr: []string{cfg.URL[len("http://"):]}, Compression: &ch.Compression{Method: method},
		Auth: ch.Auth{Database: "plinth", Username: cfg.User, Password: cfg.Password}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestParametersAreValuesNotText(t *testing.T) {
	db := open(t)
	for _, want := range []string{"", "it's", "a\tb\nc\r\\", `'; DROP TABLE x; --`, "石泉路", "{x:String}", "\x00"} {
		var got string
		if err := db.QueryRow(t.Context(), "SELECT {x:String}", clickhouse.Param("x", want)).Scan(&got); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	var sum uint64
	if err := db.QueryRow(t.Context(), "SELECT arraySum({xs:Array(UInt64)})", clickhouse.Param("xs", []uint64{1, 2, 3})).Scan(&sum); err != nil || sum != 6 {
		t.Errorf("got %d, %v", sum, err)
	}
}

func TestEmptyResultStillHasColumns(t *testing.T) {
	rows, err := open(t).Query(t.Context(), "SELECT number AS n, {s:String} AS s, toLowCardinality('x') AS l FROM numbers(3) WHERE number > 9", clickhouse.Param("s", "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if d := cmp.Diff([]string{"n", "s", "l"}, rows.Columns()); d != "" {
		t.Error(d)
	}
	if rows.Next() || rows.Err() != nil {
		t.Errorf("got a row or %v", rows.Err())
	}
}

func TestErrorsCarryTheEnginesCodeAndOurKind(t *testing.T) {
	db := open(t)
	tests := []struct {
		name, sql string
		settings  ch.Settings
		code      int
		kind      error
	}{
		{"unknown table", "SELECT * FROM nowhere", nil, 60, nil},
		{"syntax", "SELEC 1", nil, 62, nil},
		{"empty", "  ", nil, 62, nil},
		{"unknown column", "SELECT nothing", nil, 47, nil},
		{"unknown setting", "SELECT 1", ch.Settings{"no_such_setting": 1}, 115, nil},
		{"too long", "SELECT sleepEachRow(0.1) FROM numbers(100)", ch.Settings{"max_execution_time": 0.3, "max_block_size": 1}, 159, plinth.ErrExhausted},
		{"too many rows", "SELECT number FROM numbers(10000)", ch.Settings{"max_result_rows": 10}, 396, plinth.ErrExhausted},
		{"too much memory", "SELECT groupArray(number) FROM numbers(10000000)", ch.Settings{"max_memory_usage": 10_000_000}, 241, plinth.ErrExhausted},
		{"no grant", "CREATE DATABASE elsewhere", nil, 497, plinth.ErrDenied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx := ch.Context(t.Context(), ch.WithSettings(tt.settings))
			rows, err := db.Query(ctx, tt.sql)
			if err == nil {
				for rows.Next() {
				}
				err = rows.Err()
				rows.Close()
			}
			if got := clickhouse.Code(err); got != tt.code {
				t.Errorf("got code %d (%v), want %d", got, err, tt.code)
			}
			if tt.kind != nil && !errors.Is(err, tt.kind) {
				t.Errorf("got %v, want kind %v", err, tt.kind)
			}
		})
	}
}

func TestErrorAfterTheFirstRowsIsStillTyped(t *testing.T) {
	for name, method := range map[string]ch.CompressionMethod{"none": ch.CompressionNone, "lz4": ch.CompressionLZ4, "zstd": ch.CompressionZSTD} {
		t.Run(name, func(t *testing.T) {
			db := rawConn(t, stacktest.ClickHouse(t), method)
			ctx := ch.Context(t.Context(), ch.WithSettings(ch.Settings{"max_block_size": 1000, "max_threads": 1}))
			rows, err := db.Query(ctx, "SELECT throwIf(number = 50000, 'late') FROM numbers(100000)")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			n := 0
			for rows.Next() {
				n++
			}
			if clickhouse.Code(rows.Err()) != 395 || n == 0 {
				t.Errorf("got %d rows and %v, want some and code 395", n, rows.Err())
			}
		})
	}
}

func TestCancelEndsTheEnginesWork(t *testing.T) {
	db := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := db.Exec(ctx, "SELECT sleepEachRow(0.05) FROM numbers(1000) SETTINGS max_block_size = 1, max_threads = 1 FORMAT Null")
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		var n uint64
		if err := db.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(0.05)%' AND query NOT LIKE '%system.processes%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the engine still works for a caller that is gone")
		}
	}
}

func TestFormatsStreamBothWays(t *testing.T) {
	db := open(t)
	mustExec(t, db, "CREATE OR REPLACE TABLE contract_format (id UInt32, s String) ENGINE = MergeTree ORDER BY id")
	if err := db.InsertFormat(t.Context(), "CSV", "INSERT INTO contract_format", strings.NewReader("1,\"路灯, 坏了\"\n2,\"b\"\n")); err != nil {
		t.Fatal(err)
	}
	r, err := db.QueryFormat(t.Context(), "JSONEachRow", "SELECT * FROM contract_format ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if want := `{"id":1,"s":"路灯, 坏了"}` + "\n" + `{"id":2,"s":"b"}` + "\n"; string(got) != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}
