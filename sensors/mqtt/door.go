// Package mqtt is the door for devices: an MQTT 3.1.1 client that hands each message on and acknowledges it only when
// it is told that the message is stored.
package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"plinth"
	"plinth/sensors"
)

// Config says which broker to use and who we are there.
type Config struct {
	URL      string // tcp://host:port or ssl://host:port
	User     string
	Password string
	// ClientID is the session's name at the broker, followed by the domain. It must stay the same: what the broker
	// holds for an absent client is bound to it.
	ClientID string
	// Window is the number of messages that may be unacknowledged per domain. It must not be less than the broker's,
	// so that taking a message from the wire never blocks.
	Window int
}

// Validate tells what is wrong with c.
func (c Config) Validate() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "":
		return plinth.Invalid("mqtt.url", "the broker's URL is tcp://host:port")
	case c.ClientID == "":
		return plinth.Invalid("mqtt.clientId", "the client id is needed: the broker keeps our messages under it")
	case c.Window < 1 || c.Window > 65535:
		return plinth.Invalid("mqtt.window", "the window is 1 to 65535 messages")
	}
	return nil
}

// Door receives the messages of one domain, a kind of device, with a session and a budget of its own, so that a flood of
// one domain cannot stall another.
type Door struct {
	domain string
	topic  string
	log    *slog.Logger
	client paho.Client
	in     chan sensors.Message

	ready atomic.Bool
	held  atomic.Int64 // bytes handed on and not acknowledged
	later atomic.Int64

	refused atomic.Int64 // attempts to connect that failed
}

// maxHeld bounds the memory of one domain's unacknowledged messages.
const maxHeld = 64 << 20

// Open starts to connect and returns at once; the door reconnects by itself until Close.
func Open(c Config, domain string, log *slog.Logger) (*Door, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	d := &Door{domain: domain, topic: "plinth/v1/" + domain + "/+/data", log: log.With("domain", domain),
		in: make(chan sensors.Message, c.Window+c.Window/8+64)}
	o := paho.NewClientOptions().AddBroker(c.URL).SetUsername(c.User).SetPassword(c.Password).
		SetClientID(clientID(c.ClientID + "-" + domain)).SetCleanSession(false).SetProtocolVersion(4).
		SetAutoAckDisabled(true).SetConnectRetry(true).SetConnectRetryInterval(500 * time.Millisecond).
		SetMaxReconnectInterval(2 * time.Second).SetKeepAlive(10 * time.Second).SetPingTimeout(10 * time.Second).
		SetConnectTimeout(5 * time.Second).SetDefaultPublishHandler(d.take).
		SetConnectionNotificationHandler(d.notified).SetOnConnectHandler(d.subscribe).SetConnectionLostHandler(d.disconnected)
	d.client = paho.NewClient(o)
	d.client.Connect() // the token ends when connected; with ConnectRetry it does not fail
	return d, nil
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

// Messages are what devices sent. The channel holds more than the window, so taking one from the wire never waits.
func (d *Door) Messages() <-chan sensors.Message { return d.in }

// Ready tells whether the broker has accepted our subscription.
func (d *Door) Ready() error {
	if d.ready.Load() && d.client.IsConnectionOpen() {
		return nil
	}
	return plinth.Errorf(plinth.ErrUnavailable, "the MQTT broker is away (domain %s)", d.domain)
}

// Waiting is the number of messages taken from the wire and not yet handed on.
func (d *Door) Waiting() int { return len(d.in) }

// Close disconnects. What is unacknowledged comes again to the next session.
func (d *Door) Close() { d.client.Disconnect(250) }

// take is called by the client's reading goroutine, in order. It must not block: keep-alive is read there too.
func (d *Door) take(_ paho.Client, m paho.Message) {
	size := int64(len(m.Payload()) + len(m.Topic()))
	if d.held.Add(size) > maxHeld {
		d.held.Add(-size)
		d.putOff()
		return
	}
	ack := func() { d.held.Add(-size); m.Ack() }
	select {
	case d.in <- sensors.Message{Topic: m.Topic(), Payload: m.Payload(), Ack: ack}:
	default:
		d.held.Add(-size)
		d.putOff()
	}
}

// putOff leaves a message unacknowledged: it comes again after the broker's wait, nothing is lost.
func (d *Door) putOff() {
	if n := d.later.Add(1); n&(n-1) == 0 { // at 1, 2, 4, 8 …
		d.log.Warn("messages are put off: the broker's window or the messages are too large", "so far", n)
	}
}

// subscribe runs after every connect. A refusal is only seen in the SUBACK's code (MQTT 3.1.1 §3.9.3).
func (d *Door) subscribe(c paho.Client) {
	token := c.Subscribe(d.topic, 1, d.take)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := granted(ctx, token, d.topic); err != nil {
			d.log.Error("subscription refused", "topic", d.topic, "err", err)
			return
		}
		d.ready.Store(true)
		d.log.Info("subscribed", "topic", d.topic)
	}()
}

func granted(ctx context.Context, token paho.Token, topic string) error {
	select {
	case <-token.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
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
