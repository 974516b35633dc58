package pipelines_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"plinth"
	"plinth/pipelines"
	"plinth/sensors"
)

// note is one thing that happened, in order.
type notes struct{ did []string }

func (n *notes) add(what string) { n.did = append(n.did, what) }

// noteSink stores nothing but notes.
type noteSink struct {
	pipelines.Sink
	*notes
}

func (s noteSink) InsertReadings(context.Context, []sensors.Reading) error {
	s.add("store")
	return nil
}

// noteDecider decides on everything and fails to tell with the given errors first.
type noteDecider struct {
	*notes
	fail []error
}

func (d *noteDecider) Decide(dev *sensors.Device, rs []sensors.Reading) []pipelines.Decision {
	d.add("decide " + string(dev.ID))
	return []pipelines.Decision{rs[0].Seq}
}

func (d *noteDecider) Tell(_ context.Context, ds []pipelines.Decision) error {
	d.add("tell")
	if len(d.fail) > 0 {
		err := d.fail[0]
		d.fail = d.fail[1:]
		return err
	}
	return nil
}

// shelf is a store of devices that are simply there.
type shelf struct {
	sensors.Store
	devices []sensors.Device
}

func (s shelf) Roll(_ context.Context, since string) (*sensors.Roll, error) {
	if since != "" {
		return nil, nil
	}
	return &sensors.Roll{Stamp: "1", Devices: slices.Clone(s.devices)}, nil
}

func TestADecisionIsToldAfterTheStoreAndBeforeTheAcknowledgement(t *testing.T) {
	for name, tt := range map[string]struct {
		fail []error
		want []string
	}{
		"at once": {nil, []string{"decide wq-1", "store", "tell", "ack"}},
		"again after a failure": {[]error{plinth.Errorf(plinth.ErrUnavailable, "away")},
			[]string{"decide wq-1", "store", "tell", "tell", "ack"}},
		"never": {[]error{plinth.Errorf(plinth.ErrInvalid, "no")}, []string{"decide wq-1", "store", "tell", "ack"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &notes{}
				d := sensors.Device{ID: "wq-1", Kind: "water_quality", Owner: "ecology", Interval: time.Second,
					Metrics: []sensors.Metric{{Name: "ph", Unit: "1"}, {Name: "do", Unit: "1"}}}
				log := slog.New(slog.DiscardHandler)
				registry, err := sensors.Open(t.Context(), shelf{devices: []sensors.Device{d}}, nil, log)
				if err != nil {
					t.Fatal(err)
				}
				s := &pipelines.Stream{Domain: d.Kind, Registry: registry, Watch: sensors.NewWatch(time.Now), Sink: noteSink{notes: n},
					Decider: &noteDecider{n, tt.fail}, Meter: &pipelines.Meter{}, Now: time.Now, Log: log}
				in := make(chan sensors.Parcel, 1)
				in <- sensors.Parcel{Messages: []sensors.Message{{Topic: d.Topic(), Payload: []byte(payload(1))}},
					Ack: func(bool) { n.add("ack") }}
				close(in)
				if err := s.Move(t.Context(), in); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(n.did, tt.want) {
					t.Errorf("did %q, want %q", n.did, tt.want)
				}
			})
		})
	}
}
