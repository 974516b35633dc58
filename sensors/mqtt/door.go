// Package mqtt is the door for devices: an MQTT 3.1.1 client that hands each message on and acknowledges it only when
// it is told that the message is stored.
package mqtt

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/sync/semaphore"

	"plinth"
	"plinth/sensors"
)

// Config says which broker to use and who we are there.
type Config struct {
	URL      string // tcp://host:port, ssl://host:port, or unix:///path of a broker on this machine
	User     string
	Password string
	// ClientID is the session's name at the broker, followed by the part. It must stay the same: what the broker
	// holds for an absent client is bound to it.
	ClientID string
	TLS      *tls.Config // how a broker at ssl:// is verified; nil trusts what the system trusts
	// Entitled tells whether the session is ours to take; nil always does. It is asked before each connection: who connects
	// takes the session from its holder.
	Entitled func() bool
}

// Validate tells what is wrong with c.
func (c Config) Validate() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" && (u.Scheme != "unix" || u.Path == ""):
		return plinth.Invalid("mqtt.url", "the broker's URL is tcp://host:port, ssl://host:port or unix:///path")
	case c.ClientID == "":
		return plinth.Invalid("mqtt.clientId", "the client id is needed: the broker keeps our messages under it")
	}
	return nil
}

// Door receives the messages of one part: a domain, which is a kind of device, or a partition of it. It has a session and
// a budget of its own, so that a flood of one domain cannot stall another.
type Door struct {
	part   sensors.Part
	topic  string
	may    func() bool
	log    *slog.Logger
	client paho.Client
	in     chan sensors.Parcel
	budget *semaphore.Weighted // bytes of maxHeld

	draining chan struct{} // closed when nothing more may be taken
	opened   chan struct{} // closed when the broker accepted our subscription for the first time
	first    sync.Once
	drain    sync.Once

	ready   atomic.Bool
	waiting atomic.Int64 // messages handed on and not acknowledged
	pauses  atomic.Int64

	refused atomic.Int64 // attempts to connect that failed
}

// maxHeld bounds the memory of one domain's unacknowledged messages; beyond it the broker keeps them. Up to window messages
// wait for the stream, as many as the local broker gives at once: the door goes on reading then, however long the store is
// away, and the broker does not cut it off as slow.
const (
	maxHeld = 16 << 20
	window  = 8192
)

// Open starts to connect and returns at once; the door reconnects by itself until Close.
func Open(c Config, part sensors.Part, log *slog.Logger) (*Door, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	d := &Door{part: part, topic: part.Filter(), may: c.Entitled, log: log.With("part", part.Name()),
		in: make(chan sensors.Parcel, window), budget: semaphore.NewWeighted(maxHeld), draining: make(chan struct{}),
		opened: make(chan struct{})}
	o := paho.NewClientOptions().AddBroker(c.URL).SetUsername(c.User).SetPassword(c.Password).
		SetClientID(clientID(c.ClientID + "-" + part.Name())).SetCleanSession(false).SetProtocolVersion(4).
		SetAutoAckDisabled(true).SetConnectRetry(true).SetConnectRetryInterval(500 * time.Millisecond).
		SetMaxReconnectInterval(2 * time.Second).SetKeepAlive(20 * time.Second).SetPingTimeout(15 * time.Second).
		SetConnectTimeout(connectTimeout).SetCustomOpenConnectionFn(d.dial).SetTLSConfig(c.TLS).
		SetConnectionNotificationHandler(d.notified).SetOnConnectHandler(d.subscribe).SetConnectionLostHandler(d.disconnected)
	d.client = paho.NewClient(o)
	d.client.Connect() // the token ends when connected; with ConnectRetry it does not fail
	return d, nil
}

const connectTimeout = 5 * time.Second

// dial opens a connection whose messages come to us past the client.
func (d *Door) dial(u *url.URL, o paho.ClientOptions) (net.Conn, error) {
	if !d.entitled() {
		return nil, plinth.Errorf(plinth.ErrUnavailable, "the session of %s is not ours now", d.part.Name())
	}
	dialer := &net.Dialer{Timeout: connectTimeout}
	if u.Scheme == "ssl" {
		c, err := tls.DialWithDialer(dialer, "tcp", u.Host, o.TLSConfig)
		if err != nil {
			return nil, err
		}
		return newWire(c, d.take), nil
	}
	network, address := "tcp", u.Host
	if u.Scheme == "unix" {
		network, address = "unix", u.Path
	}
	c, err := dialer.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return newWire(c, d.take), nil
}

// entitled tells whether the door may connect: it is not given up, and the part is ours.
func (d *Door) entitled() bool {
	select {
	case <-d.draining:
		return false
	default:
		return d.may == nil || d.may()
	}
}

// clientID keeps to characters that every broker takes: some refuse a dot or a blank.
func clientID(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, s)
}

// notified logs why a broker does not let us in: the client itself tries again in silence.
func (d *Door) notified(_ paho.Client, n paho.ConnectionNotification) {
	if f, ok := n.(paho.ConnectionNotificationBrokerFailed); ok {
		if n := d.refused.Add(1); n&(n-1) == 0 { // at 1, 2, 4, 8 …
			d.log.Warn("broker does not let us in, trying again", "so far", n, "err", f.Reason)
		}
	}
}

// Parcels are what devices sent.
func (d *Door) Parcels() <-chan sensors.Parcel { return d.in }

// Ready tells whether the broker has accepted our subscription.
func (d *Door) Ready() error {
	if d.ready.Load() && d.client.IsConnectionOpen() {
		return nil
	}
	return plinth.Errorf(plinth.ErrUnavailable, "the MQTT broker is away (%s)", d.part.Name())
}

// Opened returns when the broker has accepted our subscription, and keeps the part's messages from now on; or when ctx
// ends, with its error.
func (d *Door) Opened(ctx context.Context) error {
	select {
	case <-d.opened:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Waiting is the number of messages taken from the wire and not yet acknowledged.
func (d *Door) Waiting() int { return int(d.waiting.Load()) }

// Drain takes nothing more and waits until what was taken is acknowledged, or ctx ends. The broker keeps the rest for the
// session's next holder.
func (d *Door) Drain(ctx context.Context) {
	d.drain.Do(func() { close(d.draining) })
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for d.waiting.Load() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close disconnects. What is unacknowledged comes again to the next session.
func (d *Door) Close() { d.client.Disconnect(250) }

// take hands a parcel on; it waits while the budget is used up, or until w is closed. Then it returns false.
func (d *Door) take(p sensors.Parcel, size int64, w *wire) bool {
	p.Arrived = time.Now()
	size = min(size, maxHeld)
	if d.shut(w) {
		return false
	}
	if !d.budget.TryAcquire(size) && !d.pause(size, w) {
		return false
	}
	n, ack := int64(len(p.Messages)), p.Ack
	p.Ack = func(more bool) {
		d.budget.Release(size)
		d.waiting.Add(-n)
		ack(more)
	}
	d.waiting.Add(n)
	for {
		select {
		case d.in <- p:
			return true
		case <-w.closed:
			d.budget.Release(size)
			d.waiting.Add(-n)
			return false
		case <-time.After(pauseStep):
			w.stillThere()
		}
	}
}

// shut tells whether the door is draining; then it returns only once w is closed.
func (d *Door) shut(w *wire) bool {
	select {
	case <-d.draining:
	default:
		return false
	}
	for {
		select {
		case <-w.closed:
			return true
		case <-time.After(pauseStep):
			w.stillThere()
		}
	}
}

// pauseStep is how often a waiting wire looks whether its client expects a sign of life.
const pauseStep = time.Second

// pause waits for size bytes of the budget, or until w is closed.
func (d *Door) pause(size int64, w *wire) bool {
	if n := d.pauses.Add(1); n&(n-1) == 0 { // at 1, 2, 4, 8 …
		d.log.Warn("the store does not keep up, the broker holds the messages", "pauses", n)
	}
	for {
		ctx, cancel := context.WithTimeout(context.Background(), pauseStep)
		err := d.budget.Acquire(ctx, size)
		cancel()
		if err == nil {
			return true
		}
		select {
		case <-w.closed:
			return false
		default:
			w.stillThere()
		}
	}
}

// subscribe runs after every connect. A refusal is only seen in the SUBACK's code (MQTT 3.1.1 §3.9.3).
func (d *Door) subscribe(c paho.Client) {
	token := c.Subscribe(d.topic, 1, nil) // messages never reach the client, see wire
	go func() {
		if err := granted(token, d.topic); err != nil {
			d.log.Error("subscription refused", "topic", d.topic, "err", err)
			return
		}
		d.ready.Store(true)
		d.first.Do(func() { close(d.opened) })
		d.log.Info("subscribed", "topic", d.topic)
	}()
}

// granted waits for the SUBACK, which may be behind all that the broker kept for us, or for the connection's end.
func granted(token paho.Token, topic string) error {
	<-token.Done()
	if err := token.Error(); err != nil {
		return err
	}
	if sub, ok := token.(*paho.SubscribeToken); ok && sub.Result()[topic] >= 0x80 {
		return fmt.Errorf("SUBACK %#x", sub.Result()[topic])
	}
	return nil
}

func (d *Door) disconnected(_ paho.Client, err error) {
	d.ready.Store(false)
	d.log.Warn("broker lost, reconnecting", "err", err)
}
