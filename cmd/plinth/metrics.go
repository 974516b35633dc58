package main

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of the rooms, read when they are asked for. The calls' own metrics are in api.
var (
	waitingDesc = prometheus.NewDesc("plinth_stream_waiting", "Messages taken from the broker and not yet stored.", nil, nil)
	devicesDesc = prometheus.NewDesc("plinth_devices", "Registered devices.", nil, nil)
	onlineDesc  = prometheus.NewDesc("plinth_devices_online", "Devices that said something in time.", nil, nil)
	engineDesc  = prometheus.NewDesc("plinth_engine_ready", "1 when the engine serves.", []string{"engine"}, nil)
	logSizeDesc = prometheus.NewDesc("plinth_log_size", "Entries in a log of evidence.", []string{"origin"}, nil)
	logTroubleD = prometheus.NewDesc("plinth_log_trouble", "1 when a log cannot be sealed or anchored just now.", []string{"origin", "step"}, nil)
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
	waiting := 0
	for _, n := range m.house.streams.waiting() {
		waiting += n
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
