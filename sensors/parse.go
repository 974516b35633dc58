package sensors

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// message is the payload {"at":"RFC 3339","seq":12,"v":{"ph":7.1,"do":6.2}}. Other fields are refused, and so is a key
// that is there twice: encoding/json would silently take the last.
type message struct {
	at     time.Time
	seq    uint64
	values []value
}

type value struct {
	name  string
	value float64
}

// broken says where a payload is wrong.
type broken struct{ field, reason string }

func parseMessage(payload []byte) (message, *broken) {
	var m message
	if !utf8.Valid(payload) {
		return m, &broken{"payload", "the message is not UTF-8"}
	}
	p := parser{b: payload}
	var at, seq, v bool
	err := p.object("payload", func(key string) *broken {
		switch {
		case key == "at" && !at:
			at = true
			return p.instant(&m.at)
		case key == "seq" && !seq:
			seq = true
			return p.sequence(&m.seq)
		case key == "v" && !v:
			v = true
			return p.values(&m.values)
		case key == "at" || key == "seq" || key == "v":
			return &broken{key, "the key is there twice"}
		}
		return &broken{clip(key, 64), "there is no such field"}
	})
	switch {
	case err != nil:
		return m, err
	case p.space() < len(p.b):
		return m, &broken{"payload", fmt.Sprintf("something follows the message at byte %d", p.i)}
	case !at:
		return m, &broken{"at", "the time is missing"}
	case len(m.values) == 0:
		return m, &broken{"v", "there are no values"}
	}
	return m, nil
}

// parser reads the JSON (RFC 8259) of a message in one pass, without reflection: this is the busiest code there is.
type parser struct {
	b []byte
	i int
}

// space skips white space and returns the place after it.
func (p *parser) space() int {
	for p.i < len(p.b) && (p.b[p.i] == ' ' || p.b[p.i] == '\n' || p.b[p.i] == '\t' || p.b[p.i] == '\r') {
		p.i++
	}
	return p.i
}

// take consumes c, after white space, if it comes next.
func (p *parser) take(c byte) bool {
	if p.space() < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *parser) expected(field, what string) *broken {
	return &broken{field, fmt.Sprintf("%s is expected at byte %d", what, p.i)}
}

// object reads an object and calls member at each value.
func (p *parser) object(field string, member func(key string) *broken) *broken {
	if !p.take('{') {
		return p.expected(field, "a JSON object")
	}
	if p.take('}') {
		return nil
	}
	for {
		key, err := p.text(field)
		if err != nil {
			return err
		}
		if !p.take(':') {
			return p.expected(field, "a colon")
		}
		if err := member(key); err != nil {
			return err
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

// text reads a string. Those with escapes, which are rare, go through encoding/json.
func (p *parser) text(field string) (string, *broken) {
	if !p.take('"') {
		return "", p.expected(field, "a string")
	}
	start, escaped := p.i, false
	for ; p.i < len(p.b); p.i++ {
		switch c := p.b[p.i]; {
		case c == '\\':
			escaped = true
			p.i++
		case c < ' ':
			return "", p.expected(field, "a string without control characters")
		case c == '"':
			p.i++
			if !escaped {
				return string(p.b[start : p.i-1]), nil
			}
			var s string
			if err := json.Unmarshal(p.b[start-1:p.i], &s); err != nil {
				return "", &broken{field, "a string has an unknown escape"}
			}
			return s, nil
		}
	}
	return "", p.expected(field, "the end of a string")
}

func (p *parser) instant(at *time.Time) *broken {
	s, err := p.text("at")
	if err != nil {
		return err
	}
	t, bad := time.Parse(time.RFC3339Nano, s)
	if bad != nil {
		return &broken{"at", fmt.Sprintf("%q is not a time in RFC 3339", clip(s, 64))}
	}
	*at = t.UTC().Truncate(time.Millisecond)
	return nil
}

func (p *parser) sequence(seq *uint64) *broken {
	s := p.number()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || (len(s) > 1 && s[0] == '0') {
		return &broken{"seq", "the sequence is a whole number from 0 to 18446744073709551615"}
	}
	*seq = n
	return nil
}

func (p *parser) values(out *[]value) *broken {
	vs := make([]value, 0, 8)
	err := p.object("v", func(key string) *broken {
		for _, v := range vs {
			if v.name == key {
				return &broken{"v." + clip(key, 64), "the key is there twice"}
			}
		}
		if len(vs) == MaxMetrics {
			return &broken{"v", fmt.Sprintf("a message has at most %d values", MaxMetrics)}
		}
		s := p.number()
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !jsonNumber(s) || math.IsInf(f, 0) {
			return &broken{"v." + clip(key, 64), "the value is not a finite number"}
		}
		vs = append(vs, value{key, f})
		return nil
	})
	*out = vs
	return err
}

// number returns the run of characters that numbers are made of.
func (p *parser) number() string {
	start := p.space()
	for p.i < len(p.b) {
		c := p.b[p.i]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		p.i++
	}
	return string(p.b[start:p.i])
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
