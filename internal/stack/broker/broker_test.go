package broker_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"plinth/internal/stack/broker"
)

// TestMain lets the test binary be its own broker, so that it can be killed as a process.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "engine" && os.Args[2] == "broker" {
		if err := broker.Main(context.Background(), os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const secret = "not-a-real-secret"

func startBroker(t *testing.T, dir, listen string, args ...string) (*exec.Cmd, string) {
	t.Helper()
	all := append([]string{"engine", "broker", "--dir", filepath.Join(dir, "store"), "--users-file",
		filepath.Join(dir, "users"), "--listen", listen}, args...)
	cmd := exec.Command(os.Args[0], all...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("no ready line: %v", err)
	}
	var ready struct {
		Ready bool
		URL   string
	}
	if err := json.Unmarshal(line, &ready); err != nil || !ready.Ready {
		t.Fatalf("ready line %q: %v", line, err)
	}
	return cmd, ready.URL
}

func writeUsers(t *testing.T, dir string, users ...broker.User) {
	t.Helper()
	for i := range users {
		users[i].SHA256 = broker.HashSecret(secret)
	}
	if err := broker.WriteUsers(filepath.Join(dir, "users"), users); err != nil {
		t.Fatal(err)
	}
}

func options(url, user, id string) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker(url).SetUsername(user).SetPassword(secret).SetClientID(id).
		SetProtocolVersion(4).SetCleanSession(false).SetMaxReconnectInterval(200 * time.Millisecond).
		SetConnectRetry(true).SetConnectRetryInterval(100 * time.Millisecond)
}

func connect(t *testing.T, o *mqtt.ClientOptions) mqtt.Client {
	t.Helper()
	c := mqtt.NewClient(o)
	if tok := c.Connect(); !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
		t.Fatalf("connect: %v", tok.Error())
	}
	return c
}

// TestNothingIsLostAcrossKills publishes 100,000 QoS 1 messages while the consumer's connection is cut with messages
// unacknowledged and the broker is killed with SIGKILL and started again on its folder.
func TestNothingIsLostAcrossKills(t *testing.T) {
	const total, publishers = 100_000, 4
	dir := t.TempDir()
	writeUsers(t, dir, broker.User{Name: "plinth", Publish: []string{"t/#"}, Subscribe: []string{"t/+/data"}})
	cmd, url := startBroker(t, dir, "127.0.0.1:0", "--ack-wait", "4s")
	listen := url[len("tcp://"):]

	c := &consumer{seen: make([]bool, total)}
	c.start(t, url)
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() { publish(t, url, p, publishers, total) })
	}
	await(t, func() bool { return c.count() > total/5 })
	c.cut()
	c.start(t, url)
	await(t, func() bool { return c.count() > total/2 })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	startBroker(t, dir, listen, "--ack-wait", "4s")
	await(t, func() bool { return c.count() == total })
	wg.Wait()
}

func publish(t *testing.T, url string, p, of, total int) {
	o := options(url, "plinth", fmt.Sprintf("pub-%d", p))
	c := mqtt.NewClient(o)
	if tok := c.Connect(); !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
		t.Errorf("publisher %d: %v", p, tok.Error())
		return
	}
	defer c.Disconnect(250)
	window := make(chan mqtt.Token, 200)
	go func() {
		defer close(window)
		for i := p; i < total; i += of {
			body := binary.BigEndian.AppendUint32(make([]byte, 0, 120), uint32(i))
			window <- c.Publish(fmt.Sprintf("t/d%d/data", p), 1, false, body[:120])
		}
	}()
	for tok := range window {
		tok.Wait() // a token may fail over a reconnect although the message is sent again: the consumer's count decides
	}
}

type consumer struct {
	mu     sync.Mutex
	seen   []bool
	n      atomic.Int64
	client mqtt.Client
	conn   net.Conn
	dead   *atomic.Bool
}

func (c *consumer) count() int { return int(c.n.Load()) }

func (c *consumer) start(t *testing.T, address string) {
	t.Helper()
	o := options(address, "plinth", "consumer").SetAutoAckDisabled(true).SetDefaultPublishHandler(c.handle)
	dead := new(atomic.Bool)
	c.dead = dead
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		if dead.Load() {
			return nil, net.ErrClosed
		}
		conn, err := net.Dial("tcp", u.Host)
		c.mu.Lock()
		c.conn = conn
		c.mu.Unlock()
		return conn, err
	})
	c.client = connect(t, o)
	tok := c.client.Subscribe("t/+/data", 1, nil).(*mqtt.SubscribeToken)
	if !tok.WaitTimeout(10*time.Second) || tok.Error() != nil || tok.Result()["t/+/data"] >= 0x80 {
		t.Fatalf("subscribe: %v %v", tok.Error(), tok.Result())
	}
}

// handle acknowledges all but every 50th delivery, so that a cut leaves some to be sent again.
func (c *consumer) handle(_ mqtt.Client, m mqtt.Message) {
	i := binary.BigEndian.Uint32(m.Payload())
	c.mu.Lock()
	first := !c.seen[i]
	skip := first && i%50 == 0 && c.n.Load() < 20_000
	if first && !skip {
		c.seen[i] = true
		c.n.Add(1)
	}
	c.mu.Unlock()
	if !skip {
		m.Ack()
	}
}

// cut ends the connection as a killed process would: without a DISCONNECT.
func (c *consumer) cut() {
	c.dead.Store(true)
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	_ = conn.Close()
	c.client.Disconnect(0)
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("not reached in 90 s")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestAUserMayDoOnlyWhatTheFileSays(t *testing.T) {
	dir := t.TempDir()
	service := broker.User{Name: "plinth", Subscribe: []string{"plinth/v1/+/+/data"}}
	writeUsers(t, dir, service, broker.User{Name: "lift-0001", Publish: []string{"plinth/v1/lift/lift-0001/data"}})
	_, url := startBroker(t, dir, "127.0.0.1:0")

	got := make(chan string, 10)
	s := connect(t, options(url, "plinth", "svc"))
	defer s.Disconnect(0)
	sub := s.Subscribe("plinth/v1/+/+/data", 1, func(_ mqtt.Client, m mqtt.Message) { got <- m.Topic() })
	if sub.WaitTimeout(5 * time.Second); sub.Error() != nil {
		t.Fatal(sub.Error())
	}
	d := connect(t, options(url, "lift-0001", "lift-0001"))
	defer d.Disconnect(0)
	for _, topic := range []string{"plinth/v1/lift/lift-0002/data", "plinth/v1/lift/lift-0001/data"} {
		d.Publish(topic, 1, false, "x").WaitTimeout(5 * time.Second)
	}
	if topic := <-got; topic != "plinth/v1/lift/lift-0001/data" {
		t.Errorf("delivered %s, want only the device's own topic", topic)
	}
	tok := d.Subscribe("plinth/v1/+/+/data", 1, nil).(*mqtt.SubscribeToken)
	tok.WaitTimeout(5 * time.Second)
	if tok.Result()["plinth/v1/+/+/data"] != 0x80 {
		t.Errorf("a device subscribed: %v", tok.Result())
	}
	if tok := mqtt.NewClient(options(url, "lift-0001", "x").SetPassword("wrong").SetConnectRetry(false)).Connect(); tok.
		WaitTimeout(5*time.Second) && tok.Error() == nil {
		t.Error("a wrong secret entered")
	}
}

func TestTheUsersFileIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	service := broker.User{Name: "plinth", Subscribe: []string{"t/#"}}
	writeUsers(t, dir, service)
	_, url := startBroker(t, dir, "127.0.0.1:0")
	device := broker.User{Name: "d1", Publish: []string{"t/d1"}}
	writeUsers(t, dir, service, device)
	lost := make(chan struct{}, 1)
	o := options(url, "d1", "d1").SetAutoReconnect(false).SetConnectionLostHandler(func(mqtt.Client, error) {
		lost <- struct{}{}
	})
	connect(t, o)
	writeUsers(t, dir, service)
	select {
	case <-lost:
	case <-time.After(10 * time.Second):
		t.Error("a removed user kept its connection")
	}
}

func TestMainNamesWhatIsMissing(t *testing.T) {
	for _, args := range [][]string{{}, {"--dir", t.TempDir()}, {"--dir", "x", "--users-file", "y", "--max-pending", "65000"}} {
		if err := broker.Main(t.Context(), args); err == nil {
			t.Errorf("Main(%q) = nil, want an error", args)
		}
	}
}
