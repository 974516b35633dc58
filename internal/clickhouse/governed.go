package clickhouse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"plinth"
	"plinth/policy"
	"plinth/policy/scope"
)

// Governed makes scopes for the policy room. It works as the service.
type Governed struct{ db *DB }

var (
	_ scope.Engine  = (*Governed)(nil)
	_ scope.Applier = (*Governed)(nil)
)

// NewGoverned returns the policy room's door to ClickHouse.
func NewGoverned(db *DB) *Governed { return &Governed{db} }

// Table implements scope.Engine.
func (g *Governed) Table(ctx context.Context, name string) (map[string]string, bool, error) {
	db, table, ok := strings.Cut(name, ".")
	if !ok || db != serviceDatabase || !identifier.MatchString(table) {
		return nil, false, plinth.Errorf(plinth.ErrNotFound, "there is no table %.80q", name)
	}
	var engine string
	rows, err := g.db.Query(ctx, `
		SELECT c.name, c.type, t.engine FROM system.columns AS c
		JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
		WHERE c.database = {db:String} AND c.table = {table:String}`, Param("db", db), Param("table", table))
	if err != nil {
		return nil, false, fmt.Errorf("describe %s: %w", name, err)
	}
	defer rows.Close()
	types := map[string]string{}
	for rows.Next() {
		var column, typ string
		if err := rows.Scan(&column, &typ, &engine); err != nil {
			return nil, false, err
		}
		types[column] = typ
	}
	if err := rows.Err(); err != nil {
		return nil, false, err
	}
	if len(types) == 0 {
		return nil, false, plinth.Errorf(plinth.ErrNotFound, "there is no table %.80q", name)
	}
	return types, strings.Contains(engine, "Replacing"), nil
}

// Texts implements scope.Engine.
func (g *Governed) Texts(ctx context.Context, query string) ([][]*string, error) {
	rows, err := g.db.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	width := len(rows.Columns())
	var out [][]*string
	for rows.Next() {
		row, into := make([]*string, width), make([]any, width)
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// ApplyScopes implements scope.Applier. When nothing changes the engine is not disturbed.
func (g *Governed) ApplyScopes(ctx context.Context, scopes []policy.Scope) error {
	have, err := g.db.Scopes(ctx)
	if err != nil {
		return err
	}
	want := map[string]bool{}
	for _, s := range scopes {
		want[s.Name] = true
	}
	known := map[string]bool{}
	for _, name := range have {
		known[name] = true
		if !want[name] {
			if err := g.db.DropScope(ctx, name); err != nil { // withdrawn first: this takes effect at once
				return err
			}
		}
	}
	fresh := false
	objects := make([]Scope, len(scopes))
	for i, s := range scopes {
		fresh = fresh || !known[s.Name]
		if s.Tokens {
			if err := g.key(ctx, s.Name); err != nil {
				return err
			}
		}
		objects[i] = objectsOf(s)
	}
	if !fresh {
		return nil
	}
	return g.db.ApplyScopes(ctx, objects)
}

// objectsOf is a scope as this package builds it.
func objectsOf(s policy.Scope) Scope {
	out := Scope{Name: s.Name, Tables: []ScopeTable{{View: s.View, Base: s.Base, Columns: s.Columns, Filter: s.Filter, Select: s.Select}}}
	if s.Tokens {
		out.Tables = append(out.Tables, ScopeTable{Base: scope.KeyTable, Columns: []string{"scope", "k"},
			Filter: "scope = '" + s.Name + "'"})
	}
	return out
}

// key makes the scope's key for tokens, once. It never leaves ClickHouse.
func (g *Governed) key(ctx context.Context, name string) error {
	var n uint64
	if err := g.db.QueryRow(ctx, `SELECT count() FROM plinth.scope_key WHERE scope = {scope:String}`, Param("scope", name)).Scan(&n); err != nil {
		return fmt.Errorf("look for the scope's key: %w", err)
	}
	if n > 0 {
		return nil
	}
	k := make([]byte, 32)
	if _, err := rand.Read(k); err != nil {
		return err
	}
	return g.db.Exec(ctx, `INSERT INTO plinth.scope_key (scope, k) VALUES ({scope:String}, {k:String})`,
		Param("scope", name), Param("k", hex.EncodeToString(k)))
}
