package stacktest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"plinth/internal/postgres"
	"plinth/internal/stack"
)

var databases atomic.Int64

// template is the database that all others are copied from.
type template struct{ server, database string }

// Postgres returns the URL of a fresh database with the newest schema; it is dropped when t ends.
func Postgres(t testing.TB) string {
	t.Helper()
	pg, err := postgresTemplate()
	if err != nil {
		t.Fatal(err)
	}
	server := pg.server
	name := fmt.Sprintf("%s_%d", pg.database, databases.Add(1))
	if err := admin(server, `CREATE DATABASE `+name+` TEMPLATE `+pg.database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin(server, `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	return database(server, name)
}

// postgresTemplate starts the server and migrates the database that all others are copied from.
var postgresTemplate = sync.OnceValues(func() (template, error) {
	server := os.Getenv("TEST_POSTGRES_URL")
	if server == "" {
		var err error
		if server, err = startPostgres(); err != nil {
			return template{}, err
		}
	}
	name := fmt.Sprintf("test_%d", os.Getpid())
	if err := admin(server, `CREATE DATABASE `+name); err != nil {
		return template{}, err
	}
	onExit(func() { _ = admin(server, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`) })
	ctx := context.Background()
	db, err := postgres.Open(ctx, database(server, name))
	if err != nil {
		return template{}, err
	}
	defer db.Close()
	return template{server, name}, db.Migrate(ctx)
})

func startPostgres() (string, error) {
	home, err := dir("postgres")
	if err != nil {
		return "", err
	}
	at, err := addr("postgres")
	if err != nil {
		return "", err
	}
	p, dsn, err := stack.Postgres(context.Background(), home, at)
	if err != nil {
		return "", err
	}
	_, err = run(p)
	return dsn, err
}

func admin(server, sql string) error {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	if _, err = c.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", strings.Fields(sql)[0], err)
	}
	return nil
}

func database(server, name string) string {
	u, _ := url.Parse(server) // it was used before
	u.Path = "/" + name
	return u.String()
}
