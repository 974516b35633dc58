package api

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// EvidenceRoutes are the files of the evidence doors: receipts for who is signed in, and the logs in C2SP tlog-tiles
// form for everybody.
func EvidenceRoutes(e Evidence) []Route {
	return []Route{
		{Method: "GET", Pattern: "/v1/evidence/records/{record_id}/receipt", Handler: receiptFile{e.Sequencer}},
		{Method: "GET", Pattern: "/v1/evidence/codes/{code}", Public: true, Handler: newCodeFile(e)},
		{Method: "GET", Pattern: "/tlog/{origin}/checkpoint", Public: true,
			Handler: logFile{e.Sequencer, checkpointFile, "text/plain; charset=utf-8", "no-cache"}},
		{Method: "GET", Pattern: "/tlog/{origin}/tile/{tile...}", Public: true,
			Handler: logFile{e.Sequencer, tileFile, "application/octet-stream", "public, max-age=31536000, immutable"}},
	}
}

// receiptFile answers a record's receipt. An auditor may ask for the salt or the payload with it.
type receiptFile struct{ sequencer *sequencer.Sequencer }

// ServeHTTP implements http.Handler.
func (h receiptFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, err := recordID(r.PathValue("record_id"))
	if err != nil {
		WriteError(w, r, err)
		return
	}
	how, err := disclosureOf(r)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	file, err := h.sequencer.Receipt(r.Context(), id, how)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+id.String()+`.tlog-proof"`)
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
}

func disclosureOf(r *http.Request) (sequencer.Disclosure, error) {
	switch how := r.URL.Query().Get("disclose"); how {
	case "":
		return sequencer.DiscloseNothing, nil
	case "salt", "payload":
		if err := plinth.PrincipalFrom(r.Context()).Need(plinth.RoleAuditor); err != nil {
			return 0, err
		}
		if how == "salt" {
			return sequencer.DiscloseSalt, nil
		}
		return sequencer.DisclosePayload, nil
	}
	return 0, plinth.Invalid("disclose", "must be salt or payload")
}

// logFile answers one file of a log.
type logFile struct {
	sequencer *sequencer.Sequencer
	read      func(*sequencer.Log, string) ([]byte, error)
	kind      string // content type
	keep      string // how long caches may keep it
}

// ServeHTTP implements http.Handler.
func (h logFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l, err := h.sequencer.Log(ledger.Origin(r.PathValue("origin")))
	if err != nil {
		WriteError(w, r, err)
		return
	}
	b, err := h.read(l, r.PathValue("tile"))
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", h.kind)
	w.Header().Set("Cache-Control", h.keep)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

func checkpointFile(l *sequencer.Log, _ string) ([]byte, error) {
	_, signed := l.Checkpoint()
	if signed == nil {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log is empty and has no checkpoint yet")
	}
	return signed, nil
}

// tileFile reads a path as tlog-tiles has it: "0/x001/067", "1/000.p/17", "entries/000".
func tileFile(l *sequencer.Log, path string) ([]byte, error) {
	inGo := "tile/8/" + path // x/mod writes the height into the path, and "data" for entries
	if rest, ok := strings.CutPrefix(path, "entries/"); ok {
		inGo = "tile/8/data/" + rest
	} else if strings.HasPrefix(path, "data/") {
		inGo = ""
	}
	t, err := tlog.ParseTilePath(inGo)
	if err != nil || t.H != 8 {
		return nil, plinth.Errorf(plinth.ErrNotFound, "this is not the path of a tile")
	}
	if t.L < 0 {
		return l.Bundle(t.N, t.W)
	}
	return l.Tile(t.L, t.N, t.W)
}
