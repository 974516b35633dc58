package pipelines

import (
	"context"
	"errors"

	"plinth"
	"plinth/sensors"
)

// Decision is what a Decider wants told; only the Decider looks inside.
type Decision = any

// Decider decides on readings as they arrive, such as whether to raise an alarm. Nothing it decides leaves the house
// before the readings it rests on are stored.
type Decider interface {
	// Decide sees the judged readings of one message of d, in order of arrival, and returns what must be told once they
	// are stored. A redelivered message is seen again. Domains call it at the same time, one device by one domain alone.
	Decide(d *sensors.Device, rs []sensors.Reading) []Decision
	// Tell stores decisions. It is called when their readings are stored and before the messages are acknowledged, it is
	// durable when it returns, and telling a decision again changes nothing. ErrInvalid means that ds can never be told;
	// after any other error it is called again.
	Tell(ctx context.Context, ds []Decision) error
}

// Follower hears of readings that did not come by a stream: by HTTP, from a file, or by a replay.
type Follower interface {
	// Stored is called when judged readings are in the store and before their sender hears so; it must not keep them. When
	// it returns, whoever decides on their devices will see them, whatever dies then. After an error it is called again
	// with them, now or when the sender sends them again; seeing them twice changes nothing.
	Stored(ctx context.Context, rs []sensors.Reading) error
}

// follow lets f, if there is one, hear of stored readings.
func follow(ctx context.Context, f Follower, rs []sensors.Reading) error {
	if f == nil || len(rs) == 0 {
		return nil
	}
	return f.Stored(ctx, rs)
}

// tell has ds told, however long it takes. Decisions that can never be told must not hold up the readings.
func (s *Stream) tell(ctx context.Context, ds []Decision) error {
	if len(ds) == 0 {
		return nil
	}
	err := s.persist(ctx, "decisions", func(ctx context.Context) error { return s.Decider.Tell(ctx, ds) })
	if errors.Is(err, plinth.ErrInvalid) {
		s.Log.ErrorContext(ctx, "decisions refused for good", "domain", s.Domain, "n", len(ds), "err", err)
		return nil
	}
	return err
}
