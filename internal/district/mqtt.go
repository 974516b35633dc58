package district

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Login is how a device signs in at the broker.
type Login struct{ User, Password string }

// Publisher sends readings to an MQTT 3.1.1 broker at QoS 1, as the devices. Devices of one login share one
// connection. Like a device with a buffer it keeps what the broker has not acknowledged and sends it again after a
// break, so killing the broker loses nothing; at most Window messages wait for their acknowledgement at once.
type Publisher struct {
	url   string
	tls   *tls.Config
	login func(device string) (Login, error)
	slots chan struct{}

	mu     sync.Mutex
	conns  map[string]mqtt.Client // by user
	closed bool

	acked, retried atomic.Int64
}

// NewPublisher makes a publisher for the broker at url ("tcp://host:port"); login tells each device's credentials.
// window bounds the messages in flight; 0 is 256.
func NewPublisher(url string, window int, login func(device string) (Login, error)) *Publisher {
	if window <= 0 {
		window = 256
	}
	return &Publisher{url: url, login: login, slots: make(chan struct{}, window), conns: map[string]mqtt.Client{}}
}

var _ Readings = (*Publisher)(nil)

// UseTLS says how a broker at ssl:// is verified. It must be called before the first reading is sent.
func (p *Publisher) UseTLS(c *tls.Config) { p.tls = c }

// Send hands a reading to the device's connection. It blocks while the window is full.
func (p *Publisher) Send(ctx context.Context, r Reading) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	client, err := p.client(r.Device.ID)
	if err != nil {
		<-p.slots
		return err
	}
	token := client.Publish(r.Device.Topic(), 1, false, r.Payload())
	select {
	case <-token.Done():
		// Done at once means that it was refused on this side.
		<-p.slots
		if token.Error() == nil {
			p.acked.Add(1)
		}
		return token.Error()
	default:
	}
	go p.await(ctx, client, r, token)
	return nil
}

// await holds the slot until the broker acknowledges; a message that the client gave up is published again.
func (p *Publisher) await(ctx context.Context, client mqtt.Client, r Reading, token mqtt.Token) {
	defer func() { <-p.slots }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-token.Done():
		}
		if token.Error() == nil {
			p.acked.Add(1)
			return
		}
		p.retried.Add(1)
		if sleep(ctx, 500*time.Millisecond) != nil {
			return
		}
		token = client.Publish(r.Device.Topic(), 1, false, r.Payload())
	}
}

// Acked counts the messages that the broker acknowledged.
func (p *Publisher) Acked() int64 { return p.acked.Load() }

// Flush waits until no message is in flight.
func (p *Publisher) Flush(ctx context.Context) error {
	for range cap(p.slots) {
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("flush readings: %w", ctx.Err())
		}
	}
	for range cap(p.slots) {
		<-p.slots
	}
	return nil
}

func (p *Publisher) client(device string) (mqtt.Client, error) {
	login, err := p.login(device)
	if err != nil {
		return nil, fmt.Errorf("login of device %s: %w", device, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("publisher is closed")
	}
	if c, ok := p.conns[login.User]; ok {
		return c, nil
	}
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(p.url).SetTLSConfig(p.tls).
		SetClientID("district-" + login.User).SetUsername(login.User).SetPassword(login.Password).
		SetCleanSession(false).SetOrderMatters(true).SetKeepAlive(30 * time.Second).SetMaxResumePubInFlight(64).
		SetAutoReconnect(true).SetMaxReconnectInterval(3 * time.Second).
		SetConnectRetry(true).SetConnectRetryInterval(time.Second))
	c.Connect() // retries by itself; publishing waits in the client's store meanwhile
	p.conns[login.User] = c
	return c, nil
}

// Close ends all connections, giving each a moment to finish.
func (p *Publisher) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var wg sync.WaitGroup
	for _, c := range p.conns {
		wg.Go(func() { c.Disconnect(250) })
	}
	wg.Wait()
}
