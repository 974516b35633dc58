package sensors

import (
	"fmt"
	"strings"
	"time"

	"plinth"
	"plinth/sensors/codec"
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

// Lookup finds a device by its id, or returns nil when there is none; an error means that this is not known now. It must
// be fast: it is called for every message.
type Lookup func(plinth.DeviceID) (*Device, error)

// Decode reads one message, which arrived at a moment, by the codec of its device. It returns the readings that can be
// stored, unflagged, and a fault for each part that cannot; a message that is no message at all has one fault and no
// readings. The error is lookup's: then nothing is known of the message.
func Decode(topic string, payload []byte, arrival time.Time, lookup Lookup) (*Device, []Reading, []Fault, error) {
	d, fault, err := addressee(topic, lookup)
	if err != nil {
		return nil, nil, nil, err
	}
	if fault != nil {
		return nil, nil, []Fault{*fault}, nil
	}
	rs, faults := d.read(payload, arrival)
	return d, rs, faults, nil
}

// read reads a message of d.
func (d *Device) read(payload []byte, arrival time.Time) ([]Reading, []Fault) {
	if len(payload) > MaxPayload {
		return nil, []Fault{{Device: d.ID, Field: "payload",
			Reason: fmt.Sprintf("a message has at most %d bytes, this has %d", MaxPayload, len(payload))}}
	}
	var few [8]codec.Value // most messages have no more
	vs, bad := codec.Decode(d.Codec, payload, arrival, few[:0])
	if bad != nil {
		return nil, []Fault{{Device: d.ID, Field: bad.Field, Reason: bad.Reason}}
	}
	rs := make([]Reading, 0, len(vs))
	var faults []Fault
	for i := range vs {
		r, fault := d.Reading(&vs[i])
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		rs = append(rs, r)
	}
	return rs, faults
}

// addressee finds the device that the topic names: plinth/v1/<kind>/<device>/data, or with the partition of a domain that
// is split, plinth/v1/<kind>/p<NN>/<device>/data.
func addressee(topic string, lookup Lookup) (*Device, *Fault, error) {
	kind, id, fault := levels(topic)
	if fault != nil {
		return nil, fault, nil
	}
	d, err := lookup(id)
	switch {
	case err != nil:
		return nil, nil, err
	case d == nil:
		return nil, &Fault{Field: "topic", Reason: fmt.Sprintf("the device %q is not registered", clip(string(id), 64))}, nil
	case d.Kind != kind:
		return nil, &Fault{Device: d.ID, Field: "topic", Reason: fmt.Sprintf("the device is a %s, not a %q", d.Kind, clip(kind, 32))}, nil
	}
	if reason := d.Refuses(); reason != "" {
		return nil, &Fault{Device: d.ID, Field: "topic", Reason: reason}, nil
	}
	return d, nil, nil
}

// levels are the kind and the device that a topic names.
func levels(topic string) (kind string, device plinth.DeviceID, f *Fault) {
	if len(topic) > maxTopic {
		return "", "", &Fault{Field: "topic", Reason: fmt.Sprintf("a topic has at most %d bytes", maxTopic)}
	}
	rest, ok := strings.CutPrefix(topic, "plinth/v1/")
	kind, rest, ok2 := strings.Cut(rest, "/")
	id, tail, ok3 := strings.Cut(rest, "/")
	if within, data, ok := strings.Cut(tail, "/"); ok && partition(id) {
		id, tail = within, data
	}
	if !ok || !ok2 || !ok3 || tail != "data" {
		return "", "", &Fault{Field: "topic", Reason: "the topic is not plinth/v1/<kind>/<device>/data"}
	}
	return kind, plinth.DeviceID(id), nil
}

// partition tells whether a level of a topic is that of a partition, p00 to p99. A wrong one does no harm: the device is
// known by its own level.
func partition(level string) bool {
	return len(level) == 3 && level[0] == 'p' && level[1] >= '0' && level[1] <= '9' && level[2] >= '0' && level[2] <= '9'
}

func unstorable(at time.Time) string {
	if at.Before(firstInstant) || !at.Before(lastInstant) {
		return fmt.Sprintf("the time %s lies outside 1970 to 2260", at.Format(time.RFC3339))
	}
	return ""
}

// Reading makes the reading of a value that d sent, in the unit of the registry, or says why it cannot be stored.
func (d *Device) Reading(v *codec.Value) (Reading, *Fault) {
	if v.Device != "" && v.Device != string(d.ID) {
		return Reading{}, &Fault{Device: d.ID, Field: "device", Reason: fmt.Sprintf("it says that it is %q", clip(v.Device, 64))}
	}
	name := v.Metric
	if name == "" && len(d.Metrics) == 1 {
		name = d.Metrics[0].Name
	}
	metric, ok := d.Metric(name)
	switch {
	case !ok && v.Metric == "":
		return Reading{}, &Fault{Device: d.ID, Field: "payload", Reason: "a value alone is for a device with one metric"}
	case !ok:
		return Reading{}, &Fault{Device: d.ID, Field: "v." + clip(v.Metric, 64), Reason: "the device has no such metric"}
	case v.Refused != "":
		return Reading{}, &Fault{Device: d.ID, Field: "v." + clip(v.Metric, 64), Reason: v.Refused}
	}
	if reason := unstorable(v.At); reason != "" {
		return Reading{}, &Fault{Device: d.ID, Field: "at", Reason: reason}
	}
	value := v.Value
	if v.Unit != "" && v.Unit != metric.Unit {
		if value, ok = codec.Convert(value, v.Unit, metric.Unit); !ok || !finite(value) {
			return Reading{}, &Fault{Device: d.ID, Field: "unit", Reason: fmt.Sprintf("%s is measured in %s, and %q is no scale of it",
				metric.Name, metric.Unit, clip(v.Unit, 32))}
		}
	}
	return Reading{Device: d.ID, Metric: metric.Name, At: v.At, Seq: v.Seq, Value: value}, nil
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
