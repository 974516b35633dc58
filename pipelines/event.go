// Package pipelines says how data moves: batches from the doors to the store, dead letters, imports of files by mapping,
// runs and their counts, and the device segments that become evidence. It stores nothing itself.
package pipelines

import (
	"context"
	"fmt"
	"maps"
	"time"
	"unicode/utf8"

	"plinth"
	"plinth/sensors"
)

// Event is something that happened and was told by a person or a machine: a hotline ticket, a grid report, a camera hit.
// Source and SourceID are its identity.
type Event struct {
	Source    string // "hotline", "grid", "camera", "sensor", "open311", or a mapping's
	SourceID  string
	At        time.Time
	Class     string
	Title     string
	Text      string
	Street    string
	Grid      string
	Address   string
	Longitude float64
	Latitude  float64
	Contact   string // personal: masked wherever it is shown without a grant
	Attrs     map[string]string
	RX        time.Time // when it was inserted; the newest of one identity wins
}

// ID is the event's id: its source and its number there.
func (e Event) ID() string { return e.Source + "/" + e.SourceID }

// Same tells whether two records of one event say the same.
func (e Event) Same(o Event) bool {
	a, b := e.Attrs, o.Attrs
	e.Attrs, o.Attrs = nil, nil
	e.RX, o.RX = time.Time{}, time.Time{}
	e.At, o.At = e.At.UTC().Truncate(time.Millisecond), o.At.UTC().Truncate(time.Millisecond)
	return maps.Equal(a, b) && fmt.Sprint(e) == fmt.Sprint(o)
}

// Limits of an event's fields, in bytes.
const (
	maxID    = 200
	maxLabel = 200
	maxTitle = 2000
	maxBody  = 64 << 10
	maxAttrs = 64
)

// Validate tells what is wrong with e as ErrInvalid with the field.
func (e Event) Validate() error {
	for _, f := range []struct {
		name, text string
		max        int
		needed     bool
	}{
		{"source", e.Source, maxLabel, true}, {"source_id", e.SourceID, maxID, true}, {"class", e.Class, maxLabel, false},
		{"title", e.Title, maxTitle, false}, {"text", e.Text, maxBody, false}, {"street", e.Street, maxLabel, false},
		{"grid", e.Grid, maxLabel, false}, {"address", e.Address, maxTitle, false}, {"contact", e.Contact, maxLabel, false},
	} {
		switch {
		case f.needed && f.text == "":
			return plinth.Invalid(f.name, "it is empty")
		case len(f.text) > f.max:
			return plinth.Invalid(f.name, "it has more than %d bytes", f.max)
		case !utf8.ValidString(f.text):
			return plinth.Invalid(f.name, "it is not UTF-8")
		}
	}
	return e.validateRest()
}

func (e Event) validateRest() error {
	switch {
	case e.At.Year() < 1900 || e.At.Year() > 2200:
		return plinth.Invalid("at", "the year %d lies outside 1900 to 2200", e.At.Year())
	case !(e.Longitude >= -180 && e.Longitude <= 180):
		return plinth.Invalid("longitude", "it lies outside -180 to 180 degrees")
	case !(e.Latitude >= -90 && e.Latitude <= 90):
		return plinth.Invalid("latitude", "it lies outside -90 to 90 degrees")
	case len(e.Attrs) > maxAttrs:
		return plinth.Invalid("attrs", "there are more than %d", maxAttrs)
	}
	for k, v := range e.Attrs {
		if len(k) > maxLabel || len(v) > maxBody || !utf8.ValidString(k+v) {
			return plinth.Invalid("attrs", "a name has at most %d bytes, a value %d, both in UTF-8", maxLabel, maxBody)
		}
	}
	return nil
}

// DeadLetter is what could not be used, with the reason.
type DeadLetter struct {
	At      time.Time
	Source  string // a file's name or a topic
	Row     uint64 // 1-based; 0 for a message
	Field   string
	Reason  string
	Payload string // at most MaxDeadPayload of it, byte by byte as it came
	Run     plinth.RunID

	Pipeline string          // its id
	Device   plinth.DeviceID // empty when none is known
	Count    uint64          // inputs that it stands for, when only a sample was kept; 0 is one
	Size     uint64          // of the input; 0 when the payload is all of it
}

// MaxDeadPayload is how much of a dead letter's input is kept.
const MaxDeadPayload = 64 << 10

// Sink stores what moves. An insert is durable in the store when it returns nil, and is harmless when repeated: identity
// is in the rows. ErrInvalid means that a row can never be stored; any other error is worth another try. Many goroutines
// may use it.
type Sink interface {
	InsertReadings(ctx context.Context, rs []sensors.Reading) error
	InsertEvents(ctx context.Context, es []Event) error
	InsertDeadLetters(ctx context.Context, ds []DeadLetter) error
}
