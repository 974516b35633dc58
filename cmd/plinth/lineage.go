package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plinth/api"
	"plinth/internal/postgres"
	"plinth/pipelines"
)

// openLineage serves the OpenLineage events of the runs, and sends them to a collector when there is one.
func (h *house) openLineage(runs *postgres.Pipelines) {
	sink := func(ctx context.Context, id string) pipelines.Target {
		p, err := h.streams.board.Get(ctx, id)
		if err != nil {
			return "" // it is not declared any more
		}
		return p.Sink
	}
	h.routes = append(h.routes, api.LineageRoutes(api.Lineage{Steps: runs, Sink: sink})...)
	if h.cfg.OpenlineageURL == "" {
		return
	}
	l := &pipelines.LineageSender{URL: h.cfg.OpenlineageURL, Steps: runs, Sink: sink, Client: &http.Client{Timeout: 10 * time.Second},
		Now: h.now, Log: h.log}
	h.registry.MustRegister(
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "plinth_lineage_sent_total", Help: "OpenLineage events that the collector took."},
			func() float64 { return float64(l.Sent.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "plinth_lineage_refused_total", Help: "OpenLineage events that the collector refused for good."},
			func() float64 { return float64(l.Refused.Load()) }))
	h.task("lineage", l.Run)
}
