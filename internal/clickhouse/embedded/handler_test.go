package embedded

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"plinth"
	"plinth/internal/clickhouse"
)

// The engine runs inside the test here, so that the race detector sees the handler and the change of rights together.
func TestStatementsCancellationsAndChangesOfRightsMeet(t *testing.T) {
	o, err := parseFlags([]string{"--dir", t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h, closeAll, err := open(o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	srv := httptest.NewServer(h.routes())
	defer srv.Close()
	db, err := clickhouse.Open(t.Context(), clickhouse.Config{URL: srv.URL, User: clickhouse.ServiceUser, Password: h.password})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, sql := range []string{"CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a", "INSERT INTO t SELECT number FROM numbers(100)"} {
		if err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() { churn(ctx, t, db) })
	}
	for _, name := range []string{"a", "b", "a"} {
		s := clickhouse.Scope{Name: name, Tables: []clickhouse.ScopeTable{{View: "t", Base: "t", Columns: []string{"a"}, Filter: "a < 10", Select: "SELECT a FROM plinth.t"}}}
		if err := db.ApplyScopes(ctx, []clickhouse.Scope{s}); err != nil {
			t.Error(err)
		}
		if err := db.DropScope(ctx, name); err != nil {
			t.Error(err)
		}
	}
	stop()
	workers.Wait()
	for deadline := time.Now().Add(10 * time.Second); h.e.open.Load() != 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are left open", h.e.open.Load())
		}
	}
}

// churn reads as service and as reader and gives up half-way now and then.
func churn(ctx context.Context, t *testing.T, db *clickhouse.DB) {
	for ctx.Err() == nil {
		short, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
		err := db.Exec(short, "SELECT sleepEachRow(0.01) FROM numbers(20) SETTINGS max_block_size = 1 FORMAT Null")
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) && !errors.Is(err, plinth.ErrUnavailable) {
			t.Errorf("service: %v", err)
		}
		reader, err := db.AsScope(ctx, "a")
		if err != nil {
			continue // it comes and goes
		}
		var n uint64
		if err := reader.QueryRow(ctx, "SELECT count() FROM t").Scan(&n); err == nil && n != 10 {
			t.Errorf("reader: got %d rows, want 10", n)
		}
	}
}
