package pipelines

import (
	"context"
	"time"

	"plinth"
	"plinth/sensors"
)

// unsure are messages whose device may be registered or not: the registry does not know it, and could not be asked since
// they came. They wait unacknowledged, each device's in order. Their parcels keep their share of the door's budget, so that
// the broker keeps what is too much. (MQTT 3.1.1 §4.6 has a client acknowledge in order; brokers take it in any.)
type unsure struct {
	parcels  []parcelRest
	devices  map[plinth.DeviceID]struct{}
	answered chan struct{} // closed when the registry was asked; nil while it is not being asked
}

// parcelRest is a parcel with those of its messages that are not read yet.
type parcelRest struct {
	sensors.Parcel
	rest    []sensors.Message
	arrival time.Time
}

func (u *unsure) any() bool { return len(u.parcels) > 0 }

// find looks for a device without asking the store. A device that has messages waiting is not known before they are read.
func (s *Stream) find(id plinth.DeviceID, arrived time.Time) (*sensors.Device, error) {
	u := &s.unsure
	if _, waits := u.devices[id]; waits {
		return nil, plinth.ErrUnavailable
	}
	d, err := s.Registry.Find(id, arrived)
	if err != nil {
		if u.devices == nil {
			u.devices = map[plinth.DeviceID]struct{}{}
		}
		u.devices[id] = struct{}{}
	}
	return d, err
}

// read reads the rest of a parcel into b. The messages that cannot be read yet wait, and the parcel's acknowledgement with
// them.
func (s *Stream) read(b *batch, p parcelRest) {
	find := func(id plinth.DeviceID) (*sensors.Device, error) { return s.find(id, p.Arrived) }
	var waits []sensors.Message
	for i := range p.rest {
		if err := s.decodeMessage(b, &p.rest[i], p.arrival, find); err != nil {
			waits = append(waits, p.rest[i])
		}
	}
	if p.rest = waits; len(waits) > 0 {
		s.unsure.parcels = append(s.unsure.parcels, p)
		return
	}
	b.parcels = append(b.parcels, p.Parcel)
	b.messages += len(p.Messages)
}

// ask has the registry asked of what waits, however long it takes, unless it is being asked.
func (s *Stream) ask(ctx context.Context) {
	u := &s.unsure
	if !u.any() || u.answered != nil {
		return
	}
	newest, answered := u.parcels[len(u.parcels)-1].Arrived, make(chan struct{})
	u.answered = answered
	go func() {
		defer close(answered)
		// The error is ctx's: then the stream ends too.
		_ = s.persist(ctx, "new devices", func(ctx context.Context) error { return s.Registry.Ask(ctx, newest) })
	}()
}

// settle reads what waited into b, now that the registry was asked. What came since it was asked may wait again.
func (s *Stream) settle(b *batch) {
	waited := s.unsure.parcels
	s.unsure = unsure{}
	for _, p := range waited {
		s.read(b, p)
	}
}
