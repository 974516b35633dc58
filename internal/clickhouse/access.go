package clickhouse

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plinth"
)

// ApplyScopes makes exactly these scopes exist; others are withdrawn. When it returns nil they are in force, durable,
// and each lock has been tried. On an error the scopes are as before. Statements of the embedded engine wait meanwhile
// (tenths of a second), and those that run for more than seconds end with ErrUnavailable.
func (db *DB) ApplyScopes(ctx context.Context, scopes []Scope) error {
	if err := ValidateScopes(scopes); err != nil {
		return err
	}
	embedded, err := db.isEmbedded(ctx)
	if err != nil {
		return err
	}
	if !embedded {
		return db.applyOnServer(ctx, scopes)
	}
	if scopes == nil {
		scopes = []Scope{}
	}
	body, err := json.Marshal(scopes)
	if err != nil {
		return err
	}
	if err := db.access(ctx, http.MethodPut, "", body, nil); err != nil {
		return err
	}
	db.forgetOthers(scopes)
	return nil
}

// DropScope withdraws a scope: when it returns nil no statement of its reader runs or will. An unknown name is no error.
func (db *DB) DropScope(ctx context.Context, name string) error {
	if !ValidScopeName(name) {
		return plinth.Invalid("name", "a scope's name is 1 to 48 of a-z, 0-9 and _; got %.64q", name)
	}
	db.forget(name)
	embedded, err := db.isEmbedded(ctx)
	if err != nil {
		return err
	}
	if !embedded {
		return db.dropOnServer(ctx, Scope{Name: name})
	}
	return db.access(ctx, http.MethodDelete, "/"+name, nil, nil)
}

// Scopes lists the names of the scopes in force.
func (db *DB) Scopes(ctx context.Context) ([]string, error) {
	embedded, err := db.isEmbedded(ctx)
	if err != nil {
		return nil, err
	}
	if !embedded {
		return db.scopesOnServer(ctx)
	}
	var list AccessList
	err = db.access(ctx, http.MethodGet, "", nil, &list)
	return list.Scopes, err
}

// AsScope returns a connection that can read that scope alone, read-only, with the scope's database as its own. It is
// shared and belongs to db; do not close it.
func (db *DB) AsScope(ctx context.Context, name string) (driver.Conn, error) {
	if !ValidScopeName(name) {
		return nil, plinth.Invalid("name", "a scope's name is 1 to 48 of a-z, 0-9 and _; got %.64q", name)
	}
	db.mu.Lock()
	r, ok := db.readers[name]
	db.mu.Unlock()
	if ok {
		return r, nil
	}
	s := Scope{Name: name}
	r, err := connect(db.cfg, s.Reader(), ReaderPassword(db.cfg.Password, name), s.Database(), 8)
	if err != nil {
		return nil, err
	}
	if err := r.Ping(ctx); err != nil {
		r.Close()
		if Code(err) == 516 {
			return nil, plinth.Errorf(plinth.ErrNotFound, "there is no scope %s", name).Because(err)
		}
		return nil, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if first, ok := db.readers[name]; ok {
		r.Close()
		return first, nil
	}
	db.readers[name] = r
	return r, nil
}

// forget closes the reader of a scope.
func (db *DB) forget(name string) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if r, ok := db.readers[name]; ok {
		r.Close()
		delete(db.readers, name)
	}
}

// forgetOthers closes the readers of all scopes but these.
func (db *DB) forgetOthers(scopes []Scope) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for name, r := range db.readers {
		if !slices.ContainsFunc(scopes, func(s Scope) bool { return s.Name == name }) {
			r.Close()
			delete(db.readers, name)
		}
	}
}

// isEmbedded finds out once what answers at the URL.
func (db *DB) isEmbedded(ctx context.Context) (bool, error) {
	db.mu.Lock()
	known := db.embedded
	db.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	var list AccessList
	err := db.access(ctx, http.MethodGet, "", nil, &list)
	if err != nil && !notServed(err) {
		return false, err
	}
	is := err == nil && list.Engine == EmbeddedEngine
	db.mu.Lock()
	db.embedded = &is
	db.mu.Unlock()
	return is, nil
}

// accessError is an answer of /access other than a success.
type accessError struct {
	status int
	err    *ch.Exception
}

func (e *accessError) Error() string {
	return fmt.Sprintf("access: HTTP %d: %s", e.status, e.err.Message)
}
func (e *accessError) Unwrap() error { return e.err }

// notServed tells a ClickHouse server, which knows no /access, from an engine that refuses.
func notServed(err error) bool {
	e, ok := err.(*accessError)
	return ok && e.status == http.StatusNotFound
}

// access asks the embedded engine about rights.
func (db *DB) access(ctx context.Context, method, path string, body []byte, out any) error {
	u, err := url.Parse(db.cfg.URL)
	if err != nil {
		return plinth.Invalid("clickhouse.url", "the URL cannot be read")
	}
	u = u.JoinPath("/access" + path)
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(db.cfg.User, db.cfg.Password)
	res, err := db.client.Do(req)
	if err != nil {
		return translate(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return translate(err)
	}
	if res.StatusCode >= 300 {
		return accessFault(res, string(answer))
	}
	if out == nil {
		return nil
	}
	// A server may answer any path with something of its own; that is no list.
	if err := json.Unmarshal(answer, out); err != nil && method != http.MethodGet {
		return err
	}
	return nil
}

// accessFault gives a refusal its kind: a scope that the engine's parser refuses is the scope's fault.
func accessFault(res *http.Response, text string) error {
	code, _ := strconv.Atoi(res.Header.Get("X-ClickHouse-Exception-Code"))
	e := &accessError{status: res.StatusCode, err: &ch.Exception{Code: int32(code), Message: strings.TrimSpace(text)}}
	if res.StatusCode == http.StatusBadRequest || code == 60 {
		return plinth.Errorf(plinth.ErrInvalid, "ClickHouse refuses the scope").Because(e)
	}
	return translate(e)
}
