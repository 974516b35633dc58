package clickhouse_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/internal/clickhouse"
)

func TestApplyScopesMakesExactlyThese(t *testing.T) {
	_, db, _ := scoped(t)
	if err := db.ApplyScopes(t.Context(), []clickhouse.Scope{scope("b", "A"), scope("c", "B")}); err != nil {
		t.Fatal(err)
	}
	names, err := db.Scopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"b", "c"}, names); d != "" {
		t.Error(d)
	}
	var region string
	if err := asScope(t, db, "b").QueryRow(t.Context(), "SELECT any(region) FROM people").Scan(&region); err != nil || region != "A" {
		t.Errorf("scope b after its change: got region %q, %v; want A", region, err)
	}
	if _, err := db.AsScope(t.Context(), "a"); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("withdrawn scope: got %v, want not found", err)
	}
	if err := db.ApplyScopes(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	var n uint64
	if err := db.QueryRow(t.Context(), "SELECT count() FROM system.databases WHERE startsWith(name, 's_')").Scan(&n); err != nil || n != 0 {
		t.Errorf("got %d databases of scopes, %v; want none", n, err)
	}
}

func TestScopesOfDifferentBasesStandSideBySide(t *testing.T) {
	_, db, scopes := scoped(t)
	letters := clickhouse.ScopeTable{View: "dead_letter", Base: "plinth.dead_letter", Columns: []string{"source", "row"}, Filter: "source = 'x'",
		Select: "SELECT source, row FROM plinth.dead_letter"}
	all := append(scopes[:len(scopes):len(scopes)], clickhouse.Scope{Name: "letters", Tables: []clickhouse.ScopeTable{letters}})
	if err := db.ApplyScopes(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	var n uint64
	if err := asScope(t, db, "letters").QueryRow(t.Context(), "SELECT count() FROM dead_letter").Scan(&n); err != nil {
		t.Error(err)
	}
	if err := asScope(t, db, "letters").QueryRow(t.Context(), "SELECT count() FROM plinth.people").Scan(&n); clickhouse.Code(err) != 497 {
		t.Errorf("another scope's base: got %v, want a refusal", err)
	}
}

func TestRefusedScopesChangeNothing(t *testing.T) {
	_, db, scopes := scoped(t)
	change := func(f func(*clickhouse.ScopeTable)) []clickhouse.Scope {
		bad := scope("bad", "A")
		f(&bad.Tables[0])
		return append(scopes[:len(scopes):len(scopes)], bad)
	}
	tests := map[string][]clickhouse.Scope{
		"empty filter":       change(func(t *clickhouse.ScopeTable) { t.Filter = " " }),
		"filter not parsed":  change(func(t *clickhouse.ScopeTable) { t.Filter = "region ==== 'A'" }),
		"filter closes":      change(func(t *clickhouse.ScopeTable) { t.Filter = "1) OR (1" }),
		"two statements":     change(func(t *clickhouse.ScopeTable) { t.Filter = "1); DROP TABLE plinth.people; SELECT (1" }),
		"filter with file":   change(func(t *clickhouse.ScopeTable) { t.Filter = "file('/etc/hostname') != ''" }),
		"unknown base":       change(func(t *clickhouse.ScopeTable) { t.Base = "plinth.nowhere" }),
		"base of the engine": change(func(t *clickhouse.ScopeTable) { t.Base = "system.processes" }),
		"unknown column":     change(func(t *clickhouse.ScopeTable) { t.Columns = []string{"nothing"} }),
		"column with text":   change(func(t *clickhouse.ScopeTable) { t.Columns = []string{"id) ON plinth.* TO x --"} }),
		"view with text":     change(func(t *clickhouse.ScopeTable) { t.View = "x AS SELECT 1" }),
		"select not a query": change(func(t *clickhouse.ScopeTable) { t.Select = "DROP TABLE plinth.people" }),
		"ungranted column":   change(func(t *clickhouse.ScopeTable) { t.Select = "SELECT secret FROM plinth.people" }),
		"no table":           append(scopes[:2:2], clickhouse.Scope{Name: "bad"}),
		"bad name":           append(scopes[:2:2], scope("b; x", "A")),
		"name of service":    append(scopes[:2:2], scope("svc", "A")),
		"same name twice":    append(scopes[:2:2], scope("a", "B")),
	}
	for name, bad := range tests {
		t.Run(name, func(t *testing.T) {
			if err := db.ApplyScopes(t.Context(), bad); err == nil {
				t.Fatal("accepted")
			}
			names, err := db.Scopes(t.Context())
			if d := cmp.Diff([]string{"a", "b"}, names); d != "" || err != nil {
				t.Fatal(d, err)
			}
			if n, err := drainQuery(t.Context(), asScope(t, db, "a"), "SELECT * FROM people"); n != 667 || err != nil {
				t.Errorf("scope a afterwards: got %d rows, %v", n, err)
			}
		})
	}
}

func TestDropScopeEndsItsRunningQueries(t *testing.T) {
	_, db, _ := scoped(t)
	reader := asScope(t, db, "a")
	ended := make(chan error, 1)
	go func() {
		// 2·10¹¹ rows: hours, unless somebody ends it. A long sleep would not do: the engine refuses more than 3 s per block.
		_, err := drainQuery(t.Context(), reader, "SELECT count() FROM people a, people b, people c, people d WHERE cityHash64(a.id, b.id, c.id, d.id) = 7")
		ended <- err
	}()
	awaitRunning(t, db, "cityHash64(a.id")
	began := time.Now()
	if err := db.DropScope(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	t.Logf("withdrawn in %v", time.Since(began))
	if err := <-ended; err == nil {
		t.Error("the running query went on to its end")
	}
	if _, err := db.AsScope(t.Context(), "a"); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("got %v, want not found", err)
	}
	if n, err := drainQuery(t.Context(), asScope(t, db, "b"), "SELECT * FROM people"); n == 0 || err != nil {
		t.Errorf("scope b: got %d rows, %v", n, err)
	}
	if err := db.DropScope(t.Context(), "a"); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func awaitRunning(t *testing.T, db *clickhouse.DB, text string) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var n uint64
		if err := db.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE position(query, {q:String}) > 0 AND position(query, 'system.processes') = 0",
			clickhouse.Param("q", text)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never ran", text)
		}
	}
}

func TestRightsChangeWhileQueriesRun(t *testing.T) {
	_, db, scopes := scoped(t)
	ctx, stop := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	done := make([]int, 4)
	for i := range done {
		workers.Go(func() {
			for ctx.Err() == nil {
				reader, err := db.AsScope(ctx, "a")
				if err != nil {
					continue
				}
				n, err := drainQuery(ctx, reader, "SELECT * FROM people WHERE NOT ignore(sleepEachRow(0.00001))")
				switch {
				case ctx.Err() != nil:
				case err == nil && n == 667:
					done[i]++
				case err == nil:
					t.Errorf("got %d rows, want 667", n)
				case !errors.Is(err, plinth.ErrUnavailable):
					t.Errorf("got %v, want no error or unavailable", err)
				}
			}
		})
	}
	for i := range 5 {
		next := append(scopes[:1:1], scope("x"+strings.Repeat("x", i), "B"))
		began := time.Now()
		if err := db.ApplyScopes(ctx, next); err != nil {
			t.Error(err)
		}
		t.Logf("rights changed in %v", time.Since(began))
	}
	stop()
	workers.Wait()
	for i, n := range done {
		if n == 0 {
			t.Errorf("worker %d never got an answer", i)
		}
	}
}

func TestLongQueryDoesNotHoldUpARightsChange(t *testing.T) {
	_, db, scopes := scoped(t)
	ended := make(chan error, 1)
	go func() {
		_, err := drainQuery(t.Context(), db, "SELECT sleepEachRow(0.2) FROM numbers(500) SETTINGS max_block_size = 1")
		ended <- err
	}()
	awaitRunning(t, db, "sleepEachRow(0.2)")
	began := time.Now()
	if err := db.ApplyScopes(t.Context(), scopes[:1]); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("took %v", took)
	}
	if err := <-ended; !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("the long query: got %v, want unavailable", err)
	}
}

func TestReaderMayTightenItsLimitsOnly(t *testing.T) {
	_, db, _ := scoped(t)
	reader := asScope(t, db, "a")
	with := func(s ch.Settings) error {
		_, err := drainQuery(ch.Context(t.Context(), ch.WithSettings(s)), reader, "SELECT * FROM people")
		return err
	}
	if err := with(ch.Settings{"max_result_rows": 10}); !errors.Is(err, plinth.ErrExhausted) {
		t.Errorf("10 rows at most: got %v, want exhausted", err)
	}
	if err := with(ch.Settings{"max_execution_time": 100000}); err != nil {
		t.Errorf("a longer time is cut down in silence: got %v", err)
	}
	for _, s := range []ch.Settings{{"additional_table_filters": "{'plinth.people': '1'}"}, {"readonly": 0}, {"allow_ddl": 1}, {"max_threads": "x"}} {
		if err := with(s); err == nil {
			t.Errorf("%v: accepted", s)
		}
	}
	var got int32
	if err := reader.QueryRow(t.Context(), "SELECT toInt32(getSetting('readonly'))").Scan(&got); err != nil || got != 1 {
		t.Errorf("readonly: got %d, %v", got, err)
	}
}

func TestReaderMayNotMakeAnotherDatabaseItsOwn(t *testing.T) {
	cfg, _, _ := scoped(t)
	for _, db := range []string{"system", "plinth", "s_b", "default", "information_schema"} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, cfg.URL+"/?database="+db, strings.NewReader("SELECT 1"))
		req.SetBasicAuth("q_a", clickhouse.ReaderPassword(cfg.Password, "a"))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %s, want 403", db, res.Status)
		}
	}
}
