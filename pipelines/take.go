package pipelines

import (
	"context"
	"fmt"
	"time"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/codec"
)

// Row is one value of a request, or one part of it that could not be read.
type Row struct {
	Line   int    // of the request, or the value's number in a pack; 1-based
	Raw    string // what was sent, for dead letters; empty shows the value
	Value  codec.Value
	Broken *codec.Broken // nil when there is a value
}

// Refusal says why a row of a request is not stored. It is in dead letters too.
type Refusal struct {
	Line   int    `json:"line"`
	Device string `json:"device,omitempty"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// Take stores the rows of devices that lookup knows: all of sender alone, or of whom each row names when sender is empty.
// It returns when the store has them and the dead letters of those it refuses; on an error, which is lookup's too, the
// caller sends all again.
func (s *Direct) Take(ctx context.Context, lookup sensors.Lookup, sender plinth.DeviceID, rows []Row) (int, []Refusal, error) {
	if p, paused := s.Gates.Paused(HTTPID); paused {
		return 0, nil, plinth.Errorf(plinth.ErrUnavailable, "the pipeline of readings by HTTP is paused by %s: %s; send them again later", p.Name, p.Why)
	}
	now, rules := s.Now(), s.Gates.Rules(HTTPID)
	good := make([]sensors.Reading, 0, len(rows))
	var refused []Refusal
	var dead []DeadLetter
	for i := range rows {
		r, fault, err := rows[i].reading(lookup, sender, rules)
		if err != nil {
			return 0, nil, err
		}
		if fault == nil {
			r.RX = now
			good = append(good, r)
			continue
		}
		refused = append(refused, Refusal{rows[i].Line, string(fault.Device), fault.Field, fault.Reason})
		dead = append(dead, DeadLetter{At: now, Source: clip("http/"+string(fault.Device), maxLabel), Row: uint64(rows[i].Line),
			Pipeline: HTTPID, Device: fault.Device, Field: clip(fault.Field, maxLabel), Reason: clip(fault.Reason, 1000), Payload: clip(rows[i].raw(), MaxDeadPayload)})
	}
	s.judge(lookup, good)
	if err := s.insert(ctx, good, dead); err != nil {
		return 0, nil, err
	}
	s.Meter.Direct(HTTPID, len(good), len(dead))
	s.Meter.Tell(HTTPID, good)
	if s.Feed != nil {
		s.Feed.readings(good)
	}
	return len(good), refused, nil
}

func (r *Row) raw() string {
	if r.Raw != "" {
		return r.Raw
	}
	v := r.Value
	return fmt.Sprintf("device=%q metric=%q at=%s seq=%d value=%v unit=%q", v.Device, v.Metric, v.At.Format(time.RFC3339Nano), v.Seq,
		v.Value, v.Unit)
}

func (r *Row) reading(lookup sensors.Lookup, sender plinth.DeviceID, rules *Rules) (sensors.Reading, *sensors.Fault, error) {
	if r.Broken != nil {
		return sensors.Reading{}, &sensors.Fault{Device: sender, Field: r.Broken.Field, Reason: r.Broken.Reason}, nil
	}
	id := sender
	if id == "" {
		id = plinth.DeviceID(r.Value.Device)
	}
	if id == "" {
		return sensors.Reading{}, &sensors.Fault{Field: "device", Reason: "the row names no device"}, nil
	}
	d, err := lookup(id)
	if err != nil {
		return sensors.Reading{}, nil, err
	}
	if d == nil {
		return sensors.Reading{}, &sensors.Fault{Field: "device", Reason: fmt.Sprintf("the device %q is not registered", clip(string(id), 64))}, nil
	}
	if reason := d.Refuses(); reason != "" {
		return sensors.Reading{}, &sensors.Fault{Device: d.ID, Field: "device", Reason: reason}, nil
	}
	out, fault := d.Reading(&r.Value)
	if fault == nil {
		fault = rules.Reading(d, &out)
	}
	return out, fault, nil
}

// judge flags rs, device by device in their order.
func (s *Direct) judge(lookup sensors.Lookup, rs []sensors.Reading) {
	for from := 0; from < len(rs); {
		to := from + 1
		for to < len(rs) && rs[to].Device == rs[from].Device {
			to++
		}
		if d, err := lookup(rs[from].Device); err == nil && d != nil {
			s.Watch.Judge(d, rs[from:to])
		}
		from = to
	}
}
