package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/pipelines"
	"plinth/sensors"
)

// ingestCmd is one more member that takes in devices' messages, beside the service. It works its share of the parts and
// nothing else: registering, pausing and looking are the service's, and so are segments and hours.
type ingestCmd struct{}

// Run takes messages in until ctx ends; then it stores what it has in hand and gives its parts back.
func (ingestCmd) Run(ctx context.Context, c *Config) error {
	if err := c.checkMember(false); err != nil {
		return err
	}
	host, _ := os.Hostname()
	c.Ingest.Member = cmp.Or(c.Ingest.Member, "ingest@"+host)
	h := &house{cfg: *c, log: c.Log.Logger(), now: time.Now, registry: prometheus.NewRegistry()}
	defer h.close()
	for _, step := range []func(context.Context) error{h.openStores, h.openPacks, h.openMember} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	l, err := listen(c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s takes messages in; its state is at http://%s/readyz\n", c.Ingest.Member, l.Addr())
	server := &http.Server{Handler: h.memberState(), ReadHeaderTimeout: 5 * time.Second}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.runTasks(ctx) })
	g.Go(func() error { <-ctx.Done(); return server.Close() })
	g.Go(func() error {
		if err := server.Serve(l); err != http.ErrServerClosed {
			return err
		}
		return nil
	})
	return g.Wait()
}

// openStores connects to the databases and waits until the service has made the tables: they are its to make, and the keys
// of people's data its alone.
func (h *house) openStores(ctx context.Context) error {
	if err := h.connectPostgres(ctx); err != nil {
		return err
	}
	if err := h.connectClickHouse(ctx); err != nil {
		return err
	}
	for {
		err := cmp.Or(h.pg.Migrated(ctx), h.ch.Migrated(ctx))
		if !errors.Is(err, plinth.ErrUnavailable) {
			return err
		}
		h.log.WarnContext(ctx, "waiting for the service", "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// openMember builds what moves messages, without what serves people.
func (h *house) openMember(ctx context.Context) error {
	registry, err := sensors.Open(ctx, postgres.NewSensors(h.pg), nil, h.log)
	if err != nil {
		return err
	}
	h.openMovers(registry)
	s, store := h.streams, postgres.NewPipelines(h.pg)
	if err := store.EndStreams(ctx, h.member(), h.now()); err != nil {
		return err
	}
	s.board = &pipelines.Board{Store: store, Gates: &pipelines.Gates{}, Now: h.now, Log: h.log}
	if err := s.board.Refresh(ctx); err != nil {
		return err
	}
	h.task("pauses", func(ctx context.Context) error { return s.board.Watch(ctx, "", pipelinesEvery) })
	s.seed(ctx, h)
	if err := h.openRules(ctx); err != nil {
		return err
	}
	h.ready = newReadiness(map[string]func(context.Context) error{
		"postgres": h.pg.Ping, "clickhouse": h.ch.Ping, "broker": h.brokerReady})
	h.task("readiness", h.ready.run)
	return h.openDoors(store, func(context.Context, sensors.Part) error { return nil })
}

// openMovers makes what every member of the ingest has.
func (h *house) openMovers(registry *sensors.Registry) {
	s := newStreams(registry, clickhouse.NewSink(h.ch), postgres.NewShares(h.pg), h.now)
	h.streams = s
	h.registry.MustRegister(streamMetrics{s.meter, s.waiting})
	h.task("device registry", func(ctx context.Context) error { return registry.Watch(ctx, registryEvery) })
}

// memberState answers for the member: its readiness and its counts.
func (h *house) memberState() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /readyz", h.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{}))
	return mux
}
