package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/ledger"
	"plinth/security"
)

// AddSession implements security.CredentialStore. It also forgets the account's sessions that ended a month ago.
func (s *Accounts) AddSession(ctx context.Context, x security.Session) error {
	_, err := s.db.Exec(ctx, `
		WITH old AS (DELETE FROM session WHERE account = $2 AND expires_at < $3::timestamptz - interval '30 days')
		INSERT INTO session (hash, account, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
		x.Hash[:], x.Account, x.CreatedAt, x.ExpiresAt)
	if err != nil {
		return fmt.Errorf("open session: %w", translate(err))
	}
	return nil
}

// EndSession implements security.CredentialStore.
func (s *Accounts) EndSession(ctx context.Context, hash [32]byte, at time.Time) error {
	_, err := s.db.Exec(ctx, `UPDATE session SET ended_at = $2 WHERE hash = $1 AND ended_at IS NULL`, hash[:], at)
	if err != nil {
		return fmt.Errorf("end session: %w", translate(err))
	}
	return nil
}

// AddToken implements security.CredentialStore.
func (s *Accounts) AddToken(ctx context.Context, t security.Token) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO api_token (id, hash, account, name, scopes, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			t.ID, t.Hash[:], t.Account, t.Name, t.Scopes, t.CreatedAt, t.ExpiresAt)
		if err != nil {
			return fmt.Errorf("add token: %w", err)
		}
		return s.recordToken(ctx, tx, "token.created", t, t.CreatedAt)
	})
}

func (s *Accounts) recordToken(ctx context.Context, tx pgx.Tx, kind string, t security.Token, at time.Time) error {
	payload, err := json.Marshal(struct {
		Token     string           `json:"token"`
		Account   plinth.AccountID `json:"account"`
		Scopes    []plinth.Role    `json:"scopes"`
		ExpiresAt time.Time        `json:"expires_at"`
		At        time.Time        `json:"at"`
	}{t.ID, t.Account, t.Scopes, t.ExpiresAt.UTC(), at.UTC()})
	if err != nil {
		return fmt.Errorf("record %s: %w", kind, err)
	}
	var department string
	if err := tx.QueryRow(ctx, `SELECT department FROM account WHERE id = $1`, t.Account).Scan(&department); err != nil {
		return fmt.Errorf("record %s: %w", kind, err)
	}
	return s.db.AppendRecord(ctx, tx, ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: kind, Org: department,
		Subject: "account:" + string(t.Account), From: at, To: at, Count: 1, Payload: payload, Relation: ledger.Generated})
}

const tokenColumns = `id, account, name, scopes, created_at, expires_at, coalesce(revoked_at, '0001-01-01'), coalesce(last_used_at, '0001-01-01')`

func scanToken(row pgx.CollectableRow) (t security.Token, err error) {
	err = row.Scan(&t.ID, &t.Account, &t.Name, &t.Scopes, &t.CreatedAt, &t.ExpiresAt, &t.RevokedAt, &t.LastUsedAt)
	return t, err
}

// Tokens implements security.CredentialStore.
func (s *Accounts) Tokens(ctx context.Context, account plinth.AccountID, limit int, after string) ([]security.Token, error) {
	rows, err := s.db.Query(ctx, `SELECT `+tokenColumns+` FROM api_token WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`,
		account, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", translate(err))
	}
	all, err := pgx.CollectRows(rows, scanToken)
	return all, translate(err)
}

// RevokeToken implements security.CredentialStore.
func (s *Accounts) RevokeToken(ctx context.Context, account plinth.AccountID, id string, at time.Time) (security.Token, error) {
	var t security.Token
	err := s.db.InTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+tokenColumns+` FROM api_token WHERE id = $1 AND account = $2 FOR UPDATE`, id, account)
		if err != nil {
			return fmt.Errorf("read token: %w", err)
		}
		if t, err = pgx.CollectExactlyOneRow(rows, scanToken); err != nil || !t.RevokedAt.IsZero() {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE api_token SET revoked_at = $2 WHERE id = $1`, id, at); err != nil {
			return fmt.Errorf("revoke token: %w", err)
		}
		t.RevokedAt = at
		return s.recordToken(ctx, tx, "token.revoked", t, at)
	})
	return t, err
}

// Credential implements security.CredentialStore. The use of a token is noted at most once a minute.
func (s *Accounts) Credential(ctx context.Context, hash [32]byte, at time.Time) (security.Credential, error) {
	rows, err := s.db.Query(ctx, `
		SELECT `+accountColumns+`, NULL::text[], s.expires_at, s.ended_at IS NOT NULL, '', false
		FROM session s JOIN account a ON a.id = s.account WHERE s.hash = $1
		UNION ALL
		SELECT `+accountColumns+`, t.scopes, t.expires_at, t.revoked_at IS NOT NULL, t.id,
			coalesce(t.last_used_at, '-infinity') < $2::timestamptz - interval '1 minute'
		FROM api_token t JOIN account a ON a.id = t.account WHERE t.hash = $1`, hash[:], at)
	if err != nil {
		return security.Credential{}, fmt.Errorf("read credential: %w", translate(err))
	}
	var token string
	var note bool
	c, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (c security.Credential, err error) {
		a := &c.Account
		err = row.Scan(&a.ID, &a.Login, &a.Name, &a.Department, &a.Roles, &a.Password, &a.CreatedAt, &a.Disabled,
			&c.Scopes, &c.ExpiresAt, &c.Ended, &token, &note)
		return c, err
	})
	if err != nil {
		return security.Credential{}, translate(err)
	}
	if note && !c.Ended {
		if _, err := s.db.Exec(ctx, `UPDATE api_token SET last_used_at = $2 WHERE id = $1`, token, at); err != nil {
			return security.Credential{}, fmt.Errorf("note use of token: %w", translate(err))
		}
	}
	return c, nil
}
