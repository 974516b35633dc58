package api

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"plinth"
	"plinth/ledger/sequencer"
	"plinth/sensors"
)

// DeviceEvidenceRoutes serve the evidence of devices: GET /v1/evidence/devices/{device}/file?from=&to= is the file that
// plinth-verify device checks; with metric= and at= (and seq=, where several readings have one moment) it proves those
// readings too. Auditors, operators and the department that owns the device may have it.
func DeviceEvidenceRoutes(d sequencer.Devices, registry *sensors.Registry) []Route {
	return []Route{{Method: "GET", Pattern: "/v1/evidence/devices/{device}/file", Handler: deviceFile{d, registry}}}
}

type deviceFile struct {
	devices  sequencer.Devices
	registry *sensors.Registry
}

// ServeHTTP implements http.Handler.
func (h deviceFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, err := h.file(r)
	if err != nil {
		WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Content-Disposition", `attachment; filename="`+r.PathValue("device")+`.plinth-device"`)
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
}

func (h deviceFile) file(r *http.Request) ([]byte, error) {
	d := h.registry.Device(plinth.DeviceID(r.PathValue("device")))
	if d == nil {
		return nil, plinth.Errorf(plinth.ErrNotFound, "there is no device %.64q", r.PathValue("device"))
	}
	if p := plinth.PrincipalFrom(r.Context()); p.Department == "" || p.Department != d.Owner {
		if err := p.Need(auditor, operator); err != nil {
			return nil, err
		}
	}
	ask, err := deviceAsk(r, d)
	if err != nil {
		return nil, err
	}
	if ask.Metric != "" { // the file then holds values
		if err := d.MayShow(plinth.PrincipalFrom(r.Context())); err != nil {
			return nil, err
		}
	}
	return h.devices.File(r.Context(), ask)
}

// deviceAsk reads the parameters.
func deviceAsk(r *http.Request, d *sensors.Device) (ask sequencer.DeviceAsk, err error) {
	ask = sequencer.DeviceAsk{Device: string(d.ID), Metric: r.URL.Query().Get("metric")}
	if ask.From, err = moment(r, "from"); err != nil {
		return ask, err
	}
	if ask.To, err = moment(r, "to"); err != nil {
		return ask, err
	}
	at, seq := r.URL.Query().Get("at"), r.URL.Query().Get("seq")
	if ask.Metric == "" {
		if at != "" || seq != "" {
			return ask, plinth.Invalid("metric", "name the metric of the reading")
		}
		return ask, nil
	}
	if _, ok := d.Metric(ask.Metric); !ok {
		return ask, plinth.Invalid("metric", "the device has no metric %.64q", ask.Metric)
	}
	if ask.At, err = moment(r, "at"); err != nil {
		return ask, err
	}
	if ask.At.Before(ask.From) || !ask.At.Before(ask.To) {
		return ask, plinth.Invalid("at", "must lie in the period")
	}
	if seq != "" {
		n, err := strconv.ParseUint(seq, 10, 64)
		if err != nil {
			return ask, plinth.Invalid("seq", "must be the device's count, a whole number")
		}
		ask.Seq = &n
	}
	return ask, nil
}

// moment reads a parameter that must be a time.
func moment(r *http.Request, name string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, r.URL.Query().Get(name))
	if err != nil || t.Year() < 1970 || t.Year() > 2260 {
		return time.Time{}, plinth.Invalid(name, "must be a time as 2026-11-24T08:00:00Z, in the years 1970 to 2260")
	}
	return t.UTC(), nil
}
