package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

func open(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), stacktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func TestRecordCommitsWithItsFact(t *testing.T) {
	db := open(t)
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	record := ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: "grant.created", Org: "databureau",
		Subject: "grant:g_1", From: now, To: now, Count: 1, Payload: []byte(`{}`), Relation: ledger.Generated,
		Inputs: []uuid.UUID{uuid.New()}}
	undone := errors.New("undone")
	err := db.InTx(t.Context(), func(tx pgx.Tx) error {
		if err := db.AppendRecord(t.Context(), tx, record); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) || count(t, db) != 0 {
		t.Fatalf("after a rollback: error %v, %d records; want the cause and none", err, count(t, db))
	}
	for range 2 {
		if err := db.InTx(t.Context(), func(tx pgx.Tx) error {
			return db.AppendRecord(t.Context(), tx, record)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(t, db); got != 1 {
		t.Errorf("got %d records of one ID, want 1", got)
	}
}

func TestBadKindIsInvalid(t *testing.T) {
	db := open(t)
	now := time.Now()
	err := db.InTx(t.Context(), func(tx pgx.Tx) error {
		return db.AppendRecord(t.Context(), tx, ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: "Grant",
			Org: "o", Subject: "s", From: now, To: now, Count: 1, Payload: []byte{}})
	})
	if !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

func count(t *testing.T, db *postgres.DB) int {
	t.Helper()
	var n int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM ledger_outbox`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
