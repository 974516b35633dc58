package clickhouse

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plinth"
)

// Code is the engine's error code, e.g. 60 for an unknown table, or 0 when err is not the engine's.
func Code(err error) int {
	var e *ch.Exception
	if errors.As(err, &e) {
		return int(e.Code)
	}
	return 0
}

// translate gives a driver's error the kind that callers decide by. An engine that is away is ErrUnavailable; a limit is
// ErrExhausted; a refusal of rights is ErrDenied. The engine's own words stay the cause: they may name bases and values,
// so they are for the operator. Faults of a statement keep the driver's error: a statement of ours that is wrong is our
// fault and not the caller's.
func translate(err error) error {
	var known *plinth.Error
	switch code := Code(err); {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &known):
		return err
	case code == 0 && away(err):
		return plinth.Errorf(plinth.ErrUnavailable, "ClickHouse is away; try again").Because(err)
	case code == 0:
		return err
	default:
		return translateCode(code, err)
	}
}

func translateCode(code int, err error) error {
	switch code {
	case 202, 210, 209, 394:
		return plinth.Errorf(plinth.ErrUnavailable, "ClickHouse ended the statement; try again").Because(err)
	case 158, 396, 307:
		return plinth.Errorf(plinth.ErrExhausted, "the query reads or returns more rows than its limit").Because(err)
	case 159, 160:
		return plinth.Errorf(plinth.ErrExhausted, "the query takes longer than its limit").Because(err)
	case 241:
		return plinth.Errorf(plinth.ErrExhausted, "the query needs more memory than its limit").Because(err)
	case 164, 452, 497:
		return plinth.Errorf(plinth.ErrDenied, "ClickHouse refuses this to the one who asks").Because(err)
	case 516:
		return plinth.Errorf(plinth.ErrDenied, "ClickHouse refuses the login").Because(err)
	default:
		return err
	}
}

// away tells whether the engine could not be reached or broke off.
func away(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.Is(err, ch.ErrAcquireConnTimeout) || errors.Is(err, ch.ErrConnectionClosed)
}

// conn is a driver.Conn whose errors are translated.
type conn struct{ driver.Conn }

func (c conn) Select(ctx context.Context, dest any, query string, args ...any) error {
	return translate(c.Conn.Select(ctx, dest, query, args...))
}

func (c conn) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	r, err := c.Conn.Query(ctx, query, args...)
	if err != nil {
		return nil, translate(err)
	}
	return rows{r}, nil
}

func (c conn) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	return row{c.Conn.QueryRow(ctx, query, args...)}
}

func (c conn) QueryFormat(ctx context.Context, format, query string, args ...any) (io.ReadCloser, error) {
	r, err := c.Conn.QueryFormat(ctx, format, query, args...)
	if err != nil {
		return nil, translate(err)
	}
	return reader{r}, nil
}

func (c conn) InsertFormat(ctx context.Context, format, query string, data io.Reader) error {
	return translate(c.Conn.InsertFormat(ctx, format, query, data))
}

func (c conn) PrepareBatch(ctx context.Context, query string, opts ...driver.PrepareBatchOption) (driver.Batch, error) {
	b, err := c.Conn.PrepareBatch(ctx, query, opts...)
	if err != nil {
		return nil, translate(err)
	}
	return batch{b}, nil
}

func (c conn) Exec(ctx context.Context, query string, args ...any) error {
	return translate(c.Conn.Exec(ctx, query, args...))
}

func (c conn) AsyncInsert(ctx context.Context, query string, wait bool, args ...any) error {
	return translate(c.Conn.AsyncInsert(ctx, query, wait, args...))
}

func (c conn) Ping(ctx context.Context) error { return translate(c.Conn.Ping(ctx)) }

func (c conn) ServerVersion() (*driver.ServerVersion, error) {
	v, err := c.Conn.ServerVersion()
	return v, translate(err)
}

type rows struct{ driver.Rows }

func (r rows) Scan(dest ...any) error    { return translate(r.Rows.Scan(dest...)) }
func (r rows) ScanStruct(dest any) error { return translate(r.Rows.ScanStruct(dest)) }
func (r rows) Err() error                { return translate(r.Rows.Err()) }
func (r rows) Close() error              { return translate(r.Rows.Close()) }

type row struct{ driver.Row }

func (r row) Err() error                { return translate(r.Row.Err()) }
func (r row) Scan(dest ...any) error    { return translate(r.Row.Scan(dest...)) }
func (r row) ScanStruct(dest any) error { return translate(r.Row.ScanStruct(dest)) }

type batch struct{ driver.Batch }

func (b batch) Flush() error { return translate(b.Batch.Flush()) }
func (b batch) Send() error  { return translate(b.Batch.Send()) }

type reader struct{ io.ReadCloser }

func (r reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err == io.EOF { // the stream's own end, never wrapped
		return n, err
	}
	return n, translate(err)
}
