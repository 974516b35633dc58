package codec

import (
	"time"
	"unicode/utf8"
)

// decodePlain reads one number, for a device with one metric and no clock. Its moment is its arrival.
func decodePlain(payload []byte, arrival time.Time, into []Value) ([]Value, *Broken) {
	if !utf8.Valid(payload) {
		return into, &Broken{"payload", "the message is not UTF-8"}
	}
	p := parser{s: string(payload)}
	f, bad := p.float("", "payload")
	switch {
	case bad != nil:
		return into, bad
	case p.space() < len(p.s):
		return into, p.expected("payload", "nothing after the number")
	}
	return append(into, Value{At: moment(arrival), Value: f}), nil
}
