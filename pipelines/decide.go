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
