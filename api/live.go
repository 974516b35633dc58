package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/pipelines"
	"plinth/sensors"
)

// Times of a live stream.
const (
	heartbeat   = 15 * time.Second
	slowLooker  = 10 * time.Second // a client that takes nothing for so long is cut off
	lostTooMuch = 1000
)

// NewLiveRoute is GET /v1/live: server-sent events "reading" (a sample; with ?device=ID all of that device, for those who
// may read its series; values of a device are for those whom its privacy admits), "ingest" (rates each second), "alert", "alarm" (an alarm that changed, for those who may list
// alarms), and "lost" when the client is too slow and has missed some; one that misses very many is cut off and may come
// again.
func NewLiveRoute(feed *pipelines.Feed, device func(plinth.DeviceID) *sensors.Device) Route {
	return Route{Method: http.MethodGet, Pattern: "/v1/live", Roles: people,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveLive(w, r, feed, device) })}
}

// people are all roles but the device's.
var people = []plinth.Role{steward, registrar, provider, department, analyst, auditor, officer, operator}

// onlooker is who looks at the stream, and at which devices it may.
type onlooker struct {
	plinth.Principal
	device func(plinth.DeviceID) *sensors.Device
}

// mayWatch keeps every reading of one device for those who may read its series.
func (o onlooker) mayWatch(id plinth.DeviceID) error {
	if id == "" {
		return nil
	}
	if err := o.Need(access[pb.SensorService_ListReadings_FullMethodName].Roles...); err != nil {
		return err
	}
	d := o.device(id)
	if d == nil {
		return plinth.Errorf(plinth.ErrNotFound, "there is no device %.64q", id)
	}
	return d.MayShow(o.Principal)
}

// sees is what the looker may see of news; nil is nothing.
func (o onlooker) sees(n pipelines.News) any {
	switch data := n.Data.(type) {
	case pipelines.Shown:
		if d := o.device(plinth.DeviceID(data.Device)); d == nil || !d.Shows(o.Principal) {
			return nil
		}
	case alarmNews:
		if !o.Has(access[pb.AlarmService_ListAlarms_FullMethodName].Roles...) {
			return nil
		}
		return data.shown(o)
	}
	return n.Data
}

func serveLive(w http.ResponseWriter, r *http.Request, feed *pipelines.Feed, devices func(plinth.DeviceID) *sensors.Device) {
	device := plinth.DeviceID(r.URL.Query().Get("device"))
	who := onlooker{plinth.PrincipalFrom(r.Context()), devices}
	if err := who.mayWatch(device); err != nil {
		WriteError(w, r, err)
		return
	}
	looker := feed.Look(device)
	defer looker.Close()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	s := &events{w: w, control: http.NewResponseController(w)}
	if s.comment("live") != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	lost := 0
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			err = s.comment("beat")
		case n := <-looker.C:
			if data := who.sees(n); data != nil {
				err = s.send(n.Event, data)
			}
		}
		if n := looker.Lost(); n > 0 && err == nil {
			lost += n
			err = s.send("lost", map[string]int{"count": n})
		}
		if err != nil || lost > lostTooMuch {
			return
		}
	}
}

// events writes server-sent events (WHATWG HTML §9.2).
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s *events) send(name string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return nil // what cannot be shown is left out
	}
	return s.write("event: %s\ndata: %s\n\n", name, raw)
}

func (s *events) comment(text string) error { return s.write(": %s\n\n", text) }

func (s *events) write(format string, args ...any) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(slowLooker)) // not every writer has deadlines
	if _, err := fmt.Fprintf(s.w, format, args...); err != nil {
		return err
	}
	return s.control.Flush()
}
