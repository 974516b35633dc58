// Package sensors knows the devices and their messages: the registry, the decoding of payloads and the quality flags.
// It stores nothing itself and talks no protocol; sensors/mqtt is the door, pipelines moves the readings.
package sensors

import (
	"time"

	"plinth"
)

// Reading is one observation of one metric. Device, Metric, At and Seq are its identity.
type Reading struct {
	Device plinth.DeviceID
	Metric string
	At     time.Time // the device's clock, milliseconds
	Seq    uint64    // chosen by the device; tells readings of one instant apart
	Value  float64
	Flags  Flags
	RX     time.Time // when it was inserted; the newest of one identity wins
}

// Flags are doubts about a reading's quality. A doubtful reading is stored, never dropped.
type Flags uint16

// The flags. Their values are stored: never renumber.
const (
	Range   Flags = 1 << iota // outside the metric's limits
	Rate                      // changed faster than the metric can
	Stuck                     // equal for longer than the metric stays
	Spike                     // far from its neighbours (Hampel)
	Gap                       // the first after a silence of three intervals
	Clock                     // the device's clock is implausible
	Late                      // older than a reading seen before
	Flat                      // many readings within the instrument's resolution
	Step                      // the level has shifted
	Drift                     // lastingly apart from the device's twins
	Replay                    // a sequence number seen before, with other content
	Refused                   // stored, but the pipeline's present checks would not let it in; set by an applied replay alone
)

var flagNames = []string{"range", "rate", "stuck", "spike", "gap", "clock", "late", "flat", "step", "drift", "replay", "refused"}

// Names are the flags' names in fixed order.
func (f Flags) Names() []string {
	var out []string
	for i, name := range flagNames {
		if f&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// Message is what a device sent, as the door got it.
type Message struct {
	Topic   string
	Payload []byte
	Size    int // of the payload as it was sent; the door keeps MaxPayload bytes of it
}

// Parcel is messages that came together, in order of arrival. Ack tells the broker that all of them are stored; it may
// be called from any goroutine, and is called once. With more, another parcel's Ack follows at once.
type Parcel struct {
	Messages []Message
	Arrived  time.Time
	Ack      func(more bool)
}

// Fault says why something a device sent cannot be stored. It goes to dead letters.
type Fault struct {
	Device plinth.DeviceID // empty when not known
	Field  string
	Reason string
}
