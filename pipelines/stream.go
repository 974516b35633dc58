package pipelines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"plinth"
	"plinth/sensors"
)

// Limits of a batch. A batch is inserted when it has MaxRows rows or is MaxAge old. A small one of a domain that is not
// urgent may wait longer: many tiny inserts cost the store more than they bring.
const (
	MaxRows   = 20_000
	MaxAge    = 100 * time.Millisecond
	smallRows = 200
	smallAge  = time.Second
)

// Stream moves one domain's messages to the store. It acknowledges a message when every row of it is stored; what cannot
// be stored goes to dead letters and is then acknowledged too. While the store is away it holds one batch and takes
// nothing more, so that the broker keeps the rest.
type Stream struct {
	Domain   string
	Urgent   bool // never wait for a larger batch
	Registry *sensors.Registry
	Watch    *sensors.Watch
	Sink     Sink
	Decider  Decider // nil decides nothing
	Feed     *Feed
	Meter    *Meter
	Run      plinth.RunID
	Now      func() time.Time
	Log      *slog.Logger
}

// batch is one insert.
type batch struct {
	messages []sensors.Message
	rows     []sensors.Reading
	dead     []DeadLetter
	told     []Decision
}

func (b *batch) size() int { return len(b.rows) + len(b.dead) }

// Move takes from in until it is closed or ctx ends. A batch in hand when ctx ends is given up unacknowledged.
func (s *Stream) Move(ctx context.Context, in <-chan sensors.Message) error {
	for {
		b, err := s.gather(ctx, in)
		if err != nil || len(b.messages) == 0 {
			return err
		}
		if err := s.deliver(ctx, b); err != nil {
			return err
		}
	}
}

// gather waits for a message and fills a batch. An empty batch means that in is closed.
func (s *Stream) gather(ctx context.Context, in <-chan sensors.Message) (*batch, error) {
	b := &batch{}
	var age <-chan time.Time
	began, more := time.Time{}, true
	for more && b.size() < MaxRows {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-age:
			if s.Urgent || b.size() >= smallRows || s.Now().Sub(began) >= smallAge {
				return b, nil
			}
			age = time.After(MaxAge)
		case m, ok := <-in:
			if more = ok; !ok {
				break
			}
			if age == nil {
				began, age = s.Now(), time.After(MaxAge)
			}
			s.decode(b, m)
		}
	}
	return b, nil
}

func (s *Stream) decode(b *batch, m sensors.Message) {
	b.messages = append(b.messages, m)
	d, rs, faults := sensors.Decode(m.Topic, m.Payload, s.Registry.Device)
	if len(rs) > 0 {
		s.Watch.Judge(d, rs)
		if s.Decider != nil {
			b.told = append(b.told, s.Decider.Decide(d, rs)...)
		}
		b.rows = append(b.rows, rs...)
	}
	for _, f := range faults {
		b.dead = append(b.dead, DeadLetter{Source: clip(m.Topic, maxLabel), Field: f.Field, Reason: f.Reason,
			Payload: clip(string(m.Payload), MaxDeadPayload), Run: s.Run})
	}
}

// deliver stores b, however long it takes, and acknowledges it.
func (s *Stream) deliver(ctx context.Context, b *batch) error {
	began := s.Now()
	if err := s.store(ctx, b); err != nil {
		return err
	}
	if err := s.tell(ctx, b.told); err != nil {
		return err
	}
	for _, m := range b.messages {
		m.Ack()
	}
	s.Meter.batch(s.Domain, b, s.Now().Sub(began))
	if s.Feed != nil {
		s.Feed.readings(b.rows)
	}
	return nil
}

// store inserts the rows, then the dead letters, each until it succeeds or ctx ends.
func (s *Stream) store(ctx context.Context, b *batch) error {
	poison, err := s.insertRows(ctx, b.rows)
	if err != nil {
		return err
	}
	b.dead = append(b.dead, poison...)
	if len(b.dead) == 0 {
		return nil
	}
	return s.persist(ctx, "dead letters", func(ctx context.Context) error {
		for i := range b.dead {
			b.dead[i].At = s.Now()
		}
		return s.Sink.InsertDeadLetters(ctx, b.dead)
	})
}

// insertRows inserts rs; when the store finds a row impossible it halves them until the row is alone, and returns it as
// a dead letter, so that one row cannot stall the rest.
func (s *Stream) insertRows(ctx context.Context, rs []sensors.Reading) ([]DeadLetter, error) {
	if len(rs) == 0 {
		return nil, nil
	}
	err := s.persist(ctx, "readings", func(ctx context.Context) error {
		now := s.Now() // the time of this attempt: segments rely on rx not being long before the row is there
		for i := range rs {
			rs[i].RX = now
		}
		return s.Sink.InsertReadings(ctx, rs)
	})
	if !errors.Is(err, plinth.ErrInvalid) {
		return nil, err
	}
	if len(rs) == 1 {
		r := rs[0]
		return []DeadLetter{{Source: clip("device/"+string(r.Device), maxLabel), Field: r.Metric, Reason: err.Error(),
			Payload: fmt.Sprintf("%+v", r), Run: s.Run}}, nil
	}
	first, err := s.insertRows(ctx, rs[:len(rs)/2])
	if err != nil {
		return nil, err
	}
	second, err := s.insertRows(ctx, rs[len(rs)/2:])
	return append(first, second...), err
}

// Pauses between attempts, and the time of one.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	// InsertTimeout bounds one insert; a row is visible at most this long after its rx.
	InsertTimeout = 10 * time.Second
)

// persist tries until insert succeeds, a row is impossible, or ctx ends.
func (s *Stream) persist(ctx context.Context, what string, insert func(context.Context) error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		attempt, cancel := context.WithTimeout(ctx, InsertTimeout)
		err := insert(attempt)
		cancel()
		if err == nil || errors.Is(err, plinth.ErrInvalid) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.Meter.retry(s.Domain)
		s.Log.WarnContext(ctx, "store away, the batch waits", "domain", s.Domain, "what", what, "pause", pause, "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
