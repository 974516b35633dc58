package clickhouse

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"plinth"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versionTable records which migrations were applied.
const versionTable = "migration"

// Migrate brings the schema up to date: goose, forward only, files migrations/NNNN_name.sql in order. ClickHouse has no
// transactions, so a migration that failed half-way runs again from its start; write each statement IF NOT EXISTS.
func (db *DB) Migrate(ctx context.Context) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return db.migrate(ctx, sub)
}

func (db *DB) migrate(ctx context.Context, files fs.FS) error {
	// The embedded engine makes the database itself when it boots; a server may lack it.
	if err := db.ensureDatabase(ctx); err != nil {
		return err
	}
	return db.goose(files, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// Migrated tells whether the schema has every migration that we know: ErrUnavailable when another process still has to make
// some.
func (db *DB) Migrated(ctx context.Context) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return db.goose(sub, func(p *goose.Provider) error {
		pending, err := p.HasPending(ctx)
		if err == nil && pending {
			return plinth.Errorf(plinth.ErrUnavailable, "ClickHouse's tables are older than this program")
		}
		return err
	})
}

// goose has do work with the migrations of files.
func (db *DB) goose(files fs.FS, do func(*goose.Provider) error) error {
	opt, err := options(db.cfg, db.cfg.User, db.cfg.Password, serviceDatabase)
	if err != nil {
		return err
	}
	std := ch.OpenDB(opt)
	defer std.Close()
	store, err := database.NewStore(database.DialectClickHouse, versionTable)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider("", std, files, goose.WithStore(store), goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if err := do(p); err != nil && !errors.Is(err, plinth.ErrUnavailable) {
		return fmt.Errorf("migrate clickhouse: %w", translate(err))
	} else if err != nil {
		return err
	}
	return nil
}

// ensureDatabase makes the service's database through a connection that does not name it.
func (db *DB) ensureDatabase(ctx context.Context) error {
	c, err := connect(db.cfg, db.cfg.User, db.cfg.Password, "", 1)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+serviceDatabase+" ENGINE = Atomic")
}
