package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"plinth/api"
	"plinth/catalog"
	"plinth/internal/clickhouse"
	"plinth/internal/periodic"
	"plinth/internal/postgres"
	"plinth/ledger/fabric"
	"plinth/ledger/sequencer"
	"plinth/security"
	"plinth/sensors/pack"
)

// house is the service: its connections, its rooms, and what runs in it. It is built once, in openHouse.
type house struct {
	cfg      Config
	log      *slog.Logger
	now      func() time.Time
	registry *prometheus.Registry

	pg *postgres.DB
	ch *clickhouse.DB

	catalog  *catalog.Catalog
	accounts *security.Accounts
	chain    *fabric.Client
	logs     *sequencer.Sequencer
	streams  *streams
	packs    *pack.Set
	uses     uses
	feeder   string // the simulated district's secret at the local broker; empty without one

	ready    *readiness
	services []api.Service
	routes   []api.Route
	tasks    []task
	closers  []func()
}

// task is something that runs as long as the house does.
type task struct {
	name string
	run  func(context.Context) error
}

// openHouse connects to the engines, brings the schemas up to date and builds the rooms.
func openHouse(ctx context.Context, cfg Config, log *slog.Logger) (*house, error) {
	h := &house{cfg: cfg, log: log, now: time.Now, registry: prometheus.NewRegistry()}
	if cfg.Broker.UsersFile != "" {
		h.feeder = newFeeder()
	}
	for _, step := range []func(context.Context) error{
		h.openPostgres, h.openClickHouse, h.openLedger, h.openCatalog, h.openSecurity, h.openPolicy, h.openPacks, h.openStreams,
		h.openAlarms, h.openEvents, h.openVitals, h.openSystem,
	} {
		if err := step(ctx); err != nil {
			h.close()
			return nil, err
		}
	}
	return h, nil
}

func (h *house) task(name string, run func(context.Context) error) {
	h.tasks = append(h.tasks, task{name, run})
}

// again is a task that does step on schedule; what fails is a warning, and tried again the next time.
func (h *house) again(name string, when periodic.Schedule, trouble string, step func(context.Context) error) {
	h.task(name, func(ctx context.Context) error { return when.Try(ctx, h.log, trouble, step) })
}

func (h *house) onClose(f func()) { h.closers = append(h.closers, f) }

func (h *house) close() {
	for i := len(h.closers) - 1; i >= 0; i-- {
		h.closers[i]()
	}
}

func (h *house) openPostgres(ctx context.Context) error {
	if err := h.connectPostgres(ctx); err != nil {
		return err
	}
	if err := h.pg.Migrate(ctx); err != nil {
		return err
	}
	return h.pg.OpenVault(ctx, filepath.Join(h.cfg.Data, "keys", "subjects.key"))
}

func (h *house) connectPostgres(ctx context.Context) error {
	dsn, err := postgresDSN(h.cfg.Postgres)
	if err != nil {
		return err
	}
	if h.pg, err = postgres.Open(ctx, dsn); err != nil {
		return err
	}
	h.onClose(h.pg.Close)
	return nil
}

// postgresDSN is the URL with the password of the file.
func postgresDSN(c PostgresConfig) (string, error) {
	password, err := readSecret(c.PasswordFile)
	if err != nil || password == "" {
		return c.URL, err
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return "", fmt.Errorf("postgres-url: %w", err)
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String(), nil
}

func (h *house) openClickHouse(ctx context.Context) error {
	if err := h.connectClickHouse(ctx); err != nil {
		return err
	}
	if err := h.ch.Migrate(ctx); err != nil {
		return err
	}
	return h.ch.EnsureDurability(ctx)
}

func (h *house) connectClickHouse(ctx context.Context) error {
	password, err := readSecret(h.cfg.Clickhouse.PasswordFile)
	if err != nil {
		return err
	}
	h.ch, err = clickhouse.Open(ctx, clickhouse.Config{URL: h.cfg.Clickhouse.URL, User: h.cfg.Clickhouse.User, Password: password,
		Durability: clickhouse.Durability(h.cfg.Clickhouse.Durability)})
	if err != nil {
		return err
	}
	h.onClose(func() { _ = h.ch.Close() })
	return nil
}

// measureEvery is how often datasets' tables are asked for their newest row.
const measureEvery = 30 * time.Second

func (h *house) openCatalog(context.Context) error {
	h.catalog = catalog.New(postgres.NewCatalog(h.pg), catalog.Config{Now: h.now, Log: h.log})
	h.services = append(h.services, api.NewCatalog(h.catalog))
	h.routes = append(h.routes, api.OpenListRoutes(h.catalog)...)
	measurer := clickhouse.NewMeasurer(h.ch)
	h.again("freshness", periodic.AtOnce(measureEvery), "freshness of datasets not kept", func(ctx context.Context) error {
		return h.catalog.Measure(ctx, measurer)
	})
	return nil
}

func (h *house) openSecurity(context.Context) error {
	store := postgres.NewAccounts(h.pg)
	h.accounts = security.NewAccounts(store, store, h.now, h.log)
	h.services = append(h.services, api.NewAuth(h.accounts, h.catalog))
	return nil
}

// readSecret returns what a file holds, without the line's end; no path is an empty secret.
func readSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	return strings.TrimSpace(string(data)), err
}

// run serves on l until ctx ends, and then ends everything within ten seconds.
func (h *house) run(ctx context.Context, l net.Listener) error {
	server, err := api.New(ctx, api.Config{
		Log: h.log, Now: h.now, Auth: security.Chain(h.streams.registry, h.accounts), Keys: postgres.NewKeys(h.pg, h.now),
		Services: h.services, Routes: h.routes, Console: console(), Ready: h.ready, Registry: h.registry,
	})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Serve(ctx, l) })
	g.Go(func() error { return h.runTasks(ctx) })
	return g.Wait()
}

// runTasks runs all tasks until ctx ends or one fails.
func (h *house) runTasks(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, t := range h.tasks {
		g.Go(func() error {
			if err := t.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			return nil
		})
	}
	return g.Wait()
}
