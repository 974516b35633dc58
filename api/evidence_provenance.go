package api

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"plinth"
	"plinth/ledger/sequencer"
)

// ProvenanceRoutes serve GET /v1/evidence/provenance?subject=dataset:…[&depth=4][&form=prov|openlineage]: who passed what
// to whom, as W3C PROV-JSON or as OpenLineage events, every relation with the short code of its receipt. Who may list
// records may have it. The header Plinth-Provenance-Cut tells that there is more than the answer holds.
func ProvenanceRoutes(p sequencer.Provenance) []Route {
	return []Route{{Method: "GET", Pattern: "/v1/evidence/provenance", Handler: provenanceFile{p},
		Roles: []plinth.Role{auditor, steward, registrar, officer, operator}}}
}

type provenanceFile struct{ provenance sequencer.Provenance }

// usualDepth is how many steps are followed when nothing else is asked for: from a dataset over request, approval and
// grant to a use.
const usualDepth = 4

// ServeHTTP implements http.Handler.
func (h provenanceFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, cut, err := h.file(r)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Plinth-Provenance-Cut", strconv.FormatBool(cut))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
}

func (h provenanceFile) file(r *http.Request) (file []byte, cut bool, err error) {
	q, depth := r.URL.Query(), usualDepth
	if text := q.Get("depth"); text != "" {
		if depth, err = strconv.Atoi(text); err != nil {
			return nil, false, plinth.Invalid("depth", "must be a whole number, 1 to %d", sequencer.MaxProvenanceDepth)
		}
	}
	form := q.Get("form")
	if form != "" && form != "prov" && form != "openlineage" {
		return nil, false, plinth.Invalid("form", "must be prov or openlineage")
	}
	g, err := h.provenance.Of(r.Context(), q.Get("subject"), depth)
	if err != nil {
		return nil, false, err
	}
	if form == "openlineage" {
		file, err = g.OpenLineage()
	} else {
		file, err = g.PROVJSON()
	}
	return file, g.Cut, err
}
