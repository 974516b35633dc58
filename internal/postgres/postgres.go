// Package postgres keeps the rooms' facts in PostgreSQL: one type per room, each satisfying the interfaces that the
// room declares. The schema is in migrations/; schema.sql is its readable result.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"plinth"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is a pool of connections to the service's database.
type DB struct {
	*pgxpool.Pool
	vault *vault // nil keeps payloads of records in clear; see OpenVault
}

// Open connects to the database at url. It does not migrate.
func Open(ctx context.Context, url string) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("parse the PostgreSQL URL: %w", err)
	}
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	cfg.ConnConfig.RuntimeParams["jit"] = "off" // compiling costs more than our short queries take
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	return &DB{Pool: pool}, nil
}

// Migrate brings the schema to the newest version. Concurrent callers wait for each other.
func (db *DB) Migrate(ctx context.Context) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	pool := stdlib.OpenDBFromPool(db.Pool)
	defer pool.Close()
	lock, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrate PostgreSQL: %w", err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(ctx, `SELECT pg_advisory_lock(7164650)`); err != nil {
		return fmt.Errorf("migrate PostgreSQL: %w", err)
	}
	defer lock.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(7164650)`)
	// Every room numbers its migrations in a range of its own, so a later one may have a lower number.
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, sub, goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate PostgreSQL: %w", err)
	}
	return nil
}

// Migrated tells whether the schema has every migration that we know: ErrUnavailable when another process still has to make
// some.
func (db *DB) Migrated(ctx context.Context) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	pool := stdlib.OpenDBFromPool(db.Pool)
	defer pool.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, sub, goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	pending, err := provider.HasPending(ctx)
	if err == nil && pending {
		return plinth.Errorf(plinth.ErrUnavailable, "PostgreSQL's tables are older than this program")
	}
	return translate(err)
}

// InTx runs fn in one transaction and commits it if fn returns nil. A transaction that loses to a concurrent one is
// run again, up to five times, so fn must have no effects outside tx.
func (db *DB) InTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	var err error
	for range 5 {
		err = pgx.BeginFunc(ctx, db.Pool, fn)
		if !lostRace(err) {
			break
		}
	}
	return translate(err)
}

// SQLSTATE codes that errors are told apart by (PostgreSQL appendix A).
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
	checkViolation       = "23514"
	foreignKeyViolation  = "23503"
	untranslatable       = "22021" // a NUL or invalid UTF-8 in text
)

func lostRace(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == serializationFailure || pg.Code == deadlockDetected)
}

// translate turns a driver's error into one of plinth's kinds where it has a meaning for the caller.
func translate(err error) error {
	var pg *pgconn.PgError
	var own *plinth.Error
	var connect *pgconn.ConnectError
	switch {
	case err == nil, errors.As(err, &own):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return plinth.Errorf(plinth.ErrNotFound, "there is no such object").Because(err)
	case errors.As(err, &connect), pgconn.SafeToRetry(err):
		return plinth.Errorf(plinth.ErrUnavailable, "the database is away, try again").Because(err)
	case !errors.As(err, &pg):
		return err
	}
	switch pg.Code {
	case uniqueViolation:
		return plinth.Errorf(plinth.ErrConflict, "this exists already").Because(err)
	case checkViolation, foreignKeyViolation:
		return plinth.Errorf(plinth.ErrInvalid, "the value breaks the rule %s", pg.ConstraintName).Because(err)
	case untranslatable:
		return plinth.Errorf(plinth.ErrInvalid, "text must be UTF-8 without NUL").Because(err)
	case serializationFailure, deadlockDetected:
		return plinth.Errorf(plinth.ErrConflict, "someone else changed this at the same time, try again").Because(err)
	}
	if pg.Code[:2] == "57" || pg.Code[:2] == "08" { // operator intervention, connection exception
		return plinth.Errorf(plinth.ErrUnavailable, "the database is away, try again").Because(err)
	}
	return err
}
