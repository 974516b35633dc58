package pipelines_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"plinth/internal/stack/stacktest"
)

// long tells whether the long version of a test is asked for.
func long() bool { return os.Getenv("PLINTH_LONG_TESTS") != "" }

// TestWhileClickHouseIsAwayMemoryIsBounded publishes more than the service may hold while ClickHouse is away: ten
// minutes of 2,000 messages a second in the long version.
func TestWhileClickHouseIsAwayMemoryIsBounded(t *testing.T) {
	f := newFactory(t, load{devices: 100, metrics: 1})
	f.clickhouse.kill(t)
	before := f.meter.Of("water_quality").Messages
	messages, pad, spent := 12_000, 4000, time.Duration(0)
	if long() {
		began := time.Now()
		stop := f.steady(t, 2000)
		time.Sleep(10 * time.Minute)
		stop()
		spent, messages = time.Since(began), int(f.sent.Load())
	} else {
		f.publishPadded(t, messages, pad)
	}
	await(t, "retries", time.Minute, func() bool { return f.meter.Of("water_quality").Retries >= 2 })
	if n := f.meter.Of("water_quality").Messages - before; n != 0 {
		t.Errorf("%d messages were acknowledged without a store", n)
	}
	if n := f.door.Waiting(); !long() && (n == 0 || n >= messages) {
		t.Errorf("%d of %d messages in hand, want some: the broker keeps the rest", n, messages)
	}
	if rss := residentBytes(t); rss > 512<<20 {
		t.Errorf("%d MiB resident, want 512 at most", rss>>20)
	}
	f.clickhouse.start(t)
	began := time.Now()
	await(t, "all rows", 10*time.Minute, func() bool { return f.count(t, `SELECT count() FROM plinth.reading FINAL`) == messages })
	took := time.Since(began)
	t.Logf("%d messages stored in %s after the store came back", messages, took)
	if long() && took > spent/2 {
		t.Errorf("caught up in %s with what came in %s, want twice the rate", took, spent)
	}
}

func residentBytes(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// TestWithMosquittoAKilledConsumerLosesNothing ends our own consumer twice with messages in hand.
func TestWithMosquittoAKilledConsumerLosesNothing(t *testing.T) {
	const messages = 30_000
	f := newFactory(t, load{devices: 100, metrics: 1, messages: messages})
	fed := make(chan struct{})
	go func() { defer close(fed); f.publish(t, 0, messages) }()
	rows := func() int { return f.count(t, `SELECT count() FROM plinth.reading FINAL`) }
	for _, share := range []int{5, 2} {
		await(t, "a part of the rows", time.Minute, func() bool { return rows() >= messages/share })
		f.stop() // what is in hand is given up unacknowledged, as by a kill
		f.stop = f.stream(t, "water_quality")
	}
	await(t, "all rows", 2*time.Minute, func() bool { return rows() == messages })
	<-fed
}

// TestAFloodOfInventedTopicsIsCountedAndCannotFillTheTable publishes under topics of nobody: 10^6 in the long version.
func TestAFloodOfInventedTopicsIsCountedAndCannotFillTheTable(t *testing.T) {
	f := newFactory(t, load{devices: 1, metrics: 1})
	topics := 20_000
	if long() {
		topics = 1_000_000
	}
	c := stacktest.NewPublisher(t, f.mqtt, stacktest.MosquittoFeeder, secret, "flood")
	for i := range topics {
		if err := c.Publish(fmt.Sprintf("plinth/v1/water_quality/nobody-%d/data", i), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Publish(f.devices[0].Topic(), message(nil, 1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(0); err != nil {
		t.Fatal(err)
	}
	await(t, "the good reading after the flood", 5*time.Minute, func() bool { return f.count(t, `SELECT count() FROM plinth.reading`) == 1 })
	await(t, "the count of all", time.Minute, func() bool { return f.meter.Of("water_quality").Dead == int64(topics) })
	whole := f.count(t, `SELECT count() FROM plinth.dead_letter WHERE payload = 'x'`)
	folded := f.count(t, `SELECT toUInt64(sum(toUInt64(extract(payload, '^[0-9]+')))) FROM plinth.dead_letter WHERE payload != 'x'`)
	if whole > 1000*(1+topics/100_000) || whole+folded != topics {
		t.Errorf("%d kept whole and %d counted, want at most 1000 a minute and %d in all", whole, folded, topics)
	}
}

// TestPoisonOfOneDomainIsCountedAndAnothersRowsAllArrive floods a domain while readings of another flow.
func TestPoisonOfOneDomainIsCountedAndAnothersRowsAllArrive(t *testing.T) {
	const poison = 20_000
	f := newFactory(t, load{devices: 100, metrics: 1, messages: 5000})
	f.stream(t, poisoned.Kind)
	c := stacktest.NewPublisher(t, f.mqtt, stacktest.MosquittoFeeder, secret, "poison")
	flooded := make(chan error, 1)
	go func() {
		for n := range poison {
			if err := f.publishPoison(c, n); err != nil {
				flooded <- err
				return
			}
		}
		flooded <- c.Flush(0)
	}()
	f.run(t)
	if err := <-flooded; err != nil {
		t.Fatal(err)
	}
	await(t, "the count of all poison", time.Minute, func() bool { return f.meter.Of(poisoned.Kind).Dead == poison })
	if n := f.count(t, `SELECT sum(n) FROM plinth.dead_letter FINAL WHERE source LIKE 'plinth/v1/lift/%'`); n != poison {
		t.Errorf("dead letters tell of %d messages, want %d", n, poison)
	}
	if n := f.count(t, `SELECT count() FROM plinth.dead_letter FINAL`); n > poison/4 {
		t.Errorf("%d dead letters, want those beyond a device's share counted and not kept", n)
	}
	if n := f.meter.Of("water_quality").Dead; n != 0 {
		t.Errorf("%d dead letters of the domain that had no poison", n)
	}
}

// TestAPayloadOfTenMegabytesIsADeadLetter checks that it neither stalls the stream nor stays in memory.
func TestAPayloadOfTenMegabytesIsADeadLetter(t *testing.T) {
	f := newFactory(t, load{devices: 1, metrics: 1})
	const size = 10 << 20
	c := stacktest.NewPublisher(t, f.mqtt, stacktest.MosquittoFeeder, secret, "large")
	for _, payload := range [][]byte{bytes.Repeat([]byte("x"), size), message(nil, 1, 1, 1)} {
		if err := c.Publish(f.devices[0].Topic(), payload); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Flush(0); err != nil {
		t.Fatal(err)
	}
	await(t, "the reading after it", time.Minute, func() bool { return f.count(t, `SELECT count() FROM plinth.reading`) == 1 })
	await(t, "the dead letter that names its size", time.Minute, func() bool {
		return f.count(t, fmt.Sprintf(`SELECT count() FROM plinth.dead_letter FINAL WHERE field = 'payload' AND reason LIKE '%%this has %d'`, size)) == 1
	})
}
