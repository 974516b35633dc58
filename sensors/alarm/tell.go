package alarm

import (
	"context"
	"time"
)

// Teller writes decisions down. A method's change is durable, with its ledger record, when it returns; ErrUnavailable is
// worth another try.
type Teller interface {
	// Tell writes those of ds that were not written before, all or none, and returns the alarms that changed, as they
	// stand. now is when they are told.
	Tell(ctx context.Context, ds []Decision, now time.Time) ([]Alarm, error)
	// EventsDue returns alarms whose event has not been stored since they were raised, rose in grade, were withdrawn or
	// handled, oldest first.
	EventsDue(ctx context.Context, limit int) ([]Alarm, error)
	// EventsDone notes that the events of alarms, as they were read, are stored.
	EventsDone(ctx context.Context, as []Alarm) error
}
