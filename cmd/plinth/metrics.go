package main

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of the rooms, read when they are asked for. The calls' own metrics are in api.
var (
	messagesDesc = prometheus.NewDesc("plinth_stream_messages_total", "Messages acknowledged, by domain.", []string{"domain"}, nil)
	rowsDesc     = prometheus.NewDesc("plinth_stream_rows_total", "Readings stored, by domain.", []string{"domain"}, nil)
	deadDesc     = prometheus.NewDesc("plinth_stream_dead_letters_total", "Dead letters, by domain.", []string{"domain"}, nil)
	retriesDesc  = prometheus.NewDesc("plinth_stream_retries_total", "Inserts that were tried again, by domain.", []string{"domain"}, nil)
	waitingDesc  = prometheus.NewDesc("plinth_stream_waiting", "Messages taken from the broker and not yet stored.", nil, nil)
	devicesDesc  = prometheus.NewDesc("plinth_devices", "Registered devices.", nil, nil)
	onlineDesc   = prometheus.NewDesc("plinth_devices_online", "Devices that said something in time.", nil, nil)
	engineDesc   = prometheus.NewDesc("plinth_engine_ready", "1 when the engine serves.", []string{"engine"}, nil)
	logSizeDesc  = prometheus.NewDesc("plinth_log_size", "Entries in a log of evidence.", []string{"origin"}, nil)
	logTroubleD  = prometheus.NewDesc("plinth_log_trouble", "1 when a log cannot be sealed or anchored just now.", []string{"origin", "step"}, nil)
)

// meters collects what the rooms count.
type meters struct{ house *house }

// Describe implements prometheus.Collector.
func (m *meters) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *meters) Collect(ch chan<- prometheus.Metric) {
	m.streams(ch)
	m.logs(ch)
	for _, e := range m.house.ready.engines() {
		ch <- gauge(engineDesc, truth(e.Ready), e.Name)
	}
}

func (m *meters) streams(ch chan<- prometheus.Metric) {
	for _, c := range m.house.streams.meter.Counts() {
		for desc, n := range map[*prometheus.Desc]int64{messagesDesc: c.Messages, rowsDesc: c.Rows, deadDesc: c.Dead, retriesDesc: c.Retries} {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), c.Domain)
		}
	}
	waiting := 0
	for _, d := range m.house.streams.doors {
		waiting += d.Waiting()
	}
	all, online := m.house.deviceCounts()
	ch <- gauge(waitingDesc, float64(waiting))
	ch <- gauge(devicesDesc, float64(all))
	ch <- gauge(onlineDesc, float64(online))
}

func (m *meters) logs(ch chan<- prometheus.Metric) {
	for _, s := range m.house.logs.Status() {
		if l, err := m.house.logs.Log(s.Origin); err == nil {
			head, _ := l.Checkpoint()
			ch <- gauge(logSizeDesc, float64(head.Size), string(s.Origin))
		}
		ch <- gauge(logTroubleD, truth(s.SealErr != nil), string(s.Origin), "seal")
		ch <- gauge(logTroubleD, truth(s.AnchorErr != nil), string(s.Origin), "anchor")
	}
}

func gauge(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
