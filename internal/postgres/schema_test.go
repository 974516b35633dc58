package postgres_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"plinth/internal/postgres"
)

var update = flag.Bool("update", false, "write schema.sql again")

// TestSchemaFileIsCurrent holds schema.sql, the readable result of all migrations, against the real database.
func TestSchemaFileIsCurrent(t *testing.T) {
	got := describeSchema(t, open(t))
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
		t.Errorf("schema.sql is stale; write it with: go test ./internal/postgres -run SchemaFile -update\n%s", diff)
	}
}

// describeSchema writes every table, index, view and trigger as SQL, in the order of names.
func describeSchema(t *testing.T, db *postgres.DB) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("-- What the migrations make, for reading. Written by TestSchemaFileIsCurrent; change the migrations instead.\n")
	for _, table := range lines(t, db, `SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
		AND relname <> 'goose_db_version' ORDER BY 1`) {
		fmt.Fprintf(&b, "\nCREATE TABLE %s (\n", table)
		parts := append(columns(t, db, table), constraints(t, db, table)...)
		b.WriteString("    " + strings.Join(parts, ",\n    ") + "\n);\n")
		for _, ix := range lines(t, db, `SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = $1::regclass
			AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1`, table) {
			b.WriteString(ix + ";\n")
		}
		for _, tr := range lines(t, db, `SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal ORDER BY 1`, table) {
			b.WriteString(tr + ";\n")
		}
	}
	for _, v := range lines(t, db, `SELECT 'CREATE VIEW ' || viewname || ' AS' || E'\n' || definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1`) {
		b.WriteString("\n" + v + "\n")
	}
	for _, f := range lines(t, db, `SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1`) {
		b.WriteString("\n" + strings.TrimSpace(f) + ";\n")
	}
	return b.String()
}

func columns(t *testing.T, db *postgres.DB, table string) []string {
	return lines(t, db, `
		SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ||
			CASE WHEN a.attidentity <> '' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END ||
			CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END ||
			coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
		FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, table)
}

func constraints(t *testing.T, db *postgres.DB, table string) []string {
	return lines(t, db, `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND contype <> 'n'
		ORDER BY contype = 'p' DESC, 1`, table)
}

func lines(t *testing.T, db *postgres.DB, sql string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}
