// Package codec reads the payloads that devices send. Each codec is a pure function of the payload and the moment it
// arrived; which one reads a device's payloads stands in the registry and is never guessed from the bytes. The package
// knows no device: whether a metric exists and a unit fits is for its caller.
package codec

import (
	"fmt"
	"strings"
	"time"
)

// The names of the codecs. The empty name is JSON.
const (
	JSON      = "json"
	SenML     = "senml" // RFC 8428, in JSON or CBOR
	CBOR      = "cbor"
	Plain     = "plain"
	Sparkplug = "sparkplug"
)

// Known tells whether there is a codec of that name.
func Known(name string) bool {
	switch name {
	case "", JSON, SenML, CBOR, Plain, Sparkplug:
		return true
	}
	return false
}

// MaxValues is the most values of one payload: half of a batch, so that no payload makes a batch much larger.
const MaxValues = 10_000

// Limits of what one payload may say.
const (
	maxMetrics = 64 // of one object; a device has no more
	maxDepth   = 16 // of what is read over
)

// Value is one observation as a payload tells it.
type Value struct {
	Device  string    // whose it is; empty when the payload does not say
	Metric  string    // empty: the device's only one
	At      time.Time // UTC, to the millisecond
	Seq     uint64
	Value   float64
	Unit    string // UCUM; empty when the payload does not say
	Refused string // why there is no value; empty when there is one
}

// Broken says where a payload is wrong. Nothing of a broken payload is used.
type Broken struct{ Field, Reason string }

// Decode reads a payload by the codec of that name and appends its values to into, in the order of the payload. Times
// that the payload leaves to the receiver are counted from arrival.
func Decode(name string, payload []byte, arrival time.Time, into []Value) ([]Value, *Broken) {
	switch name {
	case "", JSON:
		return decodeJSON(payload, into)
	case SenML:
		return decodeSenML(payload, arrival, into)
	case CBOR:
		return decodeCBOR(payload, into)
	case Plain:
		return decodePlain(payload, arrival, into)
	case Sparkplug:
		return decodeSparkplug(payload, arrival, into)
	}
	return into, &Broken{"codec", fmt.Sprintf("there is no codec %q", clip(name))}
}

func tooMany(field string) *Broken {
	return &Broken{field, fmt.Sprintf("a payload has at most %d values", MaxValues)}
}

// clip shortens what is quoted of a payload, and makes an empty name visible.
func clip(s string) string {
	const most = 64
	switch {
	case s == "":
		return `""`
	case len(s) <= most:
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// moment is how a time is kept: what the store's column holds.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
