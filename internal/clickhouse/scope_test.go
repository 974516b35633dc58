package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/stack/stacktest"
)

// scoped gives the shared engine a base of people and the scopes a (region A, phone masked) and b (region B).
func scoped(t *testing.T) (clickhouse.Config, *clickhouse.DB, []clickhouse.Scope) {
	t.Helper()
	cfg := stacktest.ClickHouse(t)
	db := openAt(t, cfg)
	mustExec(t, db,
		"CREATE OR REPLACE TABLE people (id UInt32, region LowCardinality(String), phone String, secret String) ENGINE = MergeTree ORDER BY id",
		"INSERT INTO people SELECT number, if(number % 3 = 0, 'A', 'B'), concat('1390000', toString(1000 + number)), 'x' FROM numbers(3000)")
	scopes := []clickhouse.Scope{scope("a", "A"), scope("b", "B")}
	if err := db.ApplyScopes(t.Context(), scopes); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the test's context has ended
		if err := db.ApplyScopes(context.Background(), nil); err != nil {
			t.Error(err)
		}
	})
	return cfg, db, scopes
}

func scope(name, region string) clickhouse.Scope {
	filter := fmt.Sprintf("region = '%s' AND id < 2000", region) // < must survive the XML
	return clickhouse.Scope{Name: name, Tables: []clickhouse.ScopeTable{{
		View: "people", Base: "plinth.people", Columns: []string{"id", "region", "phone"}, Filter: filter,
		Select: "SELECT id, region, concat(substringUTF8(phone, 1, 3), '****') AS phone FROM plinth.people WHERE " + filter,
	}}}
}

func asScope(t *testing.T, db *clickhouse.DB, name string) driver.Conn {
	t.Helper()
	c, err := db.AsScope(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// drainQuery runs a query to its end and returns its rows and its error, wherever it came.
func drainQuery(ctx context.Context, c driver.Conn, sql string) (int, error) {
	rows, err := c.Query(ctx, sql)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	return n, rows.Err()
}

func TestReaderSeesGrantedRowsAndColumnsOnly(t *testing.T) {
	_, db, _ := scoped(t)
	var n, foreign uint64
	var phone string
	if err := asScope(t, db, "a").QueryRow(t.Context(), "SELECT count(), countIf(region != 'A' OR id >= 2000), max(phone) FROM people").Scan(&n, &foreign, &phone); err != nil {
		t.Fatal(err)
	}
	if n != 667 || foreign != 0 || phone != "139****" {
		t.Errorf("got %d rows, %d foreign, phone %q", n, foreign, phone)
	}
	rows, err := asScope(t, db, "a").Query(t.Context(), "SELECT * FROM people LIMIT 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if d := cmp.Diff([]string{"id", "region", "phone"}, rows.Columns()); d != "" {
		t.Error(d)
	}
}

func TestReaderIsRefusedEverythingElse(t *testing.T) {
	_, db, _ := scoped(t)
	reader := asScope(t, db, "a")
	for _, sql := range []string{
		"SELECT * FROM plinth.people",
		"SELECT count() FROM plinth.people WHERE secret = 'x'",
		"SELECT * FROM s_b.people",
		"SELECT * FROM people WHERE id IN (SELECT id FROM plinth.people)",
		"SELECT * FROM merge('plinth', '.*')",
		"SELECT * FROM merge(REGEXP('.*'), 'people')",
		"SELECT * FROM loop(plinth.people) LIMIT 1",
		"SELECT * FROM people SETTINGS additional_table_filters = {'plinth.people': 'throwIf(phone = \\'13900001000\\') = 0'}",
		"SELECT * FROM people SETTINGS readonly = 0",
		"SELECT * FROM people SETTINGS max_memory_usage = 0",
		"SELECT * FROM mergeTreeIndex('plinth', 'people')",
		"SELECT * FROM mergeTreeProjection('plinth', 'people', 'p')",
		"SELECT * FROM viewIfPermitted(SELECT * FROM plinth.people ELSE null('id UInt32'))",
		"SELECT * FROM cluster('default', plinth.people)",
		"SELECT (SELECT count() FROM plinth.people)",
		"WITH x AS (SELECT * FROM plinth.people) SELECT * FROM x",
		"DESCRIBE TABLE plinth.people",
		"DESCRIBE file('/etc/hostname')",
		"DESCRIBE url('http://127.0.0.1:1/', 'CSV')",
		"SET ROLE r_svc",
		"SELECT 1; SET ROLE r_svc; SELECT * FROM plinth.people",
		"SELECT 1; SELECT 2",
		"EXECUTE AS def_a SELECT 1",
		"SYSTEM RELOAD CONFIG",
		"KILL QUERY WHERE 1 ASYNC",
		"SHOW GRANTS",
		"SHOW CREATE TABLE people",
		"EXPLAIN SELECT 1 INTO OUTFILE '/tmp/plinth-outfile-test'",
		"SELECT 1 INTO OUTFILE '/tmp/plinth-outfile-test'",
		"INSERT INTO people VALUES (1, 'A', 'x')",
		"INSERT INTO FUNCTION file('/tmp/plinth-outfile-test', 'CSV') SELECT 1",
		"CREATE TABLE s_a.x (a UInt8) ENGINE = Memory",
		"CREATE TEMPORARY TABLE x (a UInt8)",
		"DROP VIEW people",
		"SELECT file('/etc/hostname')",
		"SELECT FILE('/etc/hostname')",
		"SELECT file /* c */ ('/etc/hostname')",
		"SELECT `file`('/etc/hostname')",
		"SELECT \"\\x66ile\"('/etc/hostname')",
		"SELECT arrayMap(file, ['/etc/hostname'])",
		"SELECT * APPLY(file) FROM (SELECT '/etc/hostname' AS x)",
		"WITH x -> file(x) AS f SELECT f('/etc/hostname')",
		"SELECT * FROM file('/etc/hostname', 'LineAsString')",
		"SELECT * FROM default.`/etc/hostname`",
		"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
		"SELECT * FROM remote('127.0.0.1', 'system.one')",
		"SELECT * FROM executable('x', 'CSV', 'a String')",
		"SELECT * FROM system.processes",
		"SELECT * FROM `system`.`errors`",
		"SELECT * FROM system . tables",
		"SELECT * FROM information_schema.tables",
		"SELECT * FROM INFORMATION_SCHEMA.TABLES",
		"SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))",
	} {
		if n, err := drainQuery(t.Context(), reader, sql); err == nil {
			t.Errorf("%s: answered with %d rows", sql, n)
		} else if code := clickhouse.Code(err); code == 0 {
			t.Errorf("%s: got %v, want an error of the engine", sql, err)
		}
	}
}

func TestReaderMayNotNameTablesByParameter(t *testing.T) {
	_, db, _ := scoped(t)
	reader := asScope(t, db, "a")
	ctx := ch.Context(t.Context(), ch.WithParameters(ch.Parameters{"d": "system", "t": "processes"}))
	if n, err := drainQuery(ctx, reader, "SELECT * FROM {d:Identifier}.{t:Identifier}"); !errors.Is(err, plinth.ErrDenied) {
		t.Errorf("got %d rows, %v; want denied", n, err)
	}
}

func TestScopesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	db := openAt(t, p.cfg)
	mustExec(t, db, "CREATE TABLE people (id UInt32, region String, phone String) ENGINE = MergeTree ORDER BY id", "INSERT INTO people VALUES (1, 'A', '13900001000'), (2, 'B', '13900001001')")
	if err := db.ApplyScopes(t.Context(), []clickhouse.Scope{scope("a", "A")}); err != nil {
		t.Fatal(err)
	}
	p.kill()
	db = openAt(t, start(t, dir).cfg)
	if n, err := drainQuery(t.Context(), asScope(t, db, "a"), "SELECT * FROM people"); n != 1 || err != nil {
		t.Errorf("got %d rows, %v; want the one of region A", n, err)
	}
	if _, err := drainQuery(t.Context(), asScope(t, db, "a"), "SELECT * FROM plinth.people"); !errors.Is(err, plinth.ErrDenied) {
		t.Errorf("base after restart: got %v, want denied", err)
	}
}
