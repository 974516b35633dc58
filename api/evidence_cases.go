package api

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// CaseRoutes are the files of cases.
func CaseRoutes(e Evidence) []Route {
	return []Route{{Method: "GET", Pattern: "/v1/evidence/cases/{case}/file", Handler: caseFile{e.Sequencer}}}
}

// caseFile answers a case's file: to auditors and stewards, and to the department whose case it is. To others it says
// no more than of a case that does not exist.
type caseFile struct{ sequencer *sequencer.Sequencer }

// ServeHTTP implements http.Handler.
func (h caseFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, err := h.file(r, r.PathValue("case"))
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Content-Disposition", `attachment; filename="case.plinth-case"`)
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
}

func (h caseFile) file(r *http.Request, id string) ([]byte, error) {
	if id == "" || len(id) > ledger.MaxCase || !strings.Contains(id, ":") {
		return nil, plinth.Invalid("case", "must name a case, e.g. request:rq_1, in at most %d bytes", ledger.MaxCase)
	}
	stranger := plinth.Errorf(plinth.ErrNotFound, "there is no case %q", id)
	owner, err := h.sequencer.CaseOwner(r.Context(), id)
	if errors.Is(err, plinth.ErrNotFound) {
		err = stranger
	}
	if err != nil {
		return nil, err
	}
	p := plinth.PrincipalFrom(r.Context())
	if !p.Has(auditor, steward) && (p.Department == "" || string(p.Department) != owner) {
		return nil, stranger
	}
	return h.sequencer.CaseFile(r.Context(), id)
}
