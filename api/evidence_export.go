package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"plinth"
	"plinth/ledger/audit"
)

// Export makes the folder that an auditor checks offline. It lies in Dir and grows with every call of Make. It holds
// payloads in clear, so an erasure takes it away: see Discarding.
type Export struct {
	Dir  string
	Make func(ctx context.Context, progress func(part string, done, total int64)) error

	making sync.Mutex // one export at a time

	mu     sync.Mutex // owns the two below
	users  int        // who make or read the folder now
	doomed bool
}

// Update brings the folder up to date; who comes while another does waits.
func (e *Export) Update(ctx context.Context, progress func(part string, done, total int64)) error {
	return e.Use(ctx, progress, func() error { return nil })
}

// Use brings the folder up to date and has it read: it is not taken away before read returns.
func (e *Export) Use(ctx context.Context, progress func(part string, done, total int64), read func() error) (err error) {
	e.enter()
	defer func() { err = errors.Join(err, e.leave()) }()
	if err := e.update(ctx, progress); err != nil {
		return err
	}
	return read()
}

func (e *Export) update(ctx context.Context, progress func(part string, done, total int64)) error {
	e.making.Lock()
	defer e.making.Unlock()
	return e.Make(ctx, progress)
}

func (e *Export) enter() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.users++
}

func (e *Export) leave() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.users--
	return e.settle()
}

// Discarding does what makes the folder's payloads forbidden, as an erasure does, and takes the folder away: before it
// returns, or when the audit or export that uses it now ends. A mark beside the folder makes that sure when the
// process dies meanwhile; see Recover. The next Update makes the folder anew.
func (e *Export) Discarding(do func() error) (err error) {
	if err := os.MkdirAll(filepath.Dir(e.mark()), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(e.mark(), nil, 0o600); err != nil {
		return err
	}
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.doomed = true
		err = errors.Join(err, e.settle())
	}()
	return do()
}

// Recover takes the folder away when a process that is no more should have.
func (e *Export) Recover() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, err := os.Stat(e.mark())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	e.doomed = true
	return errors.Join(err, e.settle())
}

func (e *Export) mark() string { return e.Dir + ".discard" }

// settle is called with mu held.
func (e *Export) settle() error {
	if !e.doomed || e.users > 0 {
		return nil
	}
	if err := os.RemoveAll(e.Dir); err != nil {
		return fmt.Errorf("take the export away: %w", err)
	}
	e.doomed = false
	if err := os.Remove(e.mark()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// ExportRoutes let an auditor have the export. It holds payloads, so nobody else may.
func ExportRoutes(e *Export) []Route {
	auditors := []plinth.Role{plinth.RoleAuditor}
	return []Route{
		{Method: "POST", Pattern: "/v1/evidence/export", Roles: auditors, Handler: exportMaker{e}},
		{Method: "GET", Pattern: "/v1/evidence/export/{file...}", Roles: auditors, Handler: exportFile{e}},
	}
}

// exportLine is a line of the answer while the folder is brought up to date; the last one has Receipts or Error.
type exportLine struct {
	Part     string   `json:"part,omitempty"`
	Done     int64    `json:"done,omitempty"`
	Total    int64    `json:"total,omitempty"`
	Receipts []string `json:"receipts,omitempty"`
	Complete bool     `json:"complete,omitempty"`
	Error    string   `json:"error,omitempty"`
}

// exportMaker answers lines of JSON, one for each step and one for the end.
type exportMaker struct{ export *Export }

// ServeHTTP implements http.Handler.
func (h exportMaker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // a first export of a large house takes longer than an answer may
	lines := json.NewEncoder(w)
	told := time.Time{}
	err := h.export.Update(r.Context(), func(part string, done, total int64) {
		if time.Since(told) < 200*time.Millisecond {
			return
		}
		told = time.Now()
		_ = lines.Encode(exportLine{Part: part, Done: done, Total: total})
		_ = control.Flush()
	})
	if err != nil {
		_ = lines.Encode(exportLine{Error: sentence(r, err)})
		return
	}
	_ = lines.Encode(exportLine{Complete: true, Receipts: h.receipts()})
}

func (h exportMaker) receipts() (out []string) {
	files, _ := filepath.Glob(filepath.Join(h.export.Dir, audit.ReceiptsDir, "*.tlog-proof"))
	for _, f := range files {
		out = append(out, audit.ReceiptsDir+"/"+filepath.Base(f))
	}
	return out
}

// exportFile answers one file of the folder, or the part of it that the Range header asks for.
type exportFile struct{ export *Export }

// ServeHTTP implements http.Handler.
func (h exportFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	root, err := os.OpenRoot(h.export.Dir)
	if err != nil {
		WriteError(w, r, plinth.Errorf(plinth.ErrNotFound, "there is no export yet"))
		return
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(r.PathValue("file")))
	if err != nil {
		WriteError(w, r, plinth.Errorf(plinth.ErrNotFound, "the export has no such file"))
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		WriteError(w, r, plinth.Errorf(plinth.ErrNotFound, "the export has no such file"))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, f)
}

// sentence is what the caller may read of an error; the rest is for the log.
func sentence(r *http.Request, err error) string {
	st, known := toStatus(err)
	if !known {
		callOf(r.Context()).fail(err)
	}
	return st.Message()
}
