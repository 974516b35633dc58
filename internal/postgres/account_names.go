package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
)

// AccountNames knows what people call an account. It remembers for some seconds, since lists ask for the same few.
type AccountNames struct {
	db  *DB
	now func() time.Time

	mu    sync.Mutex
	names map[plinth.AccountID]string
	until time.Time
}

// NewAccountNames returns the names of the accounts in db.
func NewAccountNames(db *DB, now func() time.Time) *AccountNames {
	return &AccountNames{db: db, now: now}
}

const rememberNames = 10 * time.Second

// AccountName is the account's name, or its id when there is none to be had.
func (n *AccountNames) AccountName(ctx context.Context, id plinth.AccountID) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.now().Before(n.until) {
		if names, err := n.read(ctx); err == nil {
			n.names, n.until = names, n.now().Add(rememberNames)
		}
	}
	if name := n.names[id]; name != "" {
		return name
	}
	return string(id)
}

func (n *AccountNames) read(ctx context.Context) (map[plinth.AccountID]string, error) {
	rows, err := n.db.Query(ctx, `SELECT id, name FROM account`)
	if err != nil {
		return nil, translate(err)
	}
	out := map[plinth.AccountID]string{}
	var id plinth.AccountID
	var name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		out[id] = name
		return nil
	})
	return out, translate(err)
}
