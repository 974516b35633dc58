package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"

	"plinth"
	"plinth/pipelines"
)

// MaxImport is the most bytes an imported file may have.
const MaxImport = 1 << 30

// NewImportRoute is POST /v1/imports?mapping=…&name=… with the file as body. A request that cannot begin is answered with
// the usual error; else the answer is NDJSON: runs as they progress, then the run as it ended. Importing a file again
// changes nothing, so a broken-off request is simply repeated.
func NewImportRoute(mappings func() map[string]*pipelines.Mapping, im *pipelines.Importer) Route {
	return Route{Method: http.MethodPost, Pattern: "/v1/imports", Roles: []plinth.Role{operator}, MaxBody: MaxImport,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveImport(w, r, mappings(), im) })}
}

func serveImport(w http.ResponseWriter, r *http.Request, mappings map[string]*pipelines.Mapping, im *pipelines.Importer) {
	m := mappings[r.URL.Query().Get("mapping")]
	if m == nil {
		WriteError(w, r, plinth.Invalid("mapping", "there is no such mapping; there are %v", sortedKeys(mappings)))
		return
	}
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // progress is written while the body is read; HTTP/2 can do so anyway
	begun := false
	say := func(run pipelines.Run) {
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
			begun = true
		}
		writeRun(w, run)
		_ = control.Flush()
	}
	run, err := im.Import(r.Context(), r.Body, m, pipelines.ImportOptions{Name: r.URL.Query().Get("name"),
		By: string(plinth.PrincipalFrom(r.Context()).Account), Progress: say})
	if err != nil && !begun {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			err = plinth.Errorf(plinth.ErrExhausted, "a file has at most %d bytes", tooLarge.Limit)
		}
		WriteError(w, r, err)
		return
	}
	say(run)
}

// writeRun writes one line. A client that has gone is noticed when its body ends.
func writeRun(w http.ResponseWriter, run pipelines.Run) {
	raw, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(runOut(run))
	if err != nil {
		return
	}
	var line json.RawMessage = raw
	_ = json.NewEncoder(w).Encode(line) // compact, on one line
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
