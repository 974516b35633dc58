package clickhouse_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plinth/internal/clickhouse"
)

var update = flag.Bool("update", false, "write schema.sql again")

// TestSchemaFileIsCurrent holds schema.sql, the readable result of all migrations, against the engine.
func TestSchemaFileIsCurrent(t *testing.T) {
	db := migratedAlone(t)
	got := describeSchema(t, db)
	if *update {
		if err := os.WriteFile("schema.sql", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("schema.sql is stale; write it with: go test ./internal/clickhouse -run SchemaFile -update\n%s", diff)
	}
}

// migratedAlone is an engine of its own: the shared one has other tests' tables.
func migratedAlone(t *testing.T) *clickhouse.DB {
	t.Helper()
	db := openAt(t, start(t, t.TempDir()).cfg)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func describeSchema(t *testing.T, db *clickhouse.DB) string {
	t.Helper()
	tables := strings.Fields(scalar(t, db, `SELECT arrayStringConcat(arraySort(groupArray(name)), ' ') FROM system.tables WHERE database = 'plinth'`))
	var b strings.Builder
	b.WriteString("-- What the migrations make, for reading. Written by TestSchemaFileIsCurrent; change the migrations instead.\n")
	for _, table := range tables {
		fmt.Fprintf(&b, "\n%s;\n", scalar(t, db, "SHOW CREATE TABLE plinth."+table))
	}
	return b.String()
}

func scalar(t *testing.T, db *clickhouse.DB, sql string, args ...any) string {
	t.Helper()
	var s string
	if err := db.QueryRow(t.Context(), sql, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return s
}

// TestTheClusterSchemaIsTheSameSchema has the engine's own parser read each statement, and compares what stands between
// the table's name and its engine with the table of the migrations.
func TestTheClusterSchemaIsTheSameSchema(t *testing.T) {
	db := migratedAlone(t)
	all, err := clickhouse.ClusterSchema("main")
	if err != nil {
		t.Fatal(err)
	}
	local, distributed := map[string]bool{}, map[string]bool{}
	for _, statement := range strings.Split(strings.TrimSuffix(strings.TrimSpace(all), ";"), ";\n") {
		text := scalar(t, db, "SELECT formatQuery(?)", statement) // fails where the parser does
		name, rest, _ := strings.Cut(strings.TrimPrefix(text, "CREATE TABLE IF NOT EXISTS plinth."), " ")
		switch base, isLocal := strings.CutSuffix(name, "_local"); {
		case !strings.HasPrefix(text, "CREATE TABLE"):
		case isLocal:
			local[base] = true
			want := columnsOf(scalar(t, db, "SHOW CREATE TABLE plinth."+base))
			if d := cmp.Diff(want, columnsOf(rest)); d != "" {
				t.Errorf("columns of %s (-one server +cluster):\n%s", base, d)
			}
			if !strings.Contains(rest, "Replicated") {
				t.Errorf("%s is not replicated:\n%s", base, rest)
			}
		default:
			distributed[name] = true
		}
	}
	rows, err := db.Query(t.Context(), `SELECT name FROM system.tables WHERE database = 'plinth'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !local[name] {
			t.Errorf("the table %s, which the migrations make, is missing", name)
		}
	}
	if d := cmp.Diff(local, distributed); d != "" || !local["reading"] {
		t.Errorf("tables without their other half, or none:\n%s", d)
	}
}

// columnsOf returns the columns and indexes of a CREATE TABLE.
func columnsOf(create string) string {
	_, body, _ := strings.Cut(create, "(")
	body, _, _ = strings.Cut(body, "\n)\nENGINE")
	return strings.TrimSpace(body)
}

func TestAClustersNameIsChecked(t *testing.T) {
	for _, name := range []string{"", "a'b", "x y", strings.Repeat("a", 65)} {
		if _, err := clickhouse.ClusterSchema(name); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}
