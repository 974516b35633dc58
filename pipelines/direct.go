package pipelines

import (
	"context"
	"fmt"
	"time"

	"plinth"
	"plinth/sensors"
)

// Direct stores readings that come by HTTP, while the caller waits.
type Direct struct {
	Watch    *sensors.Watch
	Sink     Sink
	Follower Follower // nil when nobody decides on them
	Feed     *Feed
	Meter    *Meter
	Gates    *Gates // nil lets all through
	Now      func() time.Time
}

// Store stores d's readings and returns a fault for each that went to dead letters. It returns when the store has both;
// on an error the caller sends all of them again.
func (s *Direct) Store(ctx context.Context, d *sensors.Device, rs []sensors.Reading) ([]sensors.Fault, error) {
	if p, paused := s.Gates.Paused(HTTPID); paused {
		return nil, plinth.Errorf(plinth.ErrUnavailable, "the pipeline of readings by HTTP is paused by %s: %s; send them again later", p.Name, p.Why)
	}
	now := s.Now()
	var good []sensors.Reading
	var dead []DeadLetter
	var faults []sensors.Fault
	for i, r := range rs {
		r.Device, r.RX = d.ID, now
		r.At = r.At.UTC().Truncate(time.Millisecond)
		f := sensors.Check(d, r)
		if f == nil {
			f = s.Gates.Rules(HTTPID).Reading(d, &r)
		}
		if f == nil {
			good = append(good, r)
			continue
		}
		f.Field = fmt.Sprintf("readings[%d].%s", i, f.Field)
		faults = append(faults, *f)
		dead = append(dead, DeadLetter{At: now, Source: "http/" + string(d.ID), Pipeline: HTTPID, Device: d.ID, Field: f.Field, Reason: f.Reason,
			Payload: clip(fmt.Sprintf("metric=%q at=%s seq=%d value=%v", r.Metric, r.At.Format(time.RFC3339Nano), r.Seq, r.Value),
				MaxDeadPayload)})
	}
	s.Watch.Judge(d, good)
	if err := s.insert(ctx, good, dead); err != nil {
		return nil, err
	}
	s.Meter.Direct(HTTPID, len(good), len(dead))
	s.Meter.Tell(HTTPID, good)
	if s.Feed != nil {
		s.Feed.readings(good)
	}
	return faults, nil
}

func (s *Direct) insert(ctx context.Context, good []sensors.Reading, dead []DeadLetter) error {
	ctx, cancel := context.WithTimeout(ctx, InsertTimeout)
	defer cancel()
	if len(good) > 0 {
		if err := s.Sink.InsertReadings(ctx, good); err != nil {
			return unavailable(err)
		}
	}
	if err := follow(ctx, s.Follower, good); err != nil {
		return unavailable(err)
	}
	if len(dead) > 0 {
		if err := s.Sink.InsertDeadLetters(ctx, dead); err != nil {
			return unavailable(err)
		}
	}
	return nil
}

func unavailable(err error) error {
	return plinth.Errorf(plinth.ErrUnavailable, "the store did not take the readings, send them again").Because(err)
}
