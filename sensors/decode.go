package sensors

import (
	"fmt"
	"strings"
	"time"

	"plinth"
)

// Limits of a message.
const (
	MaxPayload = 64 << 10
	maxTopic   = 256
)

// The instants that can be stored. Outside a few years around now a reading is flagged Clock; outside these it goes to
// dead letters, since no column holds it.
var (
	firstInstant = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	lastInstant  = time.Date(2261, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Lookup finds a device by its id, or returns nil. It must be fast: it is called for every message.
type Lookup func(plinth.DeviceID) *Device

// Decode reads one message. It returns the readings that can be stored, unflagged, and a fault for each part that
// cannot; a message that is no message at all has one fault and no readings.
func Decode(topic string, payload []byte, lookup Lookup) (*Device, []Reading, []Fault) {
	d, fault := addressee(topic, lookup)
	if fault != nil {
		return nil, nil, []Fault{*fault}
	}
	if len(payload) > MaxPayload {
		return d, nil, []Fault{{Device: d.ID, Field: "payload",
			Reason: fmt.Sprintf("a message has at most %d bytes, this has %d", MaxPayload, len(payload))}}
	}
	m, err := parseMessage(payload)
	if err != nil {
		return d, nil, []Fault{{Device: d.ID, Field: err.field, Reason: err.reason}}
	}
	if reason := unstorable(m.at); reason != "" {
		return d, nil, []Fault{{Device: d.ID, Field: "at", Reason: reason}}
	}
	return readings(d, m)
}

// addressee finds the device that the topic plinth/v1/<kind>/<device>/data names.
func addressee(topic string, lookup Lookup) (*Device, *Fault) {
	if len(topic) > maxTopic {
		return nil, &Fault{Field: "topic", Reason: fmt.Sprintf("a topic has at most %d bytes", maxTopic)}
	}
	rest, ok := strings.CutPrefix(topic, "plinth/v1/")
	kind, rest, ok2 := strings.Cut(rest, "/")
	id, tail, ok3 := strings.Cut(rest, "/")
	if !ok || !ok2 || !ok3 || tail != "data" {
		return nil, &Fault{Field: "topic", Reason: "the topic is not plinth/v1/<kind>/<device>/data"}
	}
	d := lookup(plinth.DeviceID(id))
	if d == nil {
		return nil, &Fault{Field: "topic", Reason: fmt.Sprintf("the device %q is not registered", clip(id, 64))}
	}
	if d.Kind != kind {
		return nil, &Fault{Device: d.ID, Field: "topic", Reason: fmt.Sprintf("the device is a %s, not a %q", d.Kind, clip(kind, 32))}
	}
	if reason := d.Refuses(); reason != "" {
		return nil, &Fault{Device: d.ID, Field: "topic", Reason: reason}
	}
	return d, nil
}

func unstorable(at time.Time) string {
	if at.Before(firstInstant) || !at.Before(lastInstant) {
		return fmt.Sprintf("the time %s lies outside 1970 to 2260", at.Format(time.RFC3339))
	}
	return ""
}

func readings(d *Device, m message) (*Device, []Reading, []Fault) {
	rs := make([]Reading, 0, len(m.values))
	var faults []Fault
	for _, v := range m.values {
		metric, ok := d.Metric(v.name)
		if !ok {
			faults = append(faults, Fault{Device: d.ID, Field: "v." + clip(v.name, 64), Reason: "the device has no such metric"})
			continue
		}
		rs = append(rs, Reading{Device: d.ID, Metric: metric.Name, At: m.at, Seq: m.seq, Value: v.value})
	}
	return d, rs, faults
}

// Check tells whether a reading that came by another door than a message can be stored for d.
func Check(d *Device, r Reading) *Fault {
	if _, ok := d.Metric(r.Metric); !ok {
		return &Fault{Device: d.ID, Field: "metric", Reason: fmt.Sprintf("the device has no metric %q", clip(r.Metric, 64))}
	}
	if reason := d.Refuses(); reason != "" {
		return &Fault{Device: d.ID, Field: "device", Reason: reason}
	}
	if !finite(r.Value) {
		return &Fault{Device: d.ID, Field: "value", Reason: "the value is not a finite number"}
	}
	if reason := unstorable(r.At); reason != "" {
		return &Fault{Device: d.ID, Field: "at", Reason: reason}
	}
	return nil
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
