package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"plinth"
	"plinth/ledger"
	"plinth/security"
)

// Accounts keeps accounts, sessions and API tokens.
type Accounts struct{ db *DB }

var (
	_ security.AccountStore    = (*Accounts)(nil)
	_ security.CredentialStore = (*Accounts)(nil)
)

// NewAccounts returns the store of accounts in db.
func NewAccounts(db *DB) *Accounts { return &Accounts{db} }

const accountColumns = `a.id, a.login, a.name, a.department, a.roles, a.password, a.created_at, a.disabled_at IS NOT NULL`

func scanAccount(row pgx.CollectableRow) (a security.Account, err error) {
	err = row.Scan(&a.ID, &a.Login, &a.Name, &a.Department, &a.Roles, &a.Password, &a.CreatedAt, &a.Disabled)
	return a, err
}

// CreateAccounts implements security.AccountStore.
func (s *Accounts) CreateAccounts(ctx context.Context, by plinth.AccountID, all ...security.Account) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		for _, a := range all {
			_, err := tx.Exec(ctx, `
				INSERT INTO account (id, login, name, department, roles, password, created_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				a.ID, a.Login, a.Name, a.Department, a.Roles, a.Password, a.CreatedAt)
			var pg *pgconn.PgError
			if errors.As(err, &pg) && pg.Code == foreignKeyViolation {
				return plinth.Invalid("department", "%q is not a department", a.Department)
			}
			if err != nil {
				return fmt.Errorf("create account: %w", err)
			}
			if err := s.recordAccount(ctx, tx, "account.created", a, by, a.CreatedAt); err != nil {
				return err
			}
		}
		return nil
	})
}

// recordAccount appends the evidence of a change of an account; neither its name nor its password is in it.
func (s *Accounts) recordAccount(ctx context.Context, tx pgx.Tx, kind string, a security.Account, by plinth.AccountID, at time.Time) error {
	payload, err := json.Marshal(struct {
		Account    plinth.AccountID `json:"account"`
		Department plinth.AgentID   `json:"department"`
		Roles      []plinth.Role    `json:"roles"`
		By         plinth.AccountID `json:"by"`
		At         time.Time        `json:"at"`
	}{a.ID, a.Department, a.Roles, by, at.UTC()})
	if err != nil {
		return fmt.Errorf("record %s: %w", kind, err)
	}
	return s.db.AppendRecord(ctx, tx, ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: kind, Org: string(a.Department),
		Subject: "account:" + string(a.ID), From: at, To: at, Count: 1, Payload: payload, Relation: ledger.Generated})
}

// AccountByLogin implements security.AccountStore.
func (s *Accounts) AccountByLogin(ctx context.Context, login string) (security.Account, error) {
	return s.one(ctx, s.db, `SELECT `+accountColumns+` FROM account a WHERE a.login = $1`, login)
}

// Account implements security.AccountStore.
func (s *Accounts) Account(ctx context.Context, id plinth.AccountID) (security.Account, error) {
	return s.one(ctx, s.db, `SELECT `+accountColumns+` FROM account a WHERE a.id = $1`, id)
}

// querier is what both the pool and a transaction can do.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (s *Accounts) one(ctx context.Context, q querier, sql string, args ...any) (security.Account, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return security.Account{}, fmt.Errorf("read account: %w", translate(err))
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAccount)
	return a, translate(err)
}

// Accounts implements security.AccountStore.
func (s *Accounts) Accounts(ctx context.Context, limit int, after string) ([]security.Account, error) {
	rows, err := s.db.Query(ctx, `SELECT `+accountColumns+` FROM account a WHERE a.login > $1 ORDER BY a.login LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", translate(err))
	}
	all, err := pgx.CollectRows(rows, scanAccount)
	return all, translate(err)
}

// DisableAccount implements security.AccountStore.
func (s *Accounts) DisableAccount(ctx context.Context, id, by plinth.AccountID, at time.Time) (security.Account, error) {
	var a security.Account
	err := s.db.InTx(ctx, func(tx pgx.Tx) error {
		before, err := s.one(ctx, tx, `SELECT `+accountColumns+` FROM account a WHERE a.id = $1 FOR UPDATE`, id)
		if err != nil {
			return err
		}
		a = before
		a.Disabled = true
		if before.Disabled {
			return nil
		}
		for _, sql := range []string{`UPDATE account SET disabled_at = $2 WHERE id = $1`,
			`UPDATE session SET ended_at = $2 WHERE account = $1 AND ended_at IS NULL`,
			`UPDATE api_token SET revoked_at = $2 WHERE account = $1 AND revoked_at IS NULL`} {
			if _, err := tx.Exec(ctx, sql, id, at); err != nil {
				return fmt.Errorf("disable account: %w", err)
			}
		}
		return s.recordAccount(ctx, tx, "account.disabled", a, by, at)
	})
	return a, err
}

// SetPassword implements security.AccountStore.
func (s *Accounts) SetPassword(ctx context.Context, id plinth.AccountID, hash string, keep [32]byte, at time.Time) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE account SET password = $2 WHERE id = $1`, id, hash); err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		_, err := tx.Exec(ctx, `UPDATE session SET ended_at = $3 WHERE account = $1 AND hash <> $2 AND ended_at IS NULL`,
			id, keep[:], at)
		if err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		return nil
	})
}
