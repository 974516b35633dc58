package district

import (
	"context"
	"log/slog"
	"time"
)

// Readings takes what devices send. Send returns when the message is in the sender's keeping: it is then delivered
// sooner or later, in order per device. It may block, which slows the district down. An error means the message was
// not taken.
type Readings interface {
	Send(ctx context.Context, r Reading) error
}

// EventSink takes events. Put returns when all of them are stored; after an error they may be put again.
type EventSink interface {
	Put(ctx context.Context, events []Event) error
}

// Sinks are where a feed goes. A nil sink drops its part.
type Sinks struct {
	Readings Readings
	Events   EventSink
	Log      *slog.Logger
}

// Feed sends everything from the configured start until the moment to, or for ever when to is zero, in simulated time
// that runs speed times as fast as the clock: 1 is live, 0 is as fast as the sinks take it. What a sink refuses is
// offered again until it takes it or ctx ends; nothing is left out. It returns nil at the end and ctx's error before.
func (d *District) Feed(ctx context.Context, s Sinks, to time.Time, speed float64) error {
	if to.IsZero() {
		to = d.cfg.Start.AddDate(100, 0, 0)
	}
	pace := newPace(d.cfg.Start, speed)
	for m := range d.Between(d.cfg.Start, to) {
		if err := pace.wait(ctx, m.At); err != nil {
			return err
		}
		if err := s.deliver(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (s Sinks) deliver(ctx context.Context, m Message) error {
	switch {
	case m.Reading != nil && s.Readings != nil:
		return s.insist(ctx, "reading", func() error { return s.Readings.Send(ctx, *m.Reading) })
	case m.Event != nil && s.Events != nil:
		return s.insist(ctx, "event", func() error { return s.Events.Put(ctx, []Event{*m.Event}) })
	}
	return ctx.Err()
}

// insist repeats an attempt with growing pauses until it succeeds or ctx ends.
func (s Sinks) insist(ctx context.Context, what string, try func() error) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.Log != nil {
			s.Log.WarnContext(ctx, "district feed offers again", "what", what, "pause", pause, "error", err)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// pace maps simulated time to the clock.
type pace struct {
	start time.Time
	began time.Time
	speed float64
}

func newPace(start time.Time, speed float64) *pace {
	return &pace{start: start, began: time.Now(), speed: speed}
}

// wait sleeps until a simulated moment is due.
func (p *pace) wait(ctx context.Context, at time.Time) error {
	if p.speed <= 0 {
		return ctx.Err()
	}
	due := p.began.Add(time.Duration(float64(at.Sub(p.start)) / p.speed))
	return sleep(ctx, time.Until(due))
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
