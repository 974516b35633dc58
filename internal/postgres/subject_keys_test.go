package postgres_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth/internal/postgres"
	"plinth/ledger"
)

func TestMasterKeyMustBeTheDatabasesOwn(t *testing.T) {
	db := open(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "keys", "subjects.key")
	if err := db.OpenVault(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	r := ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: "answer.given", Org: "civil", Subject: "account:a",
		From: time.Now(), To: time.Now(), Count: 1, Payload: []byte("yes"), Relation: ledger.Generated}
	if err := db.InTx(t.Context(), func(tx pgx.Tx) error { return db.AppendRecord(t.Context(), tx, r) }); err != nil {
		t.Fatal(err)
	}
	if err := db.OpenVault(t.Context(), path); err != nil {
		t.Errorf("again: %v", err)
	}
	if got, err := postgres.NewLedger(db).Record(t.Context(), r.ID); err != nil || string(got.Payload) != "yes" || len(got.Salt) != ledger.SaltSize {
		t.Errorf("read back %q, salt of %d bytes, %v", got.Payload, len(got.Salt), err)
	}
	plain := &postgres.DB{Pool: db.Pool}
	if _, err := postgres.NewLedger(plain).Record(t.Context(), r.ID); err == nil {
		t.Error("read without the master key")
	}
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, bend := range map[string]func(string) error{
		"missing":     os.Remove,
		"another":     func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("ab", 32)), 0o600) },
		"not hex":     func(p string) error { return os.WriteFile(p, []byte("secret"), 0o600) },
		"for anybody": func(p string) error { return os.Chmod(p, 0o644) },
	} {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, key, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := bend(p); err != nil {
			t.Fatal(err)
		}
		if err := db.OpenVault(t.Context(), p); err == nil {
			t.Errorf("a key that is %s is taken", name)
		}
	}
}
