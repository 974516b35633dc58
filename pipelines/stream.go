package pipelines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"plinth"
	"plinth/sensors"
)

// Limits of a batch. A batch is inserted when it has MaxRows rows or is MaxAge old, and the insert before it is done. Only
// an urgent domain's goes earlier, and a small one of another may wait longer: an insert costs the store tens of
// milliseconds whatever is in it.
const (
	MaxRows   = 50_000
	MaxAge    = 200 * time.Millisecond
	urgentAge = 100 * time.Millisecond
	smallRows = 200
	smallAge  = time.Second
)

// Stream moves one domain's messages to the store. It acknowledges a message when every row of it is stored; what cannot
// be stored goes to dead letters and is then acknowledged too. While one batch is inserted it fills the next, and takes
// nothing more when that is full, so that the broker keeps the rest. A message of a device of which the registry cannot
// tell now whether there is one waits unacknowledged, and the others go on.
type Stream struct {
	Domain   string
	Urgent   bool // never wait long for a larger batch
	Registry *sensors.Registry
	Watch    *sensors.Watch
	Sink     Sink
	Decider  Decider // nil decides nothing
	Feed     *Feed
	Meter    *Meter
	Gates    *Gates // nil lets all through
	Run      plinth.RunID
	Now      func() time.Time
	Log      *slog.Logger

	poison quota
	unsure unsure
	moved  *Meter // this stream alone; Meter may hold others of the domain. Nil until Record
}

// batch is one insert.
type batch struct {
	parcels  []sensors.Parcel
	messages int
	rows     []sensors.Reading
	dead     []DeadLetter
	folded   folds
	useless  int // what went to dead letters, kept whole or not
	told     []Decision
	began    time.Time
}

func (b *batch) empty() bool { return len(b.parcels) == 0 && b.size() == 0 }

func (b *batch) size() int { return len(b.rows) + len(b.dead) + len(b.folded) }

// Move takes from in until it is closed or ctx ends. What is in hand when ctx ends is given up unacknowledged.
func (s *Stream) Move(ctx context.Context, in <-chan sensors.Parcel) error {
	g, ctx := errgroup.WithContext(ctx)
	full := make(chan *batch)
	g.Go(func() error {
		defer close(full)
		return s.fill(ctx, in, full)
	})
	g.Go(func() error {
		for b := range full {
			// What is in hand when the pipeline is paused waits unacknowledged, and nothing more is taken.
			if err := s.Gates.Wait(ctx, s.Domain); err != nil {
				return err
			}
			if err := s.deliver(ctx, b); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

// fill makes batches of what comes and gives each away when it is due and the one before it is stored.
func (s *Stream) fill(ctx context.Context, in <-chan sensors.Parcel, full chan<- *batch) error {
	rows := 0 // of the last batch, as a guess for the next
	for {
		b := &batch{rows: make([]sensors.Reading, 0, rows+rows/4)}
		more, err := s.gather(ctx, b, in, full)
		if err != nil || !more {
			return err
		}
		rows = len(b.rows)
	}
}

// gather fills b and gives it away. It returns false when in is closed, nothing waits for the registry, and b, if anything
// is in it, is given away.
func (s *Stream) gather(ctx context.Context, b *batch, in <-chan sensors.Parcel, full chan<- *batch) (bool, error) {
	var age <-chan time.Time
	var due chan<- *batch // nil until b is due
	open := true
	for {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case due <- b:
			return open || s.unsure.any(), nil
		case <-age:
			if age = nil; s.due(b) {
				due = full
			} else {
				age = s.age()
			}
		case <-s.unsure.answered:
			s.settle(b)
		case p, ok := <-in:
			if ok {
				s.decode(b, p)
			} else {
				in, open = nil, false
			}
		}
		s.ask(ctx)
		if b.empty() {
			if !open && !s.unsure.any() {
				return false, nil
			}
			continue
		}
		if b.began.IsZero() {
			b.began, age = s.Now(), s.age()
		}
		if !open || b.size() >= MaxRows {
			in, due = nil, full
		}
	}
}

func (s *Stream) age() <-chan time.Time {
	if s.Urgent {
		return time.After(urgentAge)
	}
	return time.After(MaxAge)
}

func (s *Stream) due(b *batch) bool {
	return s.Urgent || b.size() >= smallRows || s.Now().Sub(b.began) >= smallAge
}

func (s *Stream) decode(b *batch, p sensors.Parcel) {
	s.read(b, parcelRest{p, p.Messages, s.Now()})
}

// decodeMessage reads a message into b. On an error, which is find's, nothing has happened.
func (s *Stream) decodeMessage(b *batch, m *sensors.Message, arrival time.Time, find sensors.Lookup) error {
	d, rs, faults, err := sensors.Decode(m.Topic, m.Payload, arrival, find)
	if err != nil {
		return err
	}
	if m.Size > len(m.Payload) {
		rs, faults = nil, []sensors.Fault{{Field: "payload",
			Reason: fmt.Sprintf("a message has at most %d bytes, this has %d", sensors.MaxPayload, m.Size)}}
	}
	if rules := s.Gates.Rules(s.Domain); rules != nil {
		rs, faults = rules.sift(d, rs, faults)
	}
	if len(rs) > 0 {
		s.Watch.Judge(d, rs)
		if s.Decider != nil {
			b.told = append(b.told, s.Decider.Decide(d, rs)...)
		}
		b.rows = append(b.rows, rs...)
	}
	for _, f := range faults {
		s.bury(b, d, m, f)
	}
	return nil
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
	for i, p := range b.parcels {
		p.Ack(i < len(b.parcels)-1)
	}
	s.Meter.batch(s.Domain, b, s.Now().Sub(began))
	if s.moved != nil {
		s.moved.batch(s.Domain, b, s.Now().Sub(began))
	}
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
	b.dead, b.useless = append(b.dead, poison...), b.useless+len(poison)
	b.dead = append(b.dead, b.folded.letters(s.Now(), s.Run, s.Domain)...)
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

// errLate is an insert that ended too long after its rx, since the process stood still meanwhile: who looks for new rows
// by their rx may have passed it, so the rows are inserted again with a new one.
var errLate = errors.New("the process stood still during the insert")

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
		err := s.Sink.InsertReadings(ctx, rs)
		if err == nil && s.Now().Sub(now) > InsertTimeout {
			return errLate
		}
		return err
	})
	if !errors.Is(err, plinth.ErrInvalid) {
		return nil, err
	}
	if len(rs) == 1 {
		r := rs[0]
		return []DeadLetter{{Source: clip("device/"+string(r.Device), maxLabel), Field: r.Metric, Reason: err.Error(),
			Payload: fmt.Sprintf("%+v", r), Run: s.Run, Pipeline: s.Domain, Device: r.Device}}, nil
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
	lastPause  = 2 * time.Second
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
