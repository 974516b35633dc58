package broker_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"plinth/internal/stack/broker"
	"plinth/internal/stack/stacktest"
	"plinth/sensors"
	door "plinth/sensors/mqtt"
)

// secure is a broker with a certificate of its own authority, told who is refused.
type secure struct {
	dir, url string
	trust    *tls.Config
}

func startSecure(t *testing.T, users ...broker.User) secure {
	t.Helper()
	dir := t.TempDir()
	files, err := broker.LocalTLS(filepath.Join(dir, "tls"), []string{"127.0.0.1", "localhost"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	writeUsers(t, dir, users...)
	_, url := startBroker(t, dir, "127.0.0.1:0", "--tls-cert", files.Cert, "--tls-key", files.Key, "--refused-dir", filepath.Join(dir, "refused"))
	return secure{dir, url, trusting(t, files.CA)}
}

func trusting(t *testing.T, ca string) *tls.Config {
	t.Helper()
	data, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		t.Fatal("no certificate of the authority")
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func (s secure) options(user string) *mqtt.ClientOptions {
	return options(s.url, user, user).SetTLSConfig(s.trust).SetConnectRetry(false)
}

// awaitRefused waits until the broker has told of a refusal.
func (s secure) awaitRefused(t *testing.T, want broker.Refused) {
	t.Helper()
	await(t, func() (found bool) {
		err := broker.TakeRefused(filepath.Join(s.dir, "refused"), func(rs []broker.Refused) error {
			for _, r := range rs {
				found = found || r.What == want.What && r.User == want.User && r.Topic == want.Topic && r.N > 0 && !r.At.IsZero()
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	})
}

var (
	service = broker.User{Name: "plinth", Subscribe: []string{"plinth/v1/+/+/data"}}
	lift    = broker.User{Name: "lift-0001", Publish: []string{"plinth/v1/lift/lift-0001/data"}, Client: "lift-0001"}
)

func TestADeviceThatPublishesAsAnotherIsDroppedAndNamed(t *testing.T) {
	s := startSecure(t, service, lift)
	got := make(chan string, 10)
	reader := connect(t, s.options("plinth"))
	defer reader.Disconnect(0)
	if sub := reader.Subscribe("plinth/v1/+/+/data", 1, func(_ mqtt.Client, m mqtt.Message) { got <- m.Topic() }); !sub.WaitTimeout(10*time.Second) || sub.Error() != nil {
		t.Fatal(sub.Error())
	}
	d := connect(t, s.options("lift-0001"))
	defer d.Disconnect(0)
	for _, topic := range []string{"plinth/v1/lift/lift-0002/data", "plinth/v1/lift/lift-0001/data"} {
		if tok := d.Publish(topic, 1, false, "x"); !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
			t.Fatalf("publish to %s: %v", topic, tok.Error())
		}
	}
	if topic := <-got; topic != "plinth/v1/lift/lift-0001/data" {
		t.Errorf("delivered %s, want the device's own topic alone", topic)
	}
	s.awaitRefused(t, broker.Refused{What: "publish", User: "lift-0001", Topic: "plinth/v1/lift/lift-0002/data"})
}

func TestAForbiddenSubscriptionIsRefusedAndNamed(t *testing.T) {
	s := startSecure(t, service, lift)
	d := connect(t, s.options("lift-0001"))
	defer d.Disconnect(0)
	tok := d.Subscribe("plinth/v1/+/+/data", 1, nil).(*mqtt.SubscribeToken)
	if tok.WaitTimeout(10 * time.Second); tok.Result()["plinth/v1/+/+/data"] != 0x80 {
		t.Errorf("a device subscribed: %v", tok.Result())
	}
	s.awaitRefused(t, broker.Refused{What: "subscribe", User: "lift-0001", Topic: "plinth/v1/+/+/data"})
}

func TestAMessageThatIsTooLargeCutsItsSessionAndIsNamed(t *testing.T) {
	s := startSecure(t, service, lift)
	d := connect(t, s.options("lift-0001").SetAutoReconnect(false))
	defer d.Disconnect(0)
	d.Publish("plinth/v1/lift/lift-0001/data", 1, false, make([]byte, 10<<20))
	s.awaitRefused(t, broker.Refused{What: "size", User: "lift-0001"})
	await(t, func() bool { return !d.IsConnected() })
}

func TestAClientDoesNotTrustAnotherAuthority(t *testing.T) {
	s := startSecure(t, lift)
	other, err := broker.LocalTLS(t.TempDir(), []string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	tok := mqtt.NewClient(s.options("lift-0001").SetTLSConfig(trusting(t, other.CA))).Connect()
	if tok.WaitTimeout(10*time.Second) && tok.Error() == nil {
		t.Error("a broker of another authority was trusted")
	}
}

func TestAWrongSecretIsRefusedAndNamed(t *testing.T) {
	s := startSecure(t, lift)
	if tok := mqtt.NewClient(s.options("lift-0001").SetPassword("wrong")).Connect(); tok.WaitTimeout(10*time.Second) && tok.Error() == nil {
		t.Error("a wrong secret entered")
	}
	s.awaitRefused(t, broker.Refused{What: "sign in", User: "lift-0001"})
}

// lostOf connects and tells when the broker cuts the session.
func lostOf(t *testing.T, o *mqtt.ClientOptions) <-chan struct{} {
	t.Helper()
	lost := make(chan struct{}, 1)
	connect(t, o.SetAutoReconnect(false).SetConnectionLostHandler(func(mqtt.Client, error) { lost <- struct{}{} }))
	return lost
}

func awaitLost(t *testing.T, lost <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-lost:
	case <-time.After(60 * time.Second):
		t.Errorf("%s kept its session", what)
	}
}

func TestARevokedCredentialCutsTheSession(t *testing.T) {
	s := startSecure(t, lift)
	lost := lostOf(t, s.options("lift-0001"))
	writeUsers(t, s.dir)
	awaitLost(t, lost, "a retired device")
	if tok := mqtt.NewClient(s.options("lift-0001")).Connect(); tok.WaitTimeout(10*time.Second) && tok.Error() == nil {
		t.Error("a retired device entered")
	}
}

func TestTheOldCredentialHoldsUntilItsGraceEnds(t *testing.T) {
	s := startSecure(t, lift)
	lost := lostOf(t, s.options("lift-0001"))
	next := lift
	next.SHA256, next.Old, next.OldUntil = broker.HashSecret("the next one"), broker.HashSecret(secret), time.Now().Add(3*time.Second)
	if err := broker.WriteUsers(filepath.Join(s.dir, "users"), []broker.User{next}); err != nil {
		t.Fatal(err)
	}
	awaitLost(t, lost, "an old credential whose grace is over")
	if time.Now().Before(next.OldUntil) {
		t.Error("the old credential was cut within its grace")
	}
	connect(t, s.options("lift-0001").SetPassword("the next one")).Disconnect(0)
}

// TestADeviceCannotTakeOverAnothersSession: MQTT ends the session that has the client id of one who enters.
func TestADeviceCannotTakeOverAnothersSession(t *testing.T) {
	other := broker.User{Name: "lift-00011", Publish: []string{"plinth/v1/lift/lift-00011/data"}, Client: "lift-00011"}
	s := startSecure(t, service, lift, other)
	lost := make(chan string, 10)
	held := func(user, client string) mqtt.Client {
		o := s.options(user).SetClientID(client).SetAutoReconnect(false)
		return connect(t, o.SetConnectionLostHandler(func(mqtt.Client, error) { lost <- client }))
	}
	sessions := []mqtt.Client{held("lift-00011", "lift-00011"), held("lift-00011", "lift-00011:b"), held("plinth", "plinth-lift")}
	for _, taken := range []string{"lift-00011", "lift-00011:b", "plinth-lift", "lift-0001-x", "no-one", "lift-00010000000000000"} {
		if tok := mqtt.NewClient(s.options("lift-0001").SetClientID(taken)).Connect(); tok.WaitTimeout(10*time.Second) && tok.Error() == nil {
			t.Errorf("lift-0001 entered as %s", taken)
		}
		s.awaitRefused(t, broker.Refused{What: "client id", User: "lift-0001", Topic: taken})
	}
	for _, c := range sessions {
		if !c.IsConnectionOpen() {
			t.Error("a session was interrupted")
		}
	}
	if len(lost) > 0 {
		t.Errorf("the session of %s was interrupted", <-lost)
	}
}

func TestADeviceEntersUnderItsOwnClientIDOrNone(t *testing.T) {
	s := startSecure(t, lift)
	for _, own := range []string{"lift-0001", "lift-0001:spare", ""} {
		connect(t, s.options("lift-0001").SetClientID(own).SetCleanSession(true)).Disconnect(0)
	}
}

func TestTheAuthorityStaysWhenTheCertificateEnds(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	read := func(f string) string {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	first, err := broker.LocalTLS(dir, []string{"127.0.0.1"}, now)
	if err != nil {
		t.Fatal(err)
	}
	ca, cert := read(first.CA), read(first.Cert)
	for _, tt := range []struct {
		what  string
		names []string
		at    time.Time
		same  bool
	}{{"at once", []string{"127.0.0.1"}, now, true}, {"a year on", []string{"127.0.0.1"}, now.AddDate(1, 0, 10), false},
		{"for another name", []string{"127.0.0.1", "broker.example"}, now.AddDate(1, 0, 11), false}} {
		again, err := broker.LocalTLS(dir, tt.names, tt.at)
		if err != nil || read(again.CA) != ca {
			t.Fatalf("%s: the authority changed, %v", tt.what, err)
		}
		if now := read(again.Cert); (now == cert) != tt.same {
			t.Errorf("%s: the certificate is the same: %v, want %v", tt.what, now == cert, tt.same)
		}
		cert = read(again.Cert)
	}
}

func TestTheServicesDoorReadsOverTLS(t *testing.T) {
	s := startSecure(t, service, lift)
	door, err := door.Open(door.Config{URL: s.url, User: "plinth", Password: secret, ClientID: "svc", TLS: s.trust}, sensors.Part{Domain: "lift"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	await(t, func() bool { return door.Ready() == nil })
	d := connect(t, s.options("lift-0001"))
	defer d.Disconnect(0)
	d.Publish("plinth/v1/lift/lift-0001/data", 1, false, "x")
	select {
	case p := <-door.Parcels():
		if len(p.Messages) != 1 || p.Messages[0].Topic != "plinth/v1/lift/lift-0001/data" {
			t.Errorf("got %v", p.Messages)
		}
		p.Ack(false)
	case <-time.After(60 * time.Second):
		t.Error("the device's message did not come")
	}
}

// TestADoorThatAcknowledgesNothingKeepsItsConnection holds a whole window for longer than the broker waits, as while the
// store is away: nothing comes twice, and what is behind the window comes at once afterwards.
func TestADoorThatAcknowledgesNothingKeepsItsConnection(t *testing.T) {
	const total, size = 10_000, 1200
	dir := t.TempDir()
	writeUsers(t, dir, broker.User{Name: "plinth", Publish: []string{"plinth/v1/lift/+/data"}, Subscribe: []string{"plinth/v1/lift/+/data"}})
	_, url := startBroker(t, dir, "127.0.0.1:0", "--ack-wait", "1s")
	d, err := door.Open(door.Config{URL: url, User: "plinth", Password: secret, ClientID: "svc"}, sensors.Part{Domain: "lift"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	await(t, func() bool { return d.Ready() == nil })
	devices := stacktest.NewPublisher(t, strings.TrimPrefix(url, "tcp://"), "plinth", secret, "devices")
	for n := range total {
		if err := devices.Publish("plinth/v1/lift/l-1/data", binary.BigEndian.AppendUint32(make([]byte, size-4), uint32(n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := devices.Flush(0); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return d.Waiting() == broker.Window })
	time.Sleep(3 * time.Second) // the broker's wait ends by the clock, there is nothing else to wait for
	times := map[uint32]int{}
	for len(times) < total {
		select {
		case p := <-d.Parcels():
			for _, m := range p.Messages {
				times[binary.BigEndian.Uint32(m.Payload[size-4:])]++
			}
			p.Ack(false)
		case <-time.After(5 * time.Second):
			t.Fatalf("%d of %d messages came", len(times), total)
		}
	}
	for n, came := range times {
		if came != 1 {
			t.Fatalf("message %d came %d times", n, came)
		}
	}
}
