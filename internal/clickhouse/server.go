package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"plinth"
)

// On a server, scopes are ordinary users, roles and row policies, made by SQL. The service's login needs access
// management and SELECT with grant option on its database. A scope that did not change is left alone.

func (db *DB) applyOnServer(ctx context.Context, scopes []Scope) error {
	if err := db.checkServer(ctx); err != nil {
		return err
	}
	there, err := db.definitionsOnServer(ctx)
	if err != nil {
		return err
	}
	for _, s := range scopes {
		definition, err := json.Marshal(s)
		if err != nil {
			return err
		}
		old, exists := there[s.Name]
		delete(there, s.Name)
		if exists && old == string(definition) {
			continue
		}
		if exists {
			if err := db.dropOnServer(ctx, s); err != nil {
				return err
			}
		}
		if err := db.createOnServer(ctx, s, string(definition)); err != nil {
			return fmt.Errorf("create scope %s: %w", s.Name, err)
		}
	}
	for name := range there {
		if err := db.dropOnServer(ctx, Scope{Name: name}); err != nil {
			return err
		}
	}
	return nil
}

// checkServer refuses a server on which a user without a row policy reads all rows: there a definer whose policy is
// not yet made, or is dropped by hand, would show everything.
func (db *DB) checkServer(ctx context.Context) error {
	var n uint64
	err := db.QueryRow(ctx, "SELECT count() FROM system.server_settings WHERE name = 'users_without_row_policies_can_read_rows' AND value IN ('1', 'true')").Scan(&n)
	if err != nil {
		return err
	}
	if n > 0 {
		return plinth.Errorf(plinth.ErrConflict, "the ClickHouse server lets users without a row policy read all rows: set users_without_row_policies_can_read_rows to false")
	}
	return nil
}

// createOnServer makes the row policies before the grants, and the login last: at no moment is more readable than in
// the end.
func (db *DB) createOnServer(ctx context.Context, s Scope, definition string) error {
	for _, sql := range serverStatements(s, ReaderPassword(db.cfg.Password, s.Name)) {
		if err := db.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return db.noteScope(ctx, s.Name, definition)
}

// serverStatements make a scope. The role is readonly = 2 and not 1: the driver sends a setting with each request that has
// a deadline, which 1 would refuse.
func serverStatements(s Scope, password string) []string {
	out := []string{fmt.Sprintf("CREATE USER OR REPLACE %s IDENTIFIED WITH no_password HOST NONE", s.Definer())}
	for _, t := range s.Tables {
		db, table := t.BaseName()
		out = append(out,
			fmt.Sprintf("CREATE ROW POLICY OR REPLACE %s ON %s.%s FOR SELECT USING %s TO %s", s.Definer(), db, table, t.Filter, s.Definer()),
			fmt.Sprintf("GRANT SELECT(%s) ON %s.%s TO %s", strings.Join(t.Columns, ", "), db, table, s.Definer()))
	}
	out = append(out, s.CreateStatements()...)
	return append(out,
		fmt.Sprintf("CREATE ROLE OR REPLACE %s SETTINGS readonly = 2, max_execution_time = 60 MAX 60, additional_table_filters CONST", s.Role()),
		fmt.Sprintf("GRANT SELECT ON %s.* TO %s", s.Database(), s.Role()),
		fmt.Sprintf("CREATE USER OR REPLACE %s IDENTIFIED WITH sha256_password BY '%s' DEFAULT ROLE NONE", s.Reader(), password),
		fmt.Sprintf("GRANT %s TO %s", s.Role(), s.Reader()),
		fmt.Sprintf("ALTER USER %s DEFAULT ROLE %s", s.Reader(), s.Role()))
}

// dropOnServer takes the login away first, then ends what it runs, then removes the rest.
func (db *DB) dropOnServer(ctx context.Context, s Scope) error {
	if err := db.Exec(ctx, "DROP USER IF EXISTS "+s.Reader()); err != nil {
		return err
	}
	if err := db.killOnServer(ctx, s.Reader()); err != nil {
		return err
	}
	policies, err := db.policiesOnServer(ctx, s)
	if err != nil {
		return err
	}
	// The policies go after the definer: without a policy it might read all rows.
	statements := append([]string{
		"DROP DATABASE IF EXISTS " + s.Database() + " SYNC",
		"DROP ROLE IF EXISTS " + s.Role(),
		"DROP USER IF EXISTS " + s.Definer(),
	}, policies...)
	for _, sql := range statements {
		if err := db.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return db.noteScope(ctx, s.Name, "")
}

func (db *DB) policiesOnServer(ctx context.Context, s Scope) ([]string, error) {
	rows, err := db.Query(ctx, "SELECT database, table FROM system.row_policies WHERE short_name = {d:String}", Param("d", s.Definer()))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var d, t string
		if err := rows.Scan(&d, &t); err != nil {
			return nil, err
		}
		out = append(out, fmt.Sprintf("DROP ROW POLICY IF EXISTS %s ON %s.%s", s.Definer(), d, t))
	}
	return out, rows.Err()
}

// killOnServer ends a user's queries and waits until none is left.
func (db *DB) killOnServer(ctx context.Context, user string) error {
	for {
		if err := db.Exec(ctx, "KILL QUERY WHERE user = {u:String} ASYNC", Param("u", user)); err != nil {
			return err
		}
		var n uint64
		if err := db.QueryRow(ctx, "SELECT count() FROM system.processes WHERE user = {u:String}", Param("u", user)).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (db *DB) noteScope(ctx context.Context, name, definition string) error {
	return db.Exec(ctx, "INSERT INTO scope (name, definition) SELECT {n:String}, {d:String}", Param("n", name), Param("d", definition))
}

func (db *DB) definitionsOnServer(ctx context.Context) (map[string]string, error) {
	rows, err := db.Query(ctx, "SELECT name, argMax(definition, at) AS d FROM scope GROUP BY name HAVING d != ''")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			return nil, err
		}
		out[name] = definition
	}
	return out, rows.Err()
}

func (db *DB) scopesOnServer(ctx context.Context) ([]string, error) {
	there, err := db.definitionsOnServer(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(there))
	for name := range there {
		names = append(names, name)
	}
	return names, nil
}
