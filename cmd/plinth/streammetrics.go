package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"plinth/pipelines"
)

// streamMetrics shows the streams' counts to Prometheus, read when it asks.
type streamMetrics struct {
	meter   *pipelines.Meter
	waiting func() map[string]int
}

func streamDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("plinth_stream_"+name, help, []string{"domain"}, nil)
}

var (
	streamMessages = streamDesc("messages_total", "Messages acknowledged.")
	streamRows     = streamDesc("rows_total", "Readings stored.")
	streamDead     = streamDesc("dead_letters_total", "Dead letters stored.")
	streamBatches  = streamDesc("batches_total", "Inserts acknowledged.")
	streamRetries  = streamDesc("retries_total", "Inserts that the store did not take.")
	streamBusy     = streamDesc("insert_seconds_total", "Time spent in inserts.")
	streamWaiting  = streamDesc("waiting_messages", "Messages taken from the broker and not yet acknowledged.")
)

// Describe implements prometheus.Collector.
func (streamMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{streamMessages, streamRows, streamDead, streamBatches, streamRetries, streamBusy,
		streamWaiting} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s streamMetrics) Collect(out chan<- prometheus.Metric) {
	for _, c := range s.meter.Counts() {
		for d, v := range map[*prometheus.Desc]float64{streamMessages: float64(c.Messages), streamRows: float64(c.Rows),
			streamDead: float64(c.Dead), streamBatches: float64(c.Batches), streamRetries: float64(c.Retries),
			streamBusy: c.Busy.Seconds()} {
			out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, c.Domain)
		}
	}
	for domain, n := range s.waiting() {
		out <- prometheus.MustNewConstMetric(streamWaiting, prometheus.GaugeValue, float64(n), domain)
	}
}
