package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/rogpeppe/go-internal/testscript"
)

// sender publishes as one device at QoS 1, as a device in the field would.
type sender struct {
	device, topic string
	client        mqtt.Client
}

// newSender signs a device in at the house's broker. A new device is known to the broker a moment after it is registered.
func newSender(h *running, device, kind, password string) (*sender, error) {
	ports := map[string]int{}
	data, err := os.ReadFile(filepath.Join(h.data, "ports.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &ports); err != nil {
		return nil, err
	}
	options := mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tcp://127.0.0.1:%d", ports["broker"])).
		SetClientID(device).SetUsername(device).SetPassword(password).SetConnectTimeout(2 * time.Second).
		SetAutoReconnect(true).SetMaxReconnectInterval(time.Second).SetCleanSession(false).SetProtocolVersion(4)
	s := &sender{device, "plinth/v1/" + kind + "/" + device + "/data", mqtt.NewClient(options)}
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		token := s.client.Connect()
		if token.Wait() && token.Error() == nil {
			return s, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("connect as %s: %w", device, token.Error())
		}
	}
}

// send publishes one payload; nil means that the broker has acknowledged it.
func (s *sender) send(payload []byte) error {
	token := s.client.Publish(s.topic, 1, false, payload)
	if !token.WaitTimeout(3 * time.Second) {
		return errors.New("not acknowledged within 3 s")
	}
	return token.Error()
}

// cmdPublish: publish DEVICE KIND PASSWORD FILE sends each line of the file, which may hold $NAME, as one message.
func cmdPublish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: publish DEVICE KIND PASSWORD FILE")
	}
	s, err := newSender(ts.Value(runningKey{}).(*running), args[0], args[1], args[2])
	ts.Check(err)
	defer s.client.Disconnect(250)
	for _, line := range lines(os.Expand(ts.ReadFile(args[3]), ts.Getenv)) {
		ts.Check(s.send([]byte(line)))
	}
}

// feed publishes a reading twenty times a second through whatever happens, and keeps those that were acknowledged.
type feed struct {
	*sender
	metric string
	stop   chan struct{}
	done   sync.WaitGroup
	acked  []time.Time
}

func (f *feed) run() {
	defer f.done.Done()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for seq := 1; ; seq++ {
		at := time.Now().UTC().Truncate(time.Millisecond)
		payload := fmt.Appendf(nil, `{"at":%q,"seq":%d,"v":{%q:%d}}`, at.Format("2006-01-02T15:04:05.000Z07:00"), seq, f.metric, 30+seq%60)
		for f.send(payload) != nil { // the same message again: a device keeps what was not acknowledged
			select {
			case <-f.stop:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
		f.acked = append(f.acked, at)
		select {
		case <-f.stop:
			return
		case <-tick.C:
		}
	}
}

// cmdFeed: feed start DEVICE KIND PASSWORD METRIC, and feed stop, which checks that each acknowledged reading is stored once.
func cmdFeed(ts *testscript.TestScript, neg bool, args []string) {
	h := ts.Value(runningKey{}).(*running)
	switch {
	case !neg && len(args) == 5 && args[0] == "start" && h.feed == nil:
		s, err := newSender(h, args[1], args[2], args[3])
		ts.Check(err)
		h.feed = &feed{sender: s, metric: args[4], stop: make(chan struct{})}
		h.feed.done.Add(1)
		go h.feed.run()
	case !neg && len(args) == 1 && args[0] == "stop" && h.feed != nil:
		f := h.feed
		h.feed = nil
		close(f.stop)
		f.done.Wait()
		f.client.Disconnect(250)
		ts.Logf("%d readings were acknowledged", len(f.acked))
		ts.Check(f.check(h, time.Now().Add(90*time.Second)))
	default:
		ts.Fatalf("usage: feed start DEVICE KIND PASSWORD METRIC, feed stop")
	}
}

// check waits until all that was acknowledged is stored, and refuses a reading that is stored twice.
func (f *feed) check(h *running, deadline time.Time) error {
	if len(f.acked) == 0 {
		return errors.New("no reading was acknowledged")
	}
	for {
		stored, err := f.stored(h)
		missing := 0
		for _, at := range f.acked {
			switch n := stored[at.UnixMilli()]; {
			case n == 0:
				missing++
			case n > 1:
				return fmt.Errorf("the reading of %s is stored %d times", at, n)
			}
		}
		if err == nil && missing == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("of %d acknowledged readings %d are not stored (%w)", len(f.acked), missing, err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// stored counts the rows of each moment, minute by minute, so that no answer is thinned.
func (f *feed) stored(h *running) (map[int64]int, error) {
	counts := map[int64]int{}
	for from := f.acked[0]; !from.After(f.acked[len(f.acked)-1]); from = from.Add(time.Minute) {
		q := url.Values{"metric": {f.metric}, "from": {from.Format(time.RFC3339Nano)},
			"to": {from.Add(time.Minute).Format(time.RFC3339Nano)}, "max_points": {"5000"}}
		status, answer, err := h.as("operator", "GET", "/v1/devices/"+f.device+"/readings?"+q.Encode(), nil)
		if err != nil || status != 200 {
			return nil, fmt.Errorf("readings: %d %.200s %w", status, answer, err)
		}
		var page struct {
			Points []struct {
				At    time.Time
				Count int `json:",string"`
			}
			BucketS int
		}
		if err := json.Unmarshal(answer, &page); err != nil || page.BucketS != 0 {
			return nil, fmt.Errorf("readings in buckets of %d s: %w", page.BucketS, err)
		}
		for _, p := range page.Points {
			counts[p.At.UnixMilli()] += p.Count
		}
	}
	return counts, nil
}
