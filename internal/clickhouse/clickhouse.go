// Package clickhouse is how the service reaches ClickHouse, embedded or a server: opening, migrations, scopes, and the
// translation of the driver's errors into the kinds all rooms share. The stores of single rooms live here too, a type
// per room. It does not start engines; internal/clickhouse/embedded is the local one.
package clickhouse

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plinth"
)

// Config says where ClickHouse is and as whom to sign in.
type Config struct {
	URL      string // http://host:port or https://host:port, the HTTP interface
	User     string // the service's login; ServiceUser on the embedded engine
	Password string
	// Durability is what an insert has reached when it is acknowledged; empty is Standard.
	Durability Durability
}

// DB is the service's door to ClickHouse. It is safe for concurrent use. Errors of every method of Conn are translated:
// see translate.
type DB struct {
	driver.Conn
	cfg    Config
	client *http.Client // for /access

	columns sync.Map // of inserts, by their SQL: []ch.ColumnNameAndType

	mu       sync.Mutex
	embedded *bool                  // what the other side is, once known
	readers  map[string]driver.Conn // by scope, opened on demand
}

// Open makes a DB and checks that the engine answers.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	conn, err := connect(cfg, cfg.User, cfg.Password, serviceDatabase, 16)
	if err != nil {
		return nil, err
	}
	db := &DB{Conn: conn, cfg: cfg, client: &http.Client{}, readers: map[string]driver.Conn{}}
	// The database may not exist yet on a server, so the check must not depend on it.
	if err := db.Ping(ctx); err != nil && Code(err) != codeUnknownDatabase {
		conn.Close()
		return nil, err
	}
	return db, nil
}

const codeUnknownDatabase = 81

// Close closes all connections, the readers' too.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, r := range db.readers {
		r.Close()
	}
	clear(db.readers)
	return db.Conn.Close()
}

// Param is a named parameter: {name:Type} in the statement.
func Param(name string, value any) driver.NamedValue { return ch.Named(name, value) }

func connect(cfg Config, user, password, db string, most int) (driver.Conn, error) {
	opt, err := options(cfg, user, password, db)
	if err != nil {
		return nil, err
	}
	opt.MaxOpenConns, opt.MaxIdleConns = most, most
	raw, err := ch.Open(opt)
	if err != nil {
		return nil, plinth.Errorf(plinth.ErrInvalid, "the ClickHouse options are refused").Because(err)
	}
	return conn{raw}, nil
}

// options are the driver's, over HTTP. No compression: the embedded engine is on the same machine, and a server near by.
func options(cfg Config, user, password, db string) (*ch.Options, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, plinth.Invalid("clickhouse.url", "want http://host:port or https://host:port, got %.100q", cfg.URL)
	}
	opt := &ch.Options{
		Protocol:         ch.HTTP,
		Addr:             []string{hostPort(u)},
		Auth:             ch.Auth{Database: db, Username: user, Password: password},
		DialTimeout:      5 * time.Second,
		ReadTimeout:      5 * time.Minute,
		ConnMaxLifetime:  10 * time.Minute,
		HttpUrlPath:      u.Path,
		ConnOpenStrategy: ch.ConnOpenInOrder,
	}
	if u.Scheme == "https" {
		opt.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	}
	return opt, nil
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "8443")
	}
	return net.JoinHostPort(u.Hostname(), "8123")
}
