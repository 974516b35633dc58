package mqtt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"plinth/sensors"
)

// pipe returns a wire, the broker's end of it, and what it hands on.
func pipe(t testing.TB) (*wire, net.Conn, <-chan sensors.Parcel) {
	t.Helper()
	near, far := net.Pipe()
	parcels := make(chan sensors.Parcel, 1000)
	w := newWire(near, func(p sensors.Parcel, _ int64, _ *wire) bool { parcels <- p; return true })
	t.Cleanup(func() { w.Close(); far.Close() })
	return w, far, parcels
}

// published is a PUBLISH as the client's own library writes it.
func published(t testing.TB, topic string, id uint16, qos byte, payload string) []byte {
	t.Helper()
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.MessageID, p.Qos, p.Payload = topic, id, qos, []byte(payload)
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestMessagesGoPastTheClientAndTheRestToIt(t *testing.T) {
	w, far, parcels := pipe(t)
	large := strings.Repeat("x", sensors.MaxPayload+7)
	var stream []byte
	stream = append(stream, 0x20, 2, 0, 0) // CONNACK
	stream = append(stream, published(t, "a/b", 1, 1, "one")...)
	stream = append(stream, published(t, "a/b", 0, 0, "two")...)
	stream = append(stream, 0x90, 3, 0, 1, 1) // SUBACK
	stream = append(stream, published(t, "a/c", 0xABCD, 1, large)...)
	go func() {
		for part := range slices.Chunk(stream, 100) { // packets come in pieces
			_, _ = far.Write(part)
		}
	}()
	rest := make([]byte, 9)
	if _, err := io.ReadFull(w, rest); err != nil || !bytes.Equal(rest, []byte{0x20, 2, 0, 0, 0x90, 3, 0, 1, 1}) {
		t.Fatalf("the client reads %x, %v", rest, err)
	}
	var got []sensors.Message
	var acked []byte
	for len(got) < 3 {
		p := <-parcels
		got = append(got, p.Messages...)
		if len(got) < 3 {
			p.Ack(true) // kept, in the order of the messages
			continue
		}
		go p.Ack(false)
		acked = make([]byte, 8)
		if _, err := io.ReadFull(far, acked); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []struct {
		topic, payload string
		size           int
	}{{"a/b", "one", 3}, {"a/b", "two", 3}, {"a/c", large[:sensors.MaxPayload], len(large)}} {
		if m := got[i]; m.Topic != want.topic || string(m.Payload) != want.payload || m.Size != want.size {
			t.Errorf("message %d is %s of %d bytes (%d kept), want %s of %d", i, m.Topic, m.Size, len(m.Payload), want.topic, want.size)
		}
	}
	if !bytes.Equal(acked, []byte{0x40, 2, 0, 1, 0x40, 2, 0xAB, 0xCD}) {
		t.Errorf("acknowledged %x, want PUBACKs of 1 and 0xABCD, and none of QoS 0", acked)
	}
}

func TestAnAcknowledgementIsNotSentBeforeItsMessageIsHandedOn(t *testing.T) {
	_, far, parcels := pipe(t)
	second := published(t, "a/b", 2, 1, strings.Repeat("y", 100))
	go func() { _, _ = far.Write(append(published(t, "a/b", 1, 1, "one"), second[:50]...)) }()
	first := <-parcels // the second message has come by half
	go first.Ack(false)
	ack := make([]byte, 4)
	if _, err := io.ReadFull(far, ack); err != nil || binary.BigEndian.Uint16(ack[2:]) != 1 {
		t.Fatalf("acknowledged %x, %v; want 1", ack, err)
	}
	if err := far.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := far.Read(ack); n != 0 {
		t.Errorf("acknowledged %x, %v; want nothing more", ack[:n], err)
	}
}

// A broker may send again on the same connection what is not acknowledged yet, and use an id again that is.
func TestACopyOnTheSameConnectionIsNeitherHandedOnNorAcknowledged(t *testing.T) {
	_, far, parcels := pipe(t)
	again := func(id uint16, payload string) []byte {
		b := published(t, "a/b", id, 1, payload)
		b[0] |= dup
		return b
	}
	for _, step := range []struct {
		name   string
		packet []byte
		handed string
	}{
		{"the first", published(t, "a/b", 1, 1, "one"), "one"},
		{"a copy", again(1, "one"), ""},
		{"another under the id", again(1, "two"), "two"},
		{"sent before, on another connection", again(2, "three"), "three"},
		{"the same reading, published twice", published(t, "a/b", 3, 1, "three"), "three"},
		{"a copy of the one before", again(2, "three"), ""},
		{"the id again, for an equal message", published(t, "a/b", 2, 1, "three"), "three"},
	} {
		go func() { _, _ = far.Write(append(step.packet, published(t, "end", 0, 0, "")...)) }()
		var got []string
		for ended := false; !ended; {
			for _, m := range (<-parcels).Messages {
				if ended = m.Topic == "end"; !ended {
					got = append(got, string(m.Payload))
				}
			}
		}
		if s := strings.Join(got, ","); s != step.handed {
			t.Errorf("%s: %q is handed on, want %q", step.name, s, step.handed)
		}
	}
}

// The client mistakes "use of closed network connection" for its own doing.
func TestTheClientIsToldWhyAConnectionWasGivenUp(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	parcels := make(chan sensors.Parcel, 1)
	w := newWire(deaf{near}, func(p sensors.Parcel, _ int64, _ *wire) bool { parcels <- p; return true })
	if _, err := far.Write(published(t, "a/b", 1, 1, "one")); err != nil {
		t.Fatal(err)
	}
	p := <-parcels
	p.Ack(false)
	p.Ack(false) // on the closed connection
	if _, err := w.Read(make([]byte, 1)); !errors.Is(err, errDeaf) {
		t.Errorf("the client reads %v, want why the acknowledgement could not be sent", err)
	}
}

// deaf is a connection to a broker that takes nothing more, as long as it is open.
type deaf struct{ net.Conn }

var errDeaf = errors.New("broken pipe")

func (d deaf) Write(p []byte) (int, error) {
	if err := d.SetReadDeadline(time.Time{}); err != nil { // closed
		return 0, net.ErrClosed
	}
	return 0, errDeaf
}

func TestAPauseLooksAliveToTheClient(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	w := &wire{Conn: near, closed: make(chan struct{})}
	w.more.L = &w.mu
	if _, err := w.Write([]byte{pingReq, 0}); err != nil {
		t.Fatal(err)
	}
	w.stillThere()
	w.stillThere() // one answer to one question
	if !bytes.Equal(w.rest, []byte{pingResp, 0}) {
		t.Errorf("the client reads %x, want one PINGRESP", w.rest)
	}
}

func TestABrokenStreamEndsTheConnection(t *testing.T) {
	for name, stream := range map[string][]byte{
		"length of five bytes":          {0x30, 0x80, 0x80, 0x80, 0x80, 1},
		"topic beyond the packet":       {0x30, 3, 0, 9, 'a'},
		"no room for the id":            {0x32, 3, 0, 1, 'a'},
		"QoS 2":                         {0x34, 5, 0, 1, 'a', 0, 1},
		"a large packet for the client": {0x90, 0xFF, 0xFF, 0x03},
	} {
		t.Run(name, func(t *testing.T) {
			w, far, _ := pipe(t)
			go func() { _, _ = far.Write(stream); far.Close() }()
			if n, err := w.Read(make([]byte, 100)); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("read %d, %v; want an error that says what is wrong", n, err)
			}
		})
	}
}

// FuzzWire feeds what a hostile broker might send: it must end, and hand on no more than came.
func FuzzWire(f *testing.F) {
	f.Add(published(f, "plinth/v1/lift/l-1/data", 7, 1, `{"at":"2026-11-24T00:00:00Z","seq":1,"v":{"a":1}}`))
	f.Add([]byte{0x20, 2, 0, 0, 0x30, 3, 0, 1, 'a', 0xD0, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		near, far := net.Pipe()
		total := 0
		w := newWire(near, func(p sensors.Parcel, _ int64, _ *wire) bool {
			for _, m := range p.Messages {
				total += len(m.Topic) + m.Size
			}
			return true
		})
		go func() { _, _ = far.Write(stream); far.Close() }()
		_, _ = io.Copy(io.Discard, readerOnly{w})
		w.Close()
		if total > len(stream) {
			t.Errorf("%d bytes handed on of %d", total, len(stream))
		}
	})
}

type readerOnly struct{ io.Reader }
