package pipelines_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"plinth"
	"plinth/sensors"
)

func sensorsID(id string) plinth.DeviceID { return plinth.DeviceID(id) }

var start = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// payload is the i-th message of a device: two readings.
func payload(i int) string {
	return fmt.Sprintf(`{"at":%q,"seq":%d,"v":{"ph":7.%d,"do":6.%d}}`, start.Add(time.Duration(i)*time.Second).
		Format("2006-01-02T15:04:05.000Z07:00"), i, i%10, i%7)
}

// publish sends messages [from, to) of d with at most 500 under way.
func publish(c paho.Client, d sensors.Device, from, to int) {
	window := make(chan paho.Token, 500)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for tok := range window {
			tok.Wait() // over a reconnect a token tells nothing; the store's count decides
		}
	}()
	for i := from; i < to; i++ {
		window <- c.Publish(d.Topic(), 1, false, payload(i))
	}
	close(window)
	<-done
}

// TestNothingAcknowledgedIsLostOrSeenTwice kills ClickHouse, the broker and our own consumer while readings flow.
func TestNothingAcknowledgedIsLostOrSeenTwice(t *testing.T) {
	l := newLab(t)
	d := l.device(t, "wq-1", "water_quality")
	l.broker.start(t)
	stop := l.stream(t, d.Kind)
	feeder := l.feeder(t, "feeder")
	const total = 30_000
	fed := make(chan struct{})
	go func() { defer close(fed); publish(feeder, d, 0, total) }()
	rows := func() int { return l.count(t, `SELECT count() FROM plinth.reading FINAL WHERE device = 'wq-1'`) }

	await(t, "the first rows", time.Minute, func() bool { return rows() > 2000 })
	l.clickhouse.kill(t)
	l.clickhouse.start(t)
	await(t, "rows after ClickHouse came back", time.Minute, func() bool { return rows() > 15_000 })
	l.broker.kill(t)
	l.broker.start(t)
	await(t, "rows after the broker came back", time.Minute, func() bool { return rows() > 25_000 })
	stop() // what is in hand is given up unacknowledged, as by a kill
	l.stream(t, d.Kind)

	await(t, "all rows", 90*time.Second, func() bool { return rows() == 2*total })
	<-fed
	if n := l.count(t, `SELECT uniqExact(metric, at, seq) FROM plinth.reading WHERE device = 'wq-1'`); n != 2*total {
		t.Errorf("%d identities, want %d", n, 2*total)
	}
	if n := l.count(t, `SELECT count() FROM plinth.dead_letter`); n != 0 {
		t.Errorf("%d dead letters, want none", n)
	}
}

// TestPoisonGoesToDeadLettersAndStallsNobody floods one domain with messages that cannot be used.
func TestPoisonGoesToDeadLettersAndStallsNobody(t *testing.T) {
	l := newLab(t)
	water, lift := l.device(t, "wm-1", "water_meter"), l.device(t, "lift-1", "lift")
	l.broker.start(t)
	l.stream(t, water.Kind)
	l.stream(t, lift.Kind)
	feeder := l.feeder(t, "feeder")
	poison := map[string]string{
		"not json":         "pH=7",
		"two keys":         `{"at":"2026-11-24T00:00:00Z","seq":1,"v":{"ph":7,"ph":8}}`,
		"NaN":              `{"at":"2026-11-24T00:00:00Z","seq":1,"v":{"ph":NaN}}`,
		"year 2999":        `{"at":"2999-01-01T00:00:00Z","seq":1,"v":{"ph":7}}`,
		"unknown metric":   `{"at":"2026-11-24T00:00:00Z","seq":1,"v":{"x":7}}`,
		"not UTF-8":        "{\"at\":\"\xff\",\"v\":{}}",
		"SQL":              `'; DROP TABLE plinth.reading; --`,
		"far too large":    `{"at":"` + strings.Repeat("x", 200<<10) + `"}`,
		"nothing":          "",
		"sequence too far": `{"at":"2026-11-24T00:00:00Z","seq":18446744073709551616,"v":{"ph":7}}`,
	}
	const rounds = 200
	go func() {
		for range rounds {
			for _, body := range poison {
				feeder.Publish(water.Topic(), 1, false, body)
			}
			feeder.Publish("plinth/v1/water_meter/nobody/data", 1, false, payload(1))
		}
	}()
	began := time.Now()
	l.feeder(t, "lifts").Publish(lift.Topic(), 1, false, payload(1)).Wait()
	await(t, "the lift's reading", 20*time.Second, func() bool {
		return l.count(t, `SELECT count() FROM plinth.reading WHERE device = 'lift-1'`) == 2
	})
	t.Logf("a lift's reading was there after %s under the flood of another domain", time.Since(began))
	await(t, "each poison as one dead letter", time.Minute, func() bool {
		return l.count(t, `SELECT count() FROM plinth.dead_letter FINAL`) == len(poison)+1
	})
	feeder.Publish(water.Topic(), 1, false, payload(5))
	await(t, "a good reading after the poison", time.Minute, func() bool {
		return l.count(t, `SELECT count() FROM plinth.reading WHERE device = 'wm-1'`) == 2
	})
	await(t, "acknowledgement of all", time.Minute, func() bool {
		return l.meter.Of("water_meter").Messages >= rounds*int64(len(poison)+1)
	})
}

func TestADoubtfulClockIsFlaggedAndStored(t *testing.T) {
	l := newLab(t)
	d := l.device(t, "wq-2", "water_quality")
	l.broker.start(t)
	l.stream(t, d.Kind)
	f := l.feeder(t, "feeder")
	for i, at := range []string{"1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z"} {
		f.Publish(d.Topic(), 1, false, fmt.Sprintf(`{"at":%q,"seq":%d,"v":{"ph":7}}`, at, i)).Wait()
	}
	await(t, "both readings with the flag", 20*time.Second, func() bool {
		return l.count(t, fmt.Sprintf(`SELECT count() FROM plinth.reading FINAL WHERE flags = %d`, sensors.Clock)) == 2
	})
}

// TestWhileClickHouseIsAwayNothingIsAcknowledged checks the other half of law 1: no false acknowledgement.
func TestWhileClickHouseIsAwayNothingIsAcknowledged(t *testing.T) {
	l := newLab(t)
	d := l.device(t, "wq-3", "water_quality")
	l.broker.start(t)
	l.stream(t, d.Kind)
	l.clickhouse.kill(t)
	publish(l.feeder(t, "feeder"), d, 0, 1000)
	await(t, "retries", 20*time.Second, func() bool { return l.meter.Of(d.Kind).Retries >= 2 })
	if n := l.meter.Of(d.Kind).Messages; n != 0 {
		t.Fatalf("%d messages acknowledged while the store was away", n)
	}
	l.clickhouse.start(t)
	await(t, "all rows", time.Minute, func() bool {
		return l.count(t, `SELECT count() FROM plinth.reading FINAL WHERE device = 'wq-3'`) == 2000
	})
}
