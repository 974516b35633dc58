package stacktest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// Publisher publishes by MQTT 3.1.1 with QoS 1 as cheaply as can be: many packets a write, PUBACKs counted and not
// looked at. It is for load; it does not reconnect.
type Publisher struct {
	c    net.Conn
	r    *bufio.Reader
	buf  []byte
	id   uint16
	open int // published and not acknowledged
}

// publisherWindow is how many messages may be under way; below the 65,535 that there are ids for.
const publisherWindow = 2000

// NewPublisher connects a publisher.
func NewPublisher(t testing.TB, addr, user, secret, id string) *Publisher {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	p := &Publisher{c: c, r: bufio.NewReaderSize(c, 64<<10)}
	text := func(b []byte, s string) []byte { return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...) }
	body := append(text(nil, "MQTT"), 4, 0xC2, 0, 0) // user, password, clean session; no keep-alive
	body = text(text(text(body, id), user), secret)
	if _, err := c.Write(append(binary.AppendUvarint([]byte{0x10}, uint64(len(body))), body...)); err != nil {
		t.Fatal(err)
	}
	var ack [4]byte
	if _, err := io.ReadFull(p.r, ack[:]); err != nil || ack[0] != 0x20 || ack[3] != 0 {
		t.Fatalf("publisher %s: CONNACK %x, %v", id, ack, err)
	}
	return p
}

// Publish takes one message; it goes out with others, or at Flush.
func (p *Publisher) Publish(topic string, payload []byte) error {
	if p.id++; p.id == 0 {
		p.id = 1
	}
	p.buf = binary.AppendUvarint(append(p.buf, 0x32), uint64(4+len(topic)+len(payload)))
	p.buf = append(binary.BigEndian.AppendUint16(p.buf, uint16(len(topic))), topic...)
	p.buf = append(binary.BigEndian.AppendUint16(p.buf, p.id), payload...)
	p.open++
	if len(p.buf) < 32<<10 && p.open < publisherWindow {
		return nil
	}
	return p.Flush(publisherWindow / 2)
}

// Flush sends what was taken and waits until no more than open messages lack their PUBACK.
func (p *Publisher) Flush(open int) error {
	if _, err := p.c.Write(p.buf); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	p.buf = p.buf[:0]
	for p.open > open {
		if err := p.c.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)           // so that one read takes many, and the broker's writes wake nobody
		if _, err := p.r.Peek(4); err != nil { // a PUBACK is four bytes, and nothing else comes
			return fmt.Errorf("await PUBACK: %w", err)
		}
		n := p.r.Buffered() / 4
		if _, err := p.r.Discard(4 * n); err != nil {
			return err
		}
		p.open -= n
	}
	return nil
}
