package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"plinth"
	"plinth/pipelines"
)

// LineageList reads the steps of runs, in order of time.
type LineageList interface {
	LineageSteps(ctx context.Context, pipeline string, since time.Time, after plinth.RunID, end bool, limit int) ([]pipelines.LineageStep, error)
}

// Lineage serves GET /v1/openlineage/events?pipeline=…&since=…: OpenLineage run events of the pipelines, one a line, the
// oldest first. The header Plinth-Next-Page has the pageToken of what follows; without it there is no more for now.
type Lineage struct {
	Steps LineageList
	Sink  func(ctx context.Context, pipeline string) pipelines.Target
}

// lineagePage is how many events one answer has.
const lineagePage = 1000

// LineageRoutes serve l to who may see the runs.
func LineageRoutes(l Lineage) []Route {
	return []Route{{Method: "GET", Pattern: "/v1/openlineage/events", Handler: l, Roles: []plinth.Role{operator, steward, auditor}}}
}

// ServeHTTP implements http.Handler.
func (l Lineage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, next, err := l.page(r)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	if next != "" {
		w.Header().Set("Plinth-Next-Page", next)
	}
	_, _ = w.Write(body)
}

func (l Lineage) page(r *http.Request) (body []byte, next string, err error) {
	q := r.URL.Query()
	var since time.Time
	if text := q.Get("since"); text != "" {
		if since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return nil, "", plinth.Invalid("since", "is a time by RFC 3339, e.g. 2026-11-24T00:00:00Z")
		}
	}
	var run plinth.RunID
	var end bool
	if token := q.Get("pageToken"); token != "" {
		if since, run, end, err = lineagePlace(token); err != nil {
			return nil, "", err
		}
	}
	steps, err := l.Steps.LineageSteps(r.Context(), q.Get("pipeline"), since, run, end, lineagePage+1)
	if err != nil {
		return nil, "", err
	}
	steps, next = cut(steps, lineagePage, func(s pipelines.LineageStep) string {
		return fmt.Sprintf("%s %t %s", s.At().Format(time.RFC3339Nano), s.End, s.Run.ID)
	})
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	for i := range steps {
		if err := lines.Encode(steps[i].Lineage(l.Sink(r.Context(), steps[i].Run.Pipeline))); err != nil {
			return nil, "", fmt.Errorf("lineage event: %w", err)
		}
	}
	return out.Bytes(), next, nil
}

// lineagePlace reads a token that page gave.
func lineagePlace(token string) (at time.Time, run plinth.RunID, end bool, err error) {
	_, key, err := pageOf(0, token)
	if err != nil {
		return at, "", false, err
	}
	when, rest, _ := strings.Cut(key, " ")
	ended, id, _ := strings.Cut(rest, " ")
	if at, err = time.Parse(time.RFC3339Nano, when); err != nil || id == "" {
		return at, "", false, plinth.Invalid("pageToken", "is not one that this server gave")
	}
	return at, plinth.RunID(id), ended == "true", nil
}
