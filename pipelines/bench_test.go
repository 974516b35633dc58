package pipelines_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"plinth/sensors"
)

// BenchmarkIngest measures MQTT QoS 1 → ClickHouse, one observation a message, acknowledged after the insert; generator,
// broker, service and database share the machine. Run it with -benchtime 100000x.
func BenchmarkIngest(b *testing.B) { benchmarkIngest(b, 1) }

// BenchmarkIngestPacked is the same with twenty observations a message.
func BenchmarkIngestPacked(b *testing.B) { benchmarkIngest(b, 20) }

func benchmarkIngest(b *testing.B, perMessage int) {
	l := newLab(b)
	const publishers = 8
	var devices []sensors.Device
	for i := range publishers {
		d := sensors.Device{ID: sensorsID(fmt.Sprintf("bench-%d", i)), Kind: "water_quality", Owner: "ecology", Interval: time.Second}
		for m := range perMessage {
			d.Metrics = append(d.Metrics, sensors.Metric{Name: fmt.Sprintf("m%d", m), Unit: "1"})
		}
		d, _, err := l.registry.Register(b.Context(), d)
		if err != nil {
			b.Fatal(err)
		}
		devices = append(devices, d)
	}
	l.broker.start(b)
	l.stream(b, "water_quality")
	var feeders sync.WaitGroup
	b.ResetTimer()
	for p, d := range devices {
		c := l.feeder(b, fmt.Sprintf("feeder-%d", p))
		feeders.Go(func() {
			window := make(chan struct{}, 500)
			var acks sync.WaitGroup
			for i := p; i < b.N; i += publishers {
				window <- struct{}{}
				tok := c.Publish(d.Topic(), 1, false, packed(i, perMessage))
				acks.Go(func() { tok.Wait(); <-window })
			}
			acks.Wait()
		})
	}
	feeders.Wait()
	await(b, "acknowledgement of all", 5*time.Minute, func() bool { return l.meter.Of("water_quality").Messages >= int64(b.N) })
	b.StopTimer()
	rows := b.N * perMessage
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	if got := l.count(b, `SELECT count() FROM plinth.reading FINAL`); got != rows {
		b.Fatalf("%d rows stored, want %d", got, rows)
	}
}

func packed(i, n int) string {
	body := fmt.Appendf(nil, `{"at":%q,"seq":%d,"v":{`, start.Add(time.Duration(i)*time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00"), i)
	for m := range n {
		if m > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `"m%d":%d.%d`, m, i%100, m)
	}
	return string(append(body, "}}"...))
}
