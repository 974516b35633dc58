package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
)

// keyLife is how long an idempotency key is remembered.
const keyLife = 24 * time.Hour

// Keys remembers what writes answered; it is an api.Keys, whose comments say what its methods promise.
type Keys struct {
	db  *DB
	now func() time.Time

	mu      sync.Mutex
	cleaned time.Time
}

// NewKeys returns the store of idempotency keys in db.
func NewKeys(db *DB, now func() time.Time) *Keys { return &Keys{db: db, now: now} }

// Claim is of api.Keys.
func (s *Keys) Claim(ctx context.Context, account plinth.AccountID, key, method string, body [32]byte) (answer []byte, fresh bool, err error) {
	if err := s.clean(ctx); err != nil {
		return nil, false, err
	}
	tag, err := s.db.Exec(ctx, `
		INSERT INTO idempotency_key AS k (account, key, method, body, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, key) DO UPDATE SET method = $3, body = $4, answer = NULL, created_at = $5
			WHERE k.created_at < $6`,
		account, key, method, body[:], s.now(), s.now().Add(-keyLife))
	if err != nil {
		return nil, false, fmt.Errorf("claim key: %w", translate(err))
	}
	if tag.RowsAffected() == 1 {
		return nil, true, nil
	}
	return s.kept(ctx, account, key, method, body)
}

func (s *Keys) kept(ctx context.Context, account plinth.AccountID, key, method string, body [32]byte) ([]byte, bool, error) {
	var same bool
	var answer []byte
	err := s.db.QueryRow(ctx, `SELECT method = $3 AND body = $4, answer FROM idempotency_key WHERE account = $1 AND key = $2`,
		account, key, method, body[:]).Scan(&same, &answer)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, false, plinth.Errorf(plinth.ErrConflict, "the first call with this Idempotency-Key just ended; try again")
	case err != nil:
		return nil, false, fmt.Errorf("read key: %w", translate(err))
	case !same:
		return nil, false, plinth.Errorf(plinth.ErrConflict, "this Idempotency-Key was used for another call or another body")
	case answer == nil:
		return nil, false, plinth.Errorf(plinth.ErrConflict, "the first call with this Idempotency-Key is still running, or "+
			"ended without a known outcome; look at the object before you repeat with a new key")
	}
	return answer, false, nil
}

// Keep is of api.Keys.
func (s *Keys) Keep(ctx context.Context, account plinth.AccountID, key string, answer []byte) error {
	if answer == nil {
		answer = []byte{}
	}
	_, err := s.db.Exec(ctx, `UPDATE idempotency_key SET answer = $3 WHERE account = $1 AND key = $2`, account, key, answer)
	if err != nil {
		return fmt.Errorf("keep answer: %w", translate(err))
	}
	return nil
}

// Release is of api.Keys.
func (s *Keys) Release(ctx context.Context, account plinth.AccountID, key string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM idempotency_key WHERE account = $1 AND key = $2 AND answer IS NULL`, account, key)
	if err != nil {
		return fmt.Errorf("release key: %w", translate(err))
	}
	return nil
}

// clean forgets old keys, at most once an hour.
func (s *Keys) clean(ctx context.Context) error {
	s.mu.Lock()
	due := s.now().Sub(s.cleaned) > time.Hour
	if due {
		s.cleaned = s.now()
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	if _, err := s.db.Exec(ctx, `DELETE FROM idempotency_key WHERE created_at < $1`, s.now().Add(-keyLife)); err != nil {
		return fmt.Errorf("forget old keys: %w", translate(err))
	}
	return nil
}
