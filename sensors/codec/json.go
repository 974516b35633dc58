package codec

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// decodeJSON reads {"at":"RFC 3339","seq":12,"v":{"ph":7.1,"do":6.2}}, an array of such, or the same in columns:
// {"at":["…","…"],"seq":[12,13],"v":{"ph":[7.1,7.2],"do":[6.2,null]}}. "device" may name the sender. Other fields are
// refused, and so is a key that is there twice: encoding/json would silently take the last.
func decodeJSON(payload []byte, into []Value) ([]Value, *Broken) {
	if !utf8.Valid(payload) {
		return into, &Broken{"payload", "the message is not UTF-8"}
	}
	p := parser{s: string(payload), base: len(into)} // one copy, of which all names and numbers are parts
	out, bad := p.messages(into)
	if bad != nil {
		return into, bad
	}
	if p.space() < len(p.s) {
		return into, &Broken{"payload", fmt.Sprintf("something follows the message at byte %d", p.i)}
	}
	return out, nil
}

func (p *parser) messages(into []Value) ([]Value, *Broken) {
	if p.next() != '[' {
		return p.message(into)
	}
	bad := p.array("payload", func(n int) (bad *Broken) {
		into, bad = p.message(into)
		return within(bad, n)
	})
	if bad == nil && len(into) == p.base {
		bad = &Broken{"payload", "there are no values"}
	}
	return into, bad
}

// The keys of a message, as bits.
const (
	hasAt = 1 << iota
	hasSeq
	hasV
	hasDevice
)

// messageKey returns the bit of a key that must be none of those seen.
func messageKey(key string, seen int) (bit int, bad *Broken) {
	switch key {
	case "at":
		bit = hasAt
	case "seq":
		bit = hasSeq
	case "v":
		bit = hasV
	case "device":
		bit = hasDevice
	default:
		return 0, &Broken{clip(key), "there is no such field"}
	}
	if seen&bit != 0 {
		return 0, &Broken{key, "the key is there twice"}
	}
	return bit, nil
}

// message reads one object. Its values are appended at once and get their time and number when the object ends, since
// keys come in any order.
func (p *parser) message(into []Value) ([]Value, *Broken) {
	var device string
	var at time.Time
	var seq uint64
	var c columns
	from, seen := len(into), 0
	bad := p.object("payload", func(key string) *Broken {
		bit, bad := messageKey(key, seen)
		if bad != nil {
			return bad
		}
		seen |= bit
		switch {
		case bit == hasDevice:
			device, bad = p.text("device")
		case bit == hasV:
			into, bad = p.values(into, &c)
		case p.next() == '[':
			bad = p.column(key, &c)
		case bit == hasAt:
			at, bad = p.instant()
		default:
			seq, bad = p.sequence()
		}
		return bad
	})
	switch {
	case bad != nil:
		return into, bad
	case seen&hasAt == 0:
		return into, &Broken{"at", "the time is missing"}
	case c.used:
		return c.rows(into, from, p.base, device, seen)
	case len(into) == from:
		return into, &Broken{"v", "there are no values"}
	}
	for i := from; i < len(into); i++ {
		into[i].Device, into[i].At, into[i].Seq = device, at, seq
	}
	return into, nil
}

// values reads the object of metrics: numbers, or columns of them.
func (p *parser) values(into []Value, c *columns) ([]Value, *Broken) {
	from := len(into)
	bad := p.object("v", func(key string) *Broken {
		twice := slices.ContainsFunc(into[from:], func(v Value) bool { return v.Metric == key }) || c.has(key)
		switch {
		case twice:
			return &Broken{"v." + clip(key), "the key is there twice"}
		case len(into)-from+len(c.metrics) == maxMetrics:
			return &Broken{"v", fmt.Sprintf("a message has at most %d values", maxMetrics)}
		case p.next() == '[':
			return p.metricColumn(key, c)
		}
		f, bad := p.float("v.", key)
		if bad == nil && len(into)-p.base >= MaxValues {
			return tooMany("v")
		}
		into = append(into, Value{Metric: key, Value: f})
		return bad
	})
	return into, bad
}

// parser reads JSON (RFC 8259) in one pass, without reflection: this is the busiest code there is.
type parser struct {
	s    string
	i    int
	base int // values that were there before the payload's
}

// space skips white space and returns the place after it.
func (p *parser) space() int {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\n' || p.s[p.i] == '\t' || p.s[p.i] == '\r') {
		p.i++
	}
	return p.i
}

// next looks at the next character after white space; 0 at the end.
func (p *parser) next() byte {
	if p.space() < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

// take consumes c, after white space, if it comes next.
func (p *parser) take(c byte) bool {
	if p.next() == c && p.i < len(p.s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expected(field, what string) *Broken {
	return &Broken{field, fmt.Sprintf("%s is expected at byte %d", what, p.i)}
}

// object reads an object and calls member at each value.
func (p *parser) object(field string, member func(key string) *Broken) *Broken {
	if !p.take('{') {
		return p.expected(field, "a JSON object")
	}
	if p.take('}') {
		return nil
	}
	for {
		key, bad := p.text(field)
		if bad != nil {
			return bad
		}
		if !p.take(':') {
			return p.expected(field, "a colon")
		}
		if bad := member(key); bad != nil {
			return bad
		}
		switch {
		case p.take(','):
		case p.take('}'):
			return nil
		default:
			return p.expected(field, "a comma or }")
		}
	}
}

// array reads an array and calls element at each value.
func (p *parser) array(field string, element func(n int) *Broken) *Broken {
	if !p.take('[') {
		return p.expected(field, "an array")
	}
	if p.take(']') {
		return nil
	}
	for n := 0; ; n++ {
		if bad := element(n); bad != nil {
			return bad
		}
		switch {
		case p.take(','):
		case p.take(']'):
			return nil
		default:
			return p.expected(field, "a comma or ]")
		}
	}
}

// text reads a string. Those with escapes, which are rare, go through encoding/json.
func (p *parser) text(field string) (string, *Broken) {
	if !p.take('"') {
		return "", p.expected(field, "a string")
	}
	start, escaped := p.i, false
	for ; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; {
		case c == '\\':
			escaped = true
			p.i++
		case c < ' ':
			return "", p.expected(field, "a string without control characters")
		case c == '"':
			p.i++
			if !escaped {
				return p.s[start : p.i-1], nil
			}
			var s string
			if err := json.Unmarshal([]byte(p.s[start-1:p.i]), &s); err != nil {
				return "", &Broken{field, "a string has an unknown escape"}
			}
			return s, nil
		}
	}
	return "", p.expected(field, "the end of a string")
}

func (p *parser) instant() (time.Time, *Broken) {
	s, bad := p.text("at")
	if bad != nil {
		return time.Time{}, bad
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, &Broken{"at", fmt.Sprintf("%q is not a time in RFC 3339", clip(s))}
	}
	return moment(t), nil
}

func (p *parser) sequence() (uint64, *Broken) {
	s := p.number()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || (len(s) > 1 && s[0] == '0') {
		return 0, &Broken{"seq", "the sequence is a whole number from 0 to 18446744073709551615"}
	}
	return n, nil
}

// float reads a finite number; prefix and key name the field.
func (p *parser) float(prefix, key string) (float64, *Broken) {
	s := p.number()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !jsonNumber(s) || math.IsInf(f, 0) {
		return 0, &Broken{prefix + clip(key), "the value is not a finite number"}
	}
	return f, nil
}

// number returns the run of characters that numbers are made of.
func (p *parser) number() string {
	start := p.space()
	for p.i < len(p.s) {
		c := p.s[p.i]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		p.i++
	}
	return p.s[start:p.i]
}

// jsonNumber tells whether s, which strconv takes for a number, is one by RFC 8259 §6 too.
func jsonNumber(s string) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if s[0] == '-' {
		i++
	}
	zero := i < len(s) && s[i] == '0'
	from := i
	if !digits() || (zero && i-from > 1) {
		return false
	}
	if i < len(s) && s[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		if i++; i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		return digits() && i == len(s)
	}
	return i == len(s)
}

// literal takes a word such as null if it comes next.
func (p *parser) literal(word string) bool {
	p.space()
	if len(p.s)-p.i >= len(word) && p.s[p.i:p.i+len(word)] == word {
		p.i += len(word)
		return true
	}
	return false
}

// skip reads over any value.
func (p *parser) skip(field string, depth int) *Broken {
	if depth > maxDepth {
		return &Broken{field, fmt.Sprintf("it is nested deeper than %d", maxDepth)}
	}
	switch c := p.next(); {
	case c == '{':
		return p.object(field, func(string) *Broken { return p.skip(field, depth+1) })
	case c == '[':
		return p.array(field, func(int) *Broken { return p.skip(field, depth+1) })
	case c == '"':
		_, bad := p.text(field)
		return bad
	case p.literal("true"), p.literal("false"), p.literal("null"):
		return nil
	}
	if s := p.number(); s == "" || !validNumber(s) {
		return p.expected(field, "a value")
	}
	return nil
}

func validNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && jsonNumber(s)
}
