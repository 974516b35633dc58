package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"plinth/internal/district"
)

// remoteFeed feeds a running service by its public doors: readings by HTTP, events as imports. Readings wait at most
// flushAge, or until flushRows of them are there.
type remoteFeed struct {
	remote  *remote
	waiting map[string][]feedReading
	rows    int
	flushed time.Time

	readings, events int
}

const (
	flushRows = 2000
	flushAge  = time.Second
)

// feedReading is a reading in the API's form.
type feedReading struct {
	Metric string    `json:"metric"`
	At     time.Time `json:"at"`
	Value  float64   `json:"value"`
	Seq    string    `json:"seq"`
}

// register makes the devices known; one that is there already stays as it is.
func (f *remoteFeed) register(ctx context.Context, devices []district.Device) error {
	for _, d := range devices {
		body, err := json.Marshal(deviceBody(d))
		if err != nil {
			return err
		}
		resp, err := f.remote.post(ctx, "/v1/devices", "application/json", bytes.NewReader(body))
		var refused *remoteError
		if errors.As(err, &refused) && refused.code == http.StatusConflict {
			continue
		}
		if err != nil {
			return fmt.Errorf("register %s: %w", d.ID, err)
		}
		resp.Body.Close()
	}
	return nil
}

// deviceBody is a device in the API's form.
func deviceBody(d district.Device) map[string]any {
	var metrics []map[string]any
	for _, m := range d.Metrics {
		metrics = append(metrics, map[string]any{"name": m.Name, "title": map[string]string{"zh": m.Title, "en": m.En},
			"unit": m.Unit, "min": m.Min, "max": m.Max})
	}
	return map[string]any{"id": d.ID, "kind": d.Kind, "name": map[string]string{"zh": d.Name, "en": d.NameEn}, "owner": d.Owner,
		"street": d.Street, "grid": d.Grid, "site": d.SiteName, "longitude": d.At.Lon, "latitude": d.At.Lat,
		"intervalS": int(d.Interval / time.Second), "metrics": metrics}
}

// Send implements district.Readings.
func (f *remoteFeed) Send(ctx context.Context, r district.Reading) error {
	if f.waiting == nil {
		f.waiting = map[string][]feedReading{}
	}
	var message struct {
		At  time.Time          `json:"at"`
		Seq uint64             `json:"seq"`
		V   map[string]float64 `json:"v"`
	}
	if err := json.Unmarshal(r.Payload(), &message); err != nil {
		return err
	}
	for metric, v := range message.V {
		f.waiting[r.Device.ID] = append(f.waiting[r.Device.ID], feedReading{metric, message.At, v, strconv.FormatUint(message.Seq, 10)})
		f.rows++
	}
	if f.rows < flushRows && time.Since(f.flushed) < flushAge {
		return nil
	}
	return f.flush(ctx)
}

// flush posts what waits. A device whose readings were taken waits no more, so a repeat after an error doubles nothing.
func (f *remoteFeed) flush(ctx context.Context) error {
	for id, rs := range f.waiting {
		body, err := json.Marshal(map[string]any{"readings": rs})
		if err != nil {
			return err
		}
		resp, err := f.remote.post(ctx, "/v1/devices/"+id+"/readings", "application/json", bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("send readings of %s: %w", id, err)
		}
		resp.Body.Close()
		f.readings += len(rs)
		delete(f.waiting, id)
	}
	f.rows, f.flushed = 0, time.Now()
	return nil
}

// eventColumns are those of the mappings events-*.
var eventColumns = []string{"source_id", "at", "class", "title", "text", "street", "grid", "address", "longitude", "latitude", "contact"}

// Put implements district.EventSink.
func (f *remoteFeed) Put(ctx context.Context, events []district.Event) error {
	bySource := map[string][]district.Event{}
	for _, e := range events {
		bySource[e.Source] = append(bySource[e.Source], e)
	}
	for source, es := range bySource {
		if err := f.importEvents(ctx, source, es); err != nil {
			return err
		}
		f.events += len(es)
	}
	return nil
}

func (f *remoteFeed) importEvents(ctx context.Context, source string, es []district.Event) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(eventColumns) // a bytes.Buffer takes everything
	for _, e := range es {
		_ = w.Write([]string{e.SourceID, e.At.Format(time.RFC3339Nano), e.Class, e.Title, e.Text, e.Street, e.Grid, e.Address,
			degrees(e.Longitude), degrees(e.Latitude), e.Contact})
	}
	w.Flush()
	resp, err := f.remote.post(ctx, "/v1/imports?mapping=events-"+source+"&name=simulated-"+source+".csv", "text/csv", &b)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body) // the answer ends when the import does
	return err
}

// degrees leaves out the place of an event that nobody placed.
func degrees(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
