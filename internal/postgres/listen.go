package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// listener hears of the notifications of one channel. It is for one goroutine.
type listener struct {
	db      *DB
	channel string
	conn    *pgxpool.Conn // that listens; nil until the first wait and after a failure
}

// wait returns the payload of the next notification; heard is false when ctx's deadline came first. What comes between two
// calls is not missed, but after an error.
func (l *listener) wait(ctx context.Context) (payload string, heard bool, err error) {
	if err := l.listen(ctx); err != nil {
		return "", false, err
	}
	n, err := l.conn.Conn().WaitForNotification(ctx)
	switch {
	case err == nil:
		return n.Payload, true, nil
	case errors.Is(err, context.DeadlineExceeded) && !l.conn.Conn().IsClosed():
		return "", false, nil
	}
	l.close()
	return "", false, fmt.Errorf("listen on %s: %w", l.channel, err)
}

func (l *listener) listen(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	conn, err := l.db.Acquire(ctx)
	if err != nil {
		return translate(err)
	}
	if _, err := conn.Exec(ctx, `LISTEN `+l.channel); err != nil {
		conn.Release()
		return translate(err)
	}
	l.conn = conn
	return nil
}

// close closes the connection rather than giving it back: it still listens.
func (l *listener) close() {
	if l.conn != nil {
		_ = l.conn.Conn().Close(context.Background())
		l.conn.Release()
		l.conn = nil
	}
}
