package api

import (
	"net"
	"net/http"

	"plinth/ledger/sequencer"
)

// Receipts by code for one address: many for a person with a pile of paper, few for who would copy the log by guessing.
const (
	codesPerMinute = 120
	codesAtOnce    = 60
)

// codeFile answers the receipt that a short code stands for, to everybody. It discloses neither payload nor salt.
type codeFile struct {
	e     Evidence
	limit *limiter
}

func newCodeFile(e Evidence) codeFile {
	return codeFile{e, newLimiter(e.Now, codesPerMinute, codesAtOnce, "too many receipts asked for from here; wait a minute")}
}

// ServeHTTP implements http.Handler.
func (h codeFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, err := h.file(r)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(file)
}

func (h codeFile) file(r *http.Request) ([]byte, error) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if err := h.limit.take(host); err != nil {
		return nil, err
	}
	id, err := h.e.Store.ByCode(r.Context(), r.PathValue("code"))
	if err != nil {
		return nil, err
	}
	return h.e.Sequencer.Receipt(r.Context(), id, sequencer.DiscloseNothing)
}
