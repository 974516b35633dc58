package district_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"plinth/internal/district"
	"plinth/internal/stack/broker"
	"plinth/internal/stack/stacktest"
)

// flaky is a sink that refuses every third attempt.
type flaky struct {
	tries  int
	events []string
}

func (f *flaky) Put(_ context.Context, es []district.Event) error {
	if f.tries++; f.tries%3 == 0 {
		return errors.New("away")
	}
	for _, e := range es {
		f.events = append(f.events, e.ID())
	}
	return nil
}

func TestFeedOffersAgainWhatASinkRefused(t *testing.T) {
	d := district.New(district.Config{Seed: 1, Start: start, Devices: 5})
	to := start.Add(time.Hour)
	var want []string
	for e := range d.Events(start, to) {
		want = append(want, e.ID())
	}
	sink := &flaky{}
	if err := d.Feed(t.Context(), district.Sinks{Events: sink}, to, 0); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(sink.events, " "); got != strings.Join(want, " ") || len(want) == 0 {
		t.Errorf("got %s, want %v", got, want)
	}
}

func TestFeedEndsWithItsContext(t *testing.T) {
	d := district.New(district.Config{Seed: 1, Start: start})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := d.Feed(ctx, district.Sinks{}, time.Time{}, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestPublisherDeliversEveryReadingAsItsDevice(t *testing.T) {
	b := stacktest.Broker(t)
	d := district.New(district.Config{Seed: 1, Start: start, Devices: 20, NoFaults: true})
	secret, err := os.ReadFile(b.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	password := strings.TrimSpace(string(secret))
	addUsers(t, filepath.Join(filepath.Dir(b.PasswordFile), "users"), d, "device-secret")

	to := start.Add(10 * time.Minute)
	want := map[string]bool{}
	for r := range d.Readings(start, to) {
		want[r.Device.Topic()+" "+string(r.Payload())] = true
	}
	got := subscribe(t, b.URL, b.User, password)
	p := district.NewPublisher(b.URL, 64, func(device string) (district.Login, error) {
		return district.Login{User: device, Password: "device-secret"}, nil
	})
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := d.Feed(ctx, district.Sinks{Readings: p}, to, 0); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if int(p.Acked()) != len(want) {
		t.Errorf("%d acknowledged of %d", p.Acked(), len(want))
	}
	for deadline := time.Now().Add(20 * time.Second); got.count() < len(want) && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	for m := range want {
		if !got.has(m) {
			t.Fatalf("lost %s (%d of %d came)", m, got.count(), len(want))
		}
	}
}

// addUsers lets the district's devices in beside who is in already.
func addUsers(t *testing.T, path string, d *district.District, secret string) {
	t.Helper()
	known, err := broker.ReadUsers(path)
	if err != nil {
		t.Fatal(err)
	}
	var users []broker.User
	for _, u := range known {
		users = append(users, u)
	}
	for _, dev := range d.Devices() {
		users = append(users, broker.User{Name: dev.ID, SHA256: broker.HashSecret(secret), Publish: []string{dev.Topic()}})
	}
	if err := broker.WriteUsers(path, users); err != nil {
		t.Fatal(err)
	}
}

type inbox struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (i *inbox) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.seen)
}

func (i *inbox) has(m string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.seen[m]
}

func subscribe(t *testing.T, url, user, password string) *inbox {
	t.Helper()
	in := &inbox{seen: map[string]bool{}}
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetUsername(user).SetPassword(password).
		SetClientID("district-test").SetCleanSession(true))
	if tok := c.Connect(); !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
		t.Fatalf("connect: %v", tok.Error())
	}
	t.Cleanup(func() { c.Disconnect(100) })
	tok := c.Subscribe("plinth/v1/+/+/data", 1, func(_ mqtt.Client, m mqtt.Message) {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.seen[m.Topic()+" "+string(m.Payload())] = true
	})
	if !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
		t.Fatalf("subscribe: %v", tok.Error())
	}
	return in
}
