package mqtt

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"plinth/sensors"
)

// wire is a connection to the broker as the MQTT client sees it. It takes the PUBLISH packets out by itself and writes
// their PUBACKs by itself, many at a time; everything else (connecting, subscribing, keep-alive) passes through. The
// client reads each packet in several calls, hands it through four goroutines and writes every PUBACK alone, which costs
// more than all the rest of the way to the store.
//
// When hand does not take a parcel yet, the wire reads no more and TCP holds the broker back; the client is kept from
// mistaking the pause for a lost connection.
type wire struct {
	net.Conn
	hand   func(p sensors.Parcel, size int64, w *wire) bool // false when the wire was closed meanwhile
	parcel parcel
	slab   []byte            // for payloads
	topics map[string]string // one string per topic, however often it comes
	seed   maphash.Seed
	under  []uint64 // hash of the message that was delivered last, by its packet id; nil before the first

	pinged atomic.Bool // a PINGREQ waits for its PINGRESP
	once   sync.Once
	closed chan struct{}

	writing sync.Mutex // one packet, or one row of PUBACKs, at a time
	acks    []byte     // PUBACKs that are not written yet

	mu   sync.Mutex // of what follows
	more sync.Cond
	rest []byte // packets for the client
	err  error  // after rest
	why  error  // that we closed the connection for; in place of err
}

// parcel is what was read and not handed on.
type parcel struct {
	messages []sensors.Message
	ids      []uint16
	size     int64
}

// The kinds of packets that matter here (MQTT 3.1.1 §2.2.1), in the upper four bits, and whole packets; and the flag of a
// PUBLISH that was sent before.
const (
	publish  = 0x30
	dup      = 0x08
	pubAck   = 0x40
	pingReq  = 0xC0
	pingResp = 0xD0
)

const (
	maxTopics = 1 << 16 // strings kept per connection; more are a flood
	overhead  = 96      // bytes that a message costs besides its text
	slabSize  = 32 << 10
	stuck     = 10 * time.Second // a broker that does not read for so long is lost
	nap       = time.Millisecond // between reads while messages come, so that one read takes many
)

func newWire(c net.Conn, hand func(sensors.Parcel, int64, *wire) bool) *wire {
	w := &wire{Conn: c, hand: hand, topics: map[string]string{}, seed: maphash.MakeSeed(), closed: make(chan struct{})}
	w.more.L = &w.mu
	go w.pump()
	return w
}

// Read gives the client the packets that are for it.
func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.rest) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		w.more.Wait()
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

// Write sends a packet of the client's, which writes whole packets.
func (w *wire) Write(p []byte) (int, error) {
	if len(p) > 0 && p[0] == pingReq {
		w.pinged.Store(true)
	}
	w.writing.Lock()
	defer w.writing.Unlock()
	return w.Conn.Write(p)
}

// Close ends the connection; what is not handed on comes again to the next one.
func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return w.Conn.Close()
}

// fail ends the connection. The client is told why: it takes a connection that is closed for its own doing, and would wait
// for its next sign of life before it connects again.
func (w *wire) fail(why error) {
	w.mu.Lock()
	w.why = cmp.Or(w.why, why)
	w.mu.Unlock()
	_ = w.Close()
}

// pump reads until the connection ends.
func (w *wire) pump() {
	r := bufio.NewReaderSize(beforeRead{w.Conn, w.handOn}, 64<<10)
	var err error
	for err == nil {
		err = w.packet(r)
	}
	w.handOn()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = cmp.Or(w.why, err)
	w.more.Broadcast()
}

// beforeRead calls before each read from r: nothing at hand waits for what is still to come.
type beforeRead struct {
	r      io.Reader
	before func()
}

func (b beforeRead) Read(p []byte) (int, error) {
	b.before()
	return b.r.Read(p)
}

// packet reads one packet.
func (w *wire) packet(r *bufio.Reader) error {
	kind, err := r.ReadByte()
	if err != nil {
		return err
	}
	length, err := remaining(r)
	if err != nil {
		return err
	}
	if kind&0xF0 == publish {
		return w.publish(r, kind, length)
	}
	if length > maxOther {
		return fmt.Errorf("the broker sent a packet %#x of %d bytes", kind, length)
	}
	body := binary.AppendUvarint([]byte{kind}, uint64(length)) // MQTT's lengths are the same code
	head := len(body)
	body = append(body, make([]byte, length)...)
	if _, err := io.ReadFull(r, body[head:]); err != nil {
		return err
	}
	if kind == pingResp {
		w.pinged.Store(false)
	}
	w.forClient(body)
	return nil
}

// maxOther bounds the packets that are not PUBLISH: CONNACK, SUBACK and the like are a few bytes.
const maxOther = 4096

func (w *wire) forClient(packet []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, packet...)
	w.more.Broadcast()
}

// remaining reads the remaining length (MQTT 3.1.1 §2.2.3): at most four bytes of seven bits.
func remaining(r io.ByteReader) (int, error) {
	n := 0
	for shift := 0; shift < 28; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		n |= int(b&0x7F) << shift
		if b < 0x80 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("the broker sent a length of more than four bytes")
}

// publish reads the rest of a PUBLISH (MQTT 3.1.1 §3.3). Of a payload that is too large for any message only the
// beginning is kept, so that one message cannot take the memory of all.
func (w *wire) publish(r *bufio.Reader, kind byte, length int) error {
	qos := kind >> 1 & 3
	if qos > 1 {
		return fmt.Errorf("the broker sent QoS %d, we subscribed with 1", qos)
	}
	topic, err := w.topic(r, &length)
	if err != nil {
		return err
	}
	var id uint16
	if qos == 1 {
		if id, err = word(r, &length); err != nil {
			return err
		}
	}
	payload := w.carve(min(length, sensors.MaxPayload))
	if _, err := io.ReadFull(r, payload); err != nil {
		return err
	}
	if _, err := r.Discard(length - len(payload)); err != nil {
		return err
	}
	if qos == 1 { // now and not before: while the payload was awaited the parcel may have been handed on
		if w.again(kind, id, topic, payload) {
			return nil
		}
		w.parcel.ids = append(w.parcel.ids, id)
	}
	w.parcel.messages = append(w.parcel.messages, sensors.Message{Topic: topic, Payload: payload, Size: length})
	w.parcel.size += int64(len(payload)) + overhead
	return nil
}

// again tells whether a message is a copy of one that was delivered on this connection under the same packet id: some
// brokers send again, to a client that has it in hand, what is not acknowledged after a time. A copy is dropped. The first
// one's acknowledgement is for both, and another, written later, could be taken for that of a message which has the id by
// then and is not stored.
func (w *wire) again(kind byte, id uint16, topic string, payload []byte) bool {
	if w.under == nil {
		w.under = make([]uint64, 1<<16)
	}
	before := w.under[id]
	w.under[id] = maphash.String(w.seed, topic) ^ bits.RotateLeft64(maphash.Bytes(w.seed, payload), 1)
	return kind&dup != 0 && w.under[id] == before
}

// carve returns n bytes of a slab, so that a message costs no allocation.
func (w *wire) carve(n int) []byte {
	if len(w.slab) < n {
		w.slab = make([]byte, max(n, slabSize))
	}
	b := w.slab[:n:n]
	w.slab = w.slab[n:]
	return b
}

// word reads two bytes of the length that is left.
func word(r io.ByteReader, length *int) (uint16, error) {
	if *length -= 2; *length < 0 {
		return 0, fmt.Errorf("the broker sent a PUBLISH that ends early")
	}
	high, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	low, err := r.ReadByte()
	return uint16(high)<<8 | uint16(low), err
}

func (w *wire) topic(r *bufio.Reader, length *int) (string, error) {
	n, err := word(r, length)
	if err != nil {
		return "", err
	}
	if *length -= int(n); *length < 0 {
		return "", fmt.Errorf("the broker sent a PUBLISH that ends early")
	}
	b, err := r.Peek(int(n)) // at most 65,535, which the reader's buffer holds
	if err != nil {
		return "", err
	}
	topic, known := w.topics[string(b)]
	if !known {
		if len(w.topics) == maxTopics {
			clear(w.topics)
		}
		topic = string(b)
		w.topics[topic] = topic
	}
	_, err = r.Discard(int(n))
	return topic, err
}

// handOn gives what was read to the door, however long it takes.
func (w *wire) handOn() {
	if len(w.parcel.messages) == 0 {
		return
	}
	w.stillThere() // the PINGRESP may be behind a long row of messages; these show that the broker lives, too
	p := w.parcel
	w.parcel = parcel{}
	taken := w.hand(sensors.Parcel{Messages: p.messages, Ack: func(more bool) { w.ack(p.ids, more) }}, p.size, w)
	if taken && p.size < slabSize {
		time.Sleep(nap)
	}
}

// stillThere answers a PINGREQ in the broker's place; its own answer, when it comes, says nothing new.
func (w *wire) stillThere() {
	if w.pinged.CompareAndSwap(true, false) {
		w.forClient([]byte{pingResp, 0})
	}
}

// ack writes the PUBACKs of ids, or keeps them when more follow at once. What cannot be written is lost with the
// connection, and the broker sends those messages again.
func (w *wire) ack(ids []uint16, more bool) {
	w.writing.Lock()
	defer w.writing.Unlock()
	for _, id := range ids {
		w.acks = append(w.acks, pubAck, 2, byte(id>>8), byte(id))
	}
	if len(w.acks) == 0 || more && len(w.acks) < slabSize {
		return
	}
	_ = w.SetWriteDeadline(time.Now().Add(stuck)) // when it fails the write does too
	if _, err := w.Conn.Write(w.acks); err != nil {
		w.fail(fmt.Errorf("acknowledge: %w", err)) // half a PUBACK may be out: nothing may follow it
	}
	_ = w.SetWriteDeadline(time.Time{})
	w.acks = w.acks[:0]
}
