package api

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter counts calls by method and code.
type meter struct {
	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

func newMeter(r *prometheus.Registry) *meter {
	m := &meter{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "plinth_api_calls_total",
			Help: "Calls answered, by method and code."}, []string{"method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "plinth_api_call_seconds",
			Help: "Time to answer a call, by method.", Buckets: []float64{.001, .005, .02, .1, .5, 2, 10}}, []string{"method"}),
	}
	if r != nil {
		r.MustRegister(m.calls, m.seconds)
	}
	return m
}

func (m *meter) count(method, code string, took time.Duration) {
	m.calls.WithLabelValues(method, code).Inc()
	m.seconds.WithLabelValues(method).Observe(took.Seconds())
}
