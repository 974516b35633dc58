package api

import (
	"encoding/json"
	"net/http"

	"plinth"
	"plinth/pipelines"
	"plinth/sensors"
)

// MaxDeviceFile is the most bytes a file of devices may have: some hundred thousand devices.
const MaxDeviceFile = 64 << 20

// DeviceFileRoutes bring files of devices in and out:
//
// POST /v1/device-imports?dry_run=true with a CSV file as body is answered by NDJSON: {"fault":{row,id,field,rule}} for
// each row that was not registered, {"credential":{id,secret}} for each device that was, shown once, and at the end
// {"counts":{rows,registered,known,refused}}; {"error":…} instead when it ended early. GET /v1/device-exports gives the
// devices as such a file, narrowed by kind, owner, street, grid and life.
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

func importDevices(w http.ResponseWriter, r *http.Request, f pipelines.DeviceFile) {
	dry := r.URL.Query().Get("dry_run")
	if dry != "" && dry != "true" && dry != "false" {
		WriteError(w, r, plinth.Invalid("dry_run", "is true or false"))
		return
	}
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // faults are told while the file is read; HTTP/2 can do so anyway
	begun := false
	say := func(name string, v any) {
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.Header().Set("Cache-Control", "no-store")
			begun = true
		}
		_ = json.NewEncoder(w).Encode(map[string]any{name: v}) // a client that has gone is noticed when its body ends
		_ = control.Flush()
	}
	counts, err := f.Import(r.Context(), r.Body, dry == "true", pipelines.DeviceReport{
		Fault:      func(fault pipelines.DeviceFault) { say("fault", fault) },
		Credential: func(id plinth.DeviceID, secret string) { say("credential", deviceCredential{id, secret}) },
	})
	switch {
	case err != nil && !begun:
		WriteError(w, r, err)
	case err != nil:
		say("error", "the file was not read to its end; bring it again, what is registered is known")
	default:
		say("counts", counts)
	}
}

func exportDevices(w http.ResponseWriter, r *http.Request, registry *sensors.Registry) {
	q := r.URL.Query()
	f := sensors.Filter{Kind: q.Get("kind"), Owner: plinth.AgentID(q.Get("owner")), Street: q.Get("street"), Grid: q.Get("grid"),
		Life: sensors.Life(q.Get("life"))}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="devices.csv"`)
	_ = pipelines.WriteDevices(w, registry.Devices(f, nil)) // a client that has gone needs no answer
}
