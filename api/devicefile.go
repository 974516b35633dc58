package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"plinth"
	"plinth/pipelines"
	"plinth/sensors"
)

// MaxDeviceFile is the most bytes a file of devices may have: some hundred thousand devices.
const MaxDeviceFile = 64 << 20

// DeviceFileRoutes bring files of devices in and out:
//
// POST /v1/device-imports?dry_run=true with a file as body, CSV, XLSX or NDJSON as its first bytes show, is answered by
// NDJSON: {"fault":{row,id,field,rule}} for each row that was not registered, {"credential":{id,secret}} for each device
// that was, shown once, {"progress":{rows,registered,known,renewed,refused,lines}} after every 500 good rows, with the
// lines of the whole file, 0 of a workbook, and at the end {"counts":{…}} of the same but the lines; {"error":…} instead
// when it ended early: what is registered by then stays, and bringing the file again goes on. The whole file is taken in
// before the first line of the answer, since a browser reads no answer before it has sent all; until then nothing is
// registered. When the answer, or its end, is lost, the file is brought again with &renew_since=T, where T is the
// Plinth-Import-Began of the first answer, or a moment before it was asked for: devices that were registered since, and
// have sent nothing, get other credentials.
//
// GET /v1/device-exports gives the devices as such a file, narrowed by kind, owner, street, grid and life.
func DeviceFileRoutes(f pipelines.DeviceFile) []Route {
	return []Route{
		{Method: http.MethodPost, Pattern: "/v1/device-imports", Roles: []plinth.Role{operator}, MaxBody: MaxDeviceFile,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { importDevices(w, r, f) })},
		{Method: http.MethodGet, Pattern: "/v1/device-exports", Roles: []plinth.Role{operator, steward, auditor},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { exportDevices(w, r, f.Registry) })},
	}
}

// deviceCredential is how a new device signs in.
type deviceCredential struct {
	ID     plinth.DeviceID `json:"id"`
	Secret string          `json:"secret"`
}

// deviceProgress is how far an import has come in a file of so many lines, its header and empty ones among them; a
// workbook has none.
type deviceProgress struct {
	pipelines.DeviceCounts
	Lines int `json:"lines"`
}

// spooled keeps a body in a file that has no name and goes with its handle, and counts the lines of a text.
func spooled(body io.Reader) (*os.File, int, error) {
	file, err := os.CreateTemp("", "plinth-devices-*")
	if err != nil {
		return nil, 0, fmt.Errorf("keep the file: %w", err)
	}
	lines := &lineCounter{}
	_, err = io.Copy(io.MultiWriter(file, lines), body)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	err = errors.Join(err, os.Remove(file.Name()))
	if err == nil {
		return file, lines.n, nil
	}
	_ = file.Close()
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, 0, plinth.Errorf(plinth.ErrExhausted, "a file of devices has at most %d bytes", MaxDeviceFile)
	}
	return nil, 0, fmt.Errorf("take the file in: %w", err)
}

// lineCounter counts the lines of what is written to it, and none of what a NUL shows to be no text in UTF-8 or GB 18030.
type lineCounter struct {
	n      int
	binary bool
}

func (l *lineCounter) Write(b []byte) (int, error) {
	l.binary = l.binary || bytes.IndexByte(b, 0) >= 0
	if l.n += bytes.Count(b, []byte{'\n'}); l.binary {
		l.n = 0
	}
	return len(b), nil
}

func importDevices(w http.ResponseWriter, r *http.Request, f pipelines.DeviceFile) {
	dry := r.URL.Query().Get("dry_run")
	if dry != "" && dry != "true" && dry != "false" {
		WriteError(w, r, plinth.Invalid("dry_run", "is true or false"))
		return
	}
	began := time.Now().UTC()
	if err := renewing(r, &f, began); err != nil {
		WriteError(w, r, err)
		return
	}
	file, lines, err := spooled(r.Body)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	defer file.Close()
	control := http.NewResponseController(w)
	begun := false
	say := func(name string, v any) {
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set(ImportBegan, began.Format(time.RFC3339))
			begun = true
		}
		_ = json.NewEncoder(w).Encode(map[string]any{name: v}) // a client that has gone is noticed when its body ends
		_ = control.Flush()
	}
	counts, err := f.Import(r.Context(), file, dry == "true", pipelines.DeviceReport{
		Fault:      func(fault pipelines.DeviceFault) { say("fault", fault) },
		Credential: func(id plinth.DeviceID, secret string) { say("credential", deviceCredential{id, secret}) },
		Progress:   func(c pipelines.DeviceCounts) { say("progress", deviceProgress{c, lines}) },
	})
	switch {
	case err != nil && !begun:
		WriteError(w, r, err)
	case err != nil:
		say("error", "the file was not read to its end; bring it again with renew_since="+began.Format(time.RFC3339)+
			": what is registered is known, and devices whose credential did not come get another")
	default:
		say("counts", counts)
	}
}

// ImportBegan is the header of an import's answer that tells when it began, by RFC 3339.
const ImportBegan = "Plinth-Import-Began"

// longestLost is how long ago an import may have begun whose credentials are given again: who spoke since is known.
const longestLost = 7 * 24 * time.Hour

// renewing reads since when lost credentials are given again.
func renewing(r *http.Request, f *pipelines.DeviceFile, now time.Time) error {
	text := r.URL.Query().Get("renew_since")
	if text == "" {
		return nil
	}
	since, err := time.Parse(time.RFC3339, text)
	if err != nil || since.After(now) || now.Sub(since) > longestLost {
		return plinth.Invalid("renew_since", "is a time of the last seven days by RFC 3339, e.g. %s", now.Format(time.RFC3339))
	}
	f.RenewSince = since
	return nil
}

func exportDevices(w http.ResponseWriter, r *http.Request, registry *sensors.Registry) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="devices.csv"`)
	_ = pipelines.WriteDevices(w, registry.Devices(fileFilter(r), nil)) // a client that has gone needs no answer
}

// fileFilter reads what a file of devices is narrowed by.
func fileFilter(r *http.Request) sensors.Filter {
	q := r.URL.Query()
	return sensors.Filter{Kind: q.Get("kind"), Owner: plinth.AgentID(q.Get("owner")), Street: q.Get("street"), Grid: q.Get("grid"),
		Life: sensors.Life(q.Get("life"))}
}
