package embedded

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"plinth/internal/clickhouse"
)

// handler serves the part of the ClickHouse HTTP interface that clickhouse-go needs, and /access.
type handler struct {
	e        *engine
	access   *access
	password string
	slots    chan struct{} // statements at once; more only wait for the processor
	log      *slog.Logger
	version  string
	ready    atomic.Bool // the self-test has passed
}

func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/ping", h.servePing)
	mux.HandleFunc("GET /access", h.onlyService(h.access.serveList))
	mux.HandleFunc("PUT /access", h.onlyService(h.access.serveApply))
	mux.HandleFunc("DELETE /access/{name}", h.onlyService(h.access.serveDrop))
	mux.HandleFunc("/{$}", h.serveStatement)
	return mux
}

// servePing tells whether statements may come; a supervisor asks until they may.
func (h *handler) servePing(w http.ResponseWriter, _ *http.Request) {
	if !h.ready.Load() {
		http.Error(w, "starting", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "Ok.\n") // the caller is gone when this fails
}

func (h *handler) onlyService(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := h.authenticate(r)
		if err == nil && id.reader() {
			err = exceptionf(497, "ACCESS_DENIED", "only the service may do this")
		}
		if err != nil {
			writeException(w, asException(err))
			return
		}
		next(w, r)
	}
}

// authenticate finds who calls, by basic authentication or by ClickHouse's own headers. An unknown name costs the same
// time as a wrong password and gets the same answer.
func (h *handler) authenticate(r *http.Request) (identity, error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		user, password = r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	}
	id, want := service, h.password
	if scope, isReader := strings.CutPrefix(user, clickhouse.ReaderPrefix); isReader && h.access.has(scope) {
		s := clickhouse.Scope{Name: scope}
		id, want = identity{user: user, role: s.Role(), scope: scope}, clickhouse.ReaderPassword(h.password, scope)
	}
	got, expected := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(want))
	if subtle.ConstantTimeCompare(got[:], expected[:]) != 1 || user != id.user {
		return identity{}, exceptionf(516, "AUTHENTICATION_FAILED", "%.64s: Authentication failed: password is incorrect, or there is no user with such name", user)
	}
	return id, nil
}

func (h *handler) serveStatement(w http.ResponseWriter, r *http.Request) {
	id, err := h.authenticate(r)
	if err != nil {
		writeException(w, asException(err))
		return
	}
	req, err := parseRequest(r)
	if err != nil {
		writeException(w, asException(err))
		return
	}
	a := newAnswer(w, req)
	if req.sql == helloQuery && req.format == "Native" {
		_ = a.write(hello(h.version)) // the caller is gone when this fails
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-r.Context().Done():
		return
	}
	written, err := h.run(r.Context(), id, req, a)
	if err != nil {
		a.fail(err)
		return
	}
	a.nothing(written)
}

// run executes the statement in a session of its own. A statement withdrawn by us fails with our reason.
func (h *handler) run(ctx context.Context, id identity, req *request, a *answer) (uint64, error) {
	h.e.admit.RLock()
	defer h.e.admit.RUnlock()
	if id.reader() && !h.access.has(id.scope) {
		return 0, exceptionf(516, "AUTHENTICATION_FAILED", "the scope has been withdrawn")
	}
	ctx, st, end := h.e.begin(ctx, id.role)
	defer end()
	stop := context.AfterFunc(ctx, a.hurry)
	defer stop()
	written, err := h.runIn(id, st, req, a)
	var reason *Exception
	if err != nil && errors.As(context.Cause(ctx), &reason) {
		return 0, reason
	}
	return written, err
}

func (h *handler) runIn(id identity, st *statement, req *request, a *answer) (uint64, error) {
	s, err := h.e.session(id.role, st.id)
	if err != nil {
		return 0, err
	}
	defer s.close()
	class, err := gate(s, id, req.sql)
	if err != nil {
		return 0, err
	}
	if err := prepare(s, id, req); err != nil {
		return 0, err
	}
	switch {
	case req.data != nil:
		return runInsert(s, req)
	case class == classRead:
		return 0, runRead(s, req, a)
	default:
		out, written, err := s.exec(req.sql, req.format, req.params...)
		if err == nil && len(out) > 0 {
			err = a.write(out)
		}
		return written, err
	}
}

// prepare gives the session its database and settings. A reader's session is read-only from here on.
func prepare(s *session, id identity, req *request) error {
	settings, err := req.settings, error(nil)
	if id.reader() {
		settings, err = readerSettings(req.settings, s.e.memory)
	} else {
		settings = serviceSettings(req.settings, s.e.memory)
	}
	if err != nil {
		return err
	}
	db, err := databaseOf(id, req.database)
	if err != nil {
		return err
	}
	for _, sql := range []string{"USE " + db, setStatement(settings)} {
		if _, err := s.text(sql); err != nil {
			return err
		}
	}
	return nil
}

// databaseOf is the database that unqualified names mean. A reader has its own alone: within "system" it would find
// tables that no grant guards.
func databaseOf(id identity, asked string) (string, error) {
	if !id.reader() {
		return cmp.Or(asked, database), nil
	}
	own := clickhouse.Scope{Name: id.scope}.Database()
	if asked != "" && asked != own {
		return "", exceptionf(497, "ACCESS_DENIED", "a reader of a scope may not use the database %s", asked)
	}
	return own, nil
}

// runInsert streams the body into the engine. A body that breaks off is cancelled, never committed as if it were whole.
func runInsert(s *session, req *request) (uint64, error) {
	ins, err := s.insert(req.insert, req.dataFormat, req.params...)
	if err != nil {
		return 0, err
	}
	defer ins.close()
	if err := feed(ins, req.data); err != nil {
		ins.cancel()
		return 0, err
	}
	return ins.done()
}

// feed hands over data until its clean end. io.ReadFull would not do: it reports a clean end within its buffer by the
// same error as a body that broke off.
func feed(ins *insert, data io.Reader) error {
	buf, n := make([]byte, maxBlock), 0
	for {
		m, err := data.Read(buf[n:])
		n += m
		if n == len(buf) || err != nil {
			if appendErr := ins.append(buf[:n]); appendErr != nil {
				return appendErr
			}
			n = 0
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return bodyError(err)
		}
	}
}

// runRead streams a query's output; what the engine cannot stream (SHOW, DESCRIBE, EXPLAIN) is short and read whole.
func runRead(s *session, req *request, a *answer) error {
	st, err := s.stream(req.sql, req.format, req.params...)
	if e := (*Exception)(nil); errors.As(err, &e) && e.Code == 36 && strings.Contains(e.Text, "Streaming query is not supported") {
		out, _, err := s.exec(req.sql, req.format, req.params...)
		if err == nil && len(out) > 0 {
			err = a.write(out)
		}
		return err
	}
	if err != nil {
		return err
	}
	held, err := pump(st, req, a)
	st.close()
	switch {
	case err != nil:
		return err
	case len(held) > 0:
		return a.write(held)
	case !a.started && req.format == "Native":
		return writeEmpty(s, req, a)
	}
	return nil
}

// pump sends chunk by chunk, or holds all back when the caller wants to wait for the end.
func pump(st *stream, req *request, a *answer) (held []byte, err error) {
	for {
		chunk, err := st.next()
		if err != nil || chunk == nil {
			return held, err
		}
		if req.wait {
			held = append(held, chunk...)
		} else if err := a.write(chunk); err != nil {
			return nil, err
		}
	}
}

// writeEmpty sends the columns of a query that found no rows, when the engine can describe it.
func writeEmpty(s *session, req *request, a *answer) error {
	out, err := s.text("DESCRIBE ("+strings.TrimRight(req.sql, "; \t\r\n")+"\n)", req.params...)
	if err != nil || out == "" {
		return nil // the driver then sees no columns, as before
	}
	var columns [][2]string
	for line := range strings.Lines(out) {
		f := strings.SplitN(line, "\t", 3)
		if len(f) < 3 {
			return nil
		}
		columns = append(columns, [2]string{unescapeTSV(f[0]), unescapeTSV(f[1])})
	}
	return a.write(emptyBlock(columns))
}
