package clickhouse

import "plinth/pipelines"

// Sink is where everything that moves is stored.
type Sink struct {
	*Readings
	*Events
	*DeadLetters
}

var _ pipelines.Sink = Sink{}

// NewSink returns the stores of db as one.
func NewSink(db *DB) Sink { return Sink{NewReadings(db), NewEvents(db), NewDeadLetters(db)} }
