package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// CaseRoutes are the files of cases, and the erasure of subjects.
func CaseRoutes(e Evidence) []Route {
	return []Route{
		{Method: "GET", Pattern: "/v1/evidence/cases/{case}/file", Handler: caseFile{e.Sequencer}},
		{Method: "POST", Pattern: "/v1/evidence/subjects:erase", Roles: []plinth.Role{operator}, MaxBody: 8 << 10,
			Handler: eraseSubject{e.Sequencer, e.Export}},
	}
}

// eraseSubject shreds a subject's payloads: {"subject", "reason"} is answered with {"recordId"} of the record that
// tells of it. The export goes too, for it holds payloads in clear.
type eraseSubject struct {
	sequencer *sequencer.Sequencer
	export    *Export // nil for none
}

// ServeHTTP implements http.Handler.
func (h eraseSubject) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Subject string `json:"subject"`
		Reason  string `json:"reason"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&ask); err != nil {
		WriteError(w, r, plinth.Invalid("body", "must be a JSON object with subject and reason"))
		return
	}
	p := plinth.PrincipalFrom(r.Context())
	id, err := h.erase(r.Context(), sequencer.Erasure{Subject: ask.Subject, Reason: ask.Reason,
		By: string(p.Account), Org: string(p.Department)})
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"recordId": id.String()}) // a caller who is gone reads the log
}

func (h eraseSubject) erase(ctx context.Context, e sequencer.Erasure) (id uuid.UUID, err error) {
	do := func() (err error) {
		id, err = h.sequencer.Erase(ctx, e)
		return err
	}
	if h.export == nil {
		err = do()
	} else {
		err = h.export.Discarding(do)
	}
	return id, err
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
