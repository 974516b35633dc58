package pipelines_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/stack/stacktest"
	"plinth/pipelines"
	"plinth/sensors"
)

// BenchmarkIngest measures MQTT QoS 1 → ClickHouse, one observation a message, acknowledged after the insert; generator,
// Mosquitto, service and database share the machine. Run it with -benchtime 400000x or more: start and end weigh.
func BenchmarkIngest(b *testing.B) {
	measureIngest(b, load{devices: 1000, metrics: 1, messages: b.N})
}

// BenchmarkIngestPacked is the same with twenty observations a message.
func BenchmarkIngestPacked(b *testing.B) {
	measureIngest(b, load{devices: 1000, metrics: 20, messages: b.N})
}

// BenchmarkIngestDurability compares the modes of durability: messages a second with fsync over those without.
func BenchmarkIngestDurability(b *testing.B) {
	var rates []float64
	for _, mode := range []clickhouse.Durability{clickhouse.Standard, clickhouse.Fsync} {
		f := newFactory(b, load{devices: 1000, metrics: 1, messages: b.N, durability: mode})
		rates = append(rates, float64(b.N)/f.run(b).Seconds())
	}
	b.ReportMetric(rates[0], "standard-rows/s")
	b.ReportMetric(rates[1], "fsync-rows/s")
}

// BenchmarkIngestGrowth compares processor time: ten times the devices with ten times the rows.
func BenchmarkIngestGrowth(b *testing.B) {
	var cpu []time.Duration
	for _, devices := range []int{1000, 10_000} {
		f := newFactory(b, load{devices: devices, metrics: 1, messages: b.N * devices / 1000})
		before := f.cpu(b)
		f.run(b)
		cpu = append(cpu, f.cpu(b)-before)
	}
	b.ReportMetric(float64(cpu[1])/float64(cpu[0]), "growth")
}

// BenchmarkQueryable measures how long after its publication a reading is seen by a SELECT, while others flow at a
// steady rate. Run it with -benchtime 200x: as many readings are followed.
func BenchmarkQueryable(b *testing.B) {
	f := newFactory(b, load{devices: 1000, metrics: 1})
	stop := f.steady(b, 20_000)
	defer stop()
	b.ResetTimer()
	took := f.follow(b, "probe", b.N)
	b.StopTimer()
	b.ReportMetric(milliseconds(took, 50), "p50-ms")
	b.ReportMetric(milliseconds(took, 99), "p99-ms")
}

// BenchmarkPoison measures the same at 5,000 readings a second while another domain gets 5,000 messages a second that cannot
// be used, and before that without them.
func BenchmarkPoison(b *testing.B) {
	f := newFactory(b, load{devices: 1000, metrics: 1})
	f.stream(b, poisoned.Kind)
	defer f.steady(b, 5000)()
	b.ResetTimer()
	quiet := f.follow(b, "quiet", b.N)
	stop := f.flow(b, "poison", 5000, f.publishPoison)
	flooded := f.follow(b, "flooded", b.N)
	stop()
	b.StopTimer()
	dead := f.meter.Of(poisoned.Kind).Dead
	if dead == 0 {
		b.Fatal("no poison was taken")
	}
	b.ReportMetric(float64(dead), "letters")
	b.ReportMetric(milliseconds(quiet, 99), "quiet-p99-ms")
	b.ReportMetric(milliseconds(flooded, 99), "p99-ms")
}

// follow publishes n readings of its own, one after the other, and returns in order how long each took until it was seen by
// a SELECT.
func (f *factory) follow(b *testing.B, id string, n int) []time.Duration {
	b.Helper()
	probe := stacktest.NewPublisher(b, f.mqtt, stacktest.MosquittoFeeder, secret, id)
	took := make([]time.Duration, 0, n)
	for range n {
		f.followed++
		d, seq := f.devices[f.followed%len(f.devices)], 1<<40+f.followed
		began := time.Now()
		if err := probe.Publish(d.Topic(), message(nil, int64(f.followed), uint64(seq), 1)); err != nil {
			b.Fatal(err)
		}
		if err := probe.Flush(publisherOpen); err != nil {
			b.Fatal(err)
		}
		sql := fmt.Sprintf(`SELECT count() FROM plinth.reading WHERE metric = 'm0' AND device = '%s' AND seq = %d`, d.ID, seq)
		for f.count(b, sql) == 0 {
			time.Sleep(2 * time.Millisecond)
		}
		took = append(took, time.Since(began))
		time.Sleep(7 * time.Millisecond) // so that probes come at every phase of a batch
	}
	slices.Sort(took)
	return took
}

// milliseconds is a percentile of times in order.
func milliseconds(took []time.Duration, percent int) float64 {
	return took[(len(took)*percent-1)/100].Seconds() * 1000
}

// publisherOpen lets a probe go on without its PUBACK.
const publisherOpen = 1000

func measureIngest(b *testing.B, w load) {
	f := newFactory(b, w)
	before := f.processors(b)
	b.ResetTimer()
	took := f.run(b)
	b.StopTimer()
	b.ReportMetric(float64(w.messages*w.metrics)/took.Seconds(), "rows/s")
	for i, after := range f.processors(b) {
		b.ReportMetric((after-before[i]).Seconds()*1e6/float64(w.messages), []string{"own", "broker", "store"}[i]+"-us/message")
	}
}

// load is what flows in a benchmark.
type load struct {
	devices, metrics, messages int
	durability                 clickhouse.Durability
}

// factory is Mosquitto, ClickHouse and a stream between them, without Postgres.
type factory struct {
	*lab
	load
	devices   []sensors.Device
	mosquitto *stacktest.Mosquitto
	stop      func()       // of the stream
	sent      atomic.Int64 // by steady
	followed  int          // by follow
}

// poisoned is a device of another domain than those that a load is from.
var poisoned = sensors.Device{ID: "bench-lift", Kind: "lift", Owner: "market", Interval: time.Second}

func shelved(devices, metrics int) []sensors.Device {
	var out []sensors.Device
	for i := range devices {
		d := sensors.Device{ID: plinth.DeviceID(fmt.Sprintf("bench-%05d", i)), Kind: "water_quality", Owner: "ecology", Interval: time.Second}
		for m := range metrics {
			d.Metrics = append(d.Metrics, sensors.Metric{Name: "m" + strconv.Itoa(m), Unit: "1"})
		}
		out = append(out, d)
	}
	return out
}

// newFactory is a floor on which our stream runs.
func newFactory(t testing.TB, w load) *factory {
	t.Helper()
	f := newFloor(t, w)
	f.stop = f.stream(t, "water_quality")
	return f
}

// newFloor is a factory in which nothing moves the messages.
func newFloor(t testing.TB, w load) *factory {
	t.Helper()
	dir := t.TempDir()
	f := &factory{load: w, devices: shelved(w.devices, w.metrics), mosquitto: stacktest.StartMosquitto(t),
		lab: &lab{watch: sensors.NewWatch(time.Now), meter: &pipelines.Meter{}, log: slog.New(slog.DiscardHandler)}}
	f.mqtt, f.service = f.mosquitto.Addr, "unix://"+f.mosquitto.Socket
	f.clickhouse = &engine{name: "clickhouse", listen: freePort(t), args: []string{"--dir", filepath.Join(dir, "clickhouse")}}
	f.clickhouse.start(t)
	f.openClickHouse(t, dir, w.durability)
	var err error
	if f.registry, err = sensors.Open(t.Context(), shelf{devices: append([]sensors.Device{poisoned}, f.devices...)}, nil, f.log); err != nil {
		t.Fatal(err)
	}
	return f
}

// run publishes all messages and returns how long it took until the last was acknowledged, that is, stored.
func (f *factory) run(t testing.TB) time.Duration {
	t.Helper()
	began := time.Now()
	f.publish(t, 0, f.messages)
	await(t, "acknowledgement of all", 10*time.Minute, func() bool {
		return f.meter.Of("water_quality").Messages >= int64(f.messages)
	})
	took := time.Since(began)
	if n := f.meter.Of("water_quality").Messages; n > int64(f.messages) {
		t.Errorf("%d messages were delivered again: the time tells nothing", n-int64(f.messages))
	}
	if got, want := f.count(t, `SELECT count() FROM plinth.reading FINAL`), f.messages*f.metrics; got != want {
		t.Fatalf("%d rows stored, want %d", got, want)
	}
	return took
}

// publish sends messages [from, to) over several connections.
func (f *factory) publish(t testing.TB, from, to int) {
	t.Helper()
	const publishers = 4
	var wg sync.WaitGroup
	for p := range publishers {
		c := stacktest.NewPublisher(t, f.mqtt, stacktest.MosquittoFeeder, secret, fmt.Sprintf("load-%d-%d", from, p))
		wg.Go(func() {
			var body []byte
			for i := from + p; i < to; i += publishers {
				d := &f.devices[i%len(f.devices)]
				body = message(body[:0], int64(i), uint64(i), f.metrics)
				if err := c.Publish(d.Topic(), body); err != nil {
					t.Error(err)
					return
				}
			}
			if err := c.Flush(0); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// publishPadded sends messages that are large for what they say.
func (f *factory) publishPadded(t testing.TB, n, pad int) {
	t.Helper()
	c := stacktest.NewPublisher(t, f.mqtt, stacktest.MosquittoFeeder, secret, "padded")
	blanks := bytes.Repeat([]byte(" "), pad)
	for i := range n {
		body := append(message(nil, int64(i), uint64(i), f.metrics), blanks...)
		if err := c.Publish(f.devices[i%len(f.devices)].Topic(), body); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Flush(0); err != nil {
		t.Fatal(err)
	}
}

// steady publishes readings at a rate until stop is called.
func (f *factory) steady(t testing.TB, perSecond int) (stop func()) {
	t.Helper()
	var body []byte
	return f.flow(t, "steady", perSecond, func(c *stacktest.Publisher, n int) error {
		body = message(body[:0], int64(n), uint64(n), 1)
		f.sent.Add(1)
		return c.Publish(f.devices[n%len(f.devices)].Topic(), body)
	})
}

// publishPoison publishes what cannot be used: every second message is of a device that is not registered, the others are
// not understood. No two are equal.
func (f *factory) publishPoison(c *stacktest.Publisher, n int) error {
	d := poisoned
	if n%2 == 0 {
		d.ID = plinth.DeviceID("nobody-" + strconv.Itoa(n))
	}
	return c.Publish(d.Topic(), fmt.Appendf(nil, "poison %d", n))
}

// flow has message 0, 1, … published at a rate until stop is called, which returns when the broker has all.
func (f *factory) flow(t testing.TB, id string, perSecond int, publish func(c *stacktest.Publisher, n int) error) (stop func()) {
	t.Helper()
	c := stacktest.NewPublisher(t, f.mqtt, stacktest.MosquittoFeeder, secret, id)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		began, sent := time.Now(), 0
		for {
			select {
			case <-done:
				_ = c.Flush(0) // a broken connection shows in what is counted
				return
			case <-tick.C:
			}
			for due := int(time.Since(began).Seconds() * float64(perSecond)); sent < due; sent++ {
				if err := publish(c, sent); err != nil {
					return
				}
			}
			if err := c.Flush(publisherOpen); err != nil {
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// message appends a payload of n observations.
func message(b []byte, ms int64, seq uint64, n int) []byte {
	b = start.Add(time.Duration(ms)*time.Millisecond).AppendFormat(append(b, `{"at":"`...), "2006-01-02T15:04:05.000Z07:00")
	b = append(strconv.AppendUint(append(b, `","seq":`...), seq, 10), `,"v":{`...)
	for m := range n {
		if m > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendInt(append(b, `"m`...), int64(m), 10), `":`...)
		b = strconv.AppendInt(append(strconv.AppendInt(b, ms%100, 10), '.'), int64(m), 10)
	}
	return append(b, "}}"...)
}

// processors is the processor time so far of the generator and the service, of the broker, and of the database.
func (f *factory) processors(t testing.TB) []time.Duration {
	t.Helper()
	var took []time.Duration
	for _, pid := range []int{os.Getpid(), f.mosquitto.PID(), f.clickhouse.cmd.Process.Pid} {
		took = append(took, processorTime(t, pid))
	}
	return took
}

// cpu is the sum of processors.
func (f *factory) cpu(t testing.TB) time.Duration {
	t.Helper()
	sum := time.Duration(0)
	for _, d := range f.processors(t) {
		sum += d
	}
	return sum
}

// processorTime reads fields 14 and 15 of /proc/<pid>/stat: clock ticks, of which Linux shows 100 a second.
func processorTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
