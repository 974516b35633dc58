package district

import (
	"bytes"
	"container/heap"
	"encoding/json"
	"iter"
	"strconv"
	"time"
)

// Message is one thing that happens: a device speaks, or an event arrives. Exactly one of Reading and Event is set.
type Message struct {
	At      time.Time
	Reading *Reading
	Event   *Event
}

// Reading is what a device sends at one tick.
type Reading struct {
	Device Device
	At     time.Time
	Seq    uint64 // the tick's number since 1970; the same tick always has the same number
	Values []float64
}

// Payload is the MQTT message: {"at":"2026-11-24T08:00:00.000Z","seq":12,"v":{"ph":7.1}}.
func (r Reading) Payload() []byte {
	b := make([]byte, 0, 96)
	b = append(b, `{"at":"`...)
	b = r.At.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	b = append(b, `","seq":`...)
	b = strconv.AppendUint(b, r.Seq, 10)
	b = append(b, `,"v":{`...)
	for i, m := range r.Device.Metrics {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), m.Name...), `":`...)
		b = strconv.AppendFloat(b, round(r.Values[i], m.digits), 'f', -1, 64)
	}
	return append(b, "}}"...)
}

// Messages yields everything from the configured start until the moment to, ordered by time; at one moment events
// come before readings and readings by device. The same district yields the same bytes.
func (d *District) Messages(to time.Time) iter.Seq[Message] {
	return d.Between(d.cfg.Start, to)
}

// Between yields what happens from a moment until before another.
func (d *District) Between(from, to time.Time) iter.Seq[Message] {
	return func(yield func(Message) bool) {
		next, stop := iter.Pull(d.Events(from, to))
		defer stop()
		event, more := next()
		for r := range d.Readings(from, to) {
			for ; more && !event.At.After(r.At); event, more = next() {
				if !yield(Message{At: event.At, Event: &event}) {
					return
				}
			}
			if !yield(Message{At: r.At, Reading: &r}) {
				return
			}
		}
		for ; more; event, more = next() {
			if !yield(Message{At: event.At, Event: &event}) {
				return
			}
		}
	}
}

// Readings yields what the devices send from a moment until before another.
func (d *District) Readings(from, to time.Time) iter.Seq[Reading] {
	return func(yield func(Reading) bool) {
		queue := make(speakers, 0, len(d.devices))
		for i, dev := range d.devices {
			s := newSpeaker(d, i, dev, from)
			if s.at.Before(to) {
				queue = append(queue, s)
			}
		}
		heap.Init(&queue)
		for len(queue) > 0 {
			s := queue[0]
			if r, ok := s.speak(); ok && !yield(r) {
				return
			}
			s.advance()
			if s.at.Before(to) {
				heap.Fix(&queue, 0)
			} else {
				heap.Pop(&queue)
			}
		}
	}
}

// speaker is one device on its way through time.
type speaker struct {
	d     *District
	n     int
	dev   Device
	tick  int64
	phase time.Duration // within the interval, so that devices do not speak at once
	at    time.Time
	water water

	day      int64
	fault    Fault
	failing  bool // the day has a fault
	held     []float64
	effects  []effect
	happens  Happening
	eventful bool // the day has a happening
}

func newSpeaker(d *District, n int, dev Device, from time.Time) *speaker {
	s := &speaker{d: d, n: n, dev: dev, day: -1 << 62}
	s.phase = time.Duration(dev.seed % uint64(dev.Interval)).Truncate(time.Millisecond)
	s.tick = (from.UnixNano() - int64(s.phase)) / int64(dev.Interval)
	for s.at = s.moment(); s.at.Before(from); s.at = s.moment() {
		s.tick++
	}
	return s
}

func (s *speaker) moment() time.Time {
	return time.Unix(0, s.tick*int64(s.dev.Interval)+int64(s.phase)).UTC()
}

func (s *speaker) advance() {
	s.tick++
	s.at = s.moment()
}

// speak returns the tick's reading, or false when the device is silent.
func (s *speaker) speak() (Reading, bool) {
	if day := dayOf(s.at); day != s.day {
		s.day = day
		s.fault, s.failing = s.d.faultOf(s.dev, day)
		s.held = nil
		s.effects = s.d.effectsOn(s.dev, day)
		s.happens, s.eventful = happeningOf(s.dev, day)
	}
	values := s.d.sample(s.dev, s.tick, s.at, &s.water)
	if s.eventful && !s.happens.apply(s.dev, values, s.at) {
		return Reading{}, false
	}
	for _, e := range s.effects {
		e.apply(s.dev, values, s.at)
	}
	if s.failing && !s.at.Before(s.fault.From) && s.at.Before(s.fault.To) {
		if s.held == nil {
			s.held = s.d.heldAt(s.dev, s.fault.From)
		}
		if !s.fault.apply(s.dev, values, s.at, s.held) {
			return Reading{}, false
		}
	}
	for i, m := range s.dev.Metrics {
		values[i] = round(values[i], m.digits)
	}
	return Reading{Device: s.dev, At: s.at, Seq: uint64(s.tick), Values: values}, true
}

// heldAt is what a stuck sensor keeps saying: its true values at the start of the fault.
func (d *District) heldAt(dev Device, from time.Time) []float64 {
	var w water
	return d.sample(dev, from.UnixNano()/int64(dev.Interval), from, &w)
}

// speakers is a heap by time, then by device.
type speakers []*speaker

func (q speakers) Len() int { return len(q) }
func (q speakers) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].n < q[j].n
}
func (q speakers) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *speakers) Push(x any)   { *q = append(*q, x.(*speaker)) }
func (q *speakers) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// Line is the message as a line of NDJSON, without the newline: a reading with its topic and payload, or an event.
func (m Message) Line() []byte {
	var b bytes.Buffer
	if m.Reading != nil {
		b.WriteString(`{"type":"reading","topic":"` + m.Reading.Device.Topic() + `","payload":`)
		b.Write(m.Reading.Payload())
		b.WriteByte('}')
		return b.Bytes()
	}
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(struct {
		Type  string `json:"type"`
		Event *Event `json:"event"`
	}{"event", m.Event}); err != nil {
		panic(err) // text and numbers only
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
