package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"plinth"
	"plinth/api"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/internal/stack/broker"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/mqtt"
)

// streams are the rooms that data comes in through.
type streams struct {
	registry *sensors.Registry
	watch    *sensors.Watch
	sink     clickhouse.Sink
	feed     *pipelines.Feed
	meter    *pipelines.Meter
	doors    []*mqtt.Door
}

// brokerWindow is how many messages of one kind of device may be unacknowledged; the broker allows as many.
const brokerWindow = 60_000

// registryEvery is how often devices that another instance registered are looked for.
const registryEvery = 10 * time.Second

func (h *house) openStreams(ctx context.Context) error {
	doors, err := h.brokerUsers()
	if err != nil {
		return err
	}
	registry, err := sensors.Open(ctx, postgres.NewSensors(h.pg), doors, h.log)
	if err != nil {
		return err
	}
	s := &streams{registry: registry, watch: sensors.NewWatch(h.now), sink: clickhouse.NewSink(h.ch),
		feed: pipelines.NewFeed(h.now), meter: &pipelines.Meter{}}
	h.streams = s
	h.task("device registry", func(ctx context.Context) error { registry.Watch(ctx, registryEvery); return nil })
	if err := h.openDoors(); err != nil {
		return err
	}
	segmenter := pipelines.NewSegmenter(registry, s.sink.Readings, postgres.NewSegments(h.pg), h.now, h.log)
	h.task("segments", segmenter.Run)
	return h.streamServices()
}

// brokerUsers writes the users file of a local broker; another broker keeps its own users.
func (h *house) brokerUsers() (sensors.Doors, error) {
	if h.cfg.Broker.UsersFile == "" {
		return nil, nil
	}
	secret, err := readSecret(h.cfg.Broker.PasswordFile)
	if err != nil {
		return nil, err
	}
	return broker.Users{Path: h.cfg.Broker.UsersFile, Service: secret, Feeder: h.feeder}, nil
}

// openDoors opens a door per kind of device, each with its own session, budget and batches.
func (h *house) openDoors() error {
	password, err := readSecret(h.cfg.Broker.PasswordFile)
	if err != nil {
		return err
	}
	for kind := range sensors.Kinds {
		door, err := mqtt.Open(mqtt.Config{URL: h.cfg.Broker.URL, User: h.cfg.Broker.User, Password: password,
			ClientID: h.cfg.Ledger.Name + "-ingest", Window: brokerWindow}, kind, h.log)
		if err != nil {
			return err
		}
		h.onClose(door.Close)
		h.streams.doors = append(h.streams.doors, door)
		stream := &pipelines.Stream{Domain: kind, Urgent: kind == "lift", Registry: h.streams.registry, Watch: h.streams.watch,
			Sink: h.streams.sink, Feed: h.streams.feed, Meter: h.streams.meter, Run: plinth.RunID("stream-" + kind), Now: h.now,
			Log: h.log.With("domain", kind)}
		h.task("stream "+kind, func(ctx context.Context) error { return stream.Move(ctx, door.Messages()) })
	}
	return nil
}

// brokerReady tells whether every door is open.
func (h *house) brokerReady(context.Context) error {
	var g errgroup.Group
	for _, d := range h.streams.doors {
		g.Go(d.Ready)
	}
	return g.Wait()
}

func (h *house) streamServices() error {
	mappings, err := pipelines.Mappings()
	if err != nil {
		return fmt.Errorf("read the mappings: %w", err)
	}
	s, runs := h.streams, postgres.NewPipelines(h.pg)
	importer := &pipelines.Importer{Sink: s.sink, Known: s.sink, Runs: runs, Registry: s.registry, Meter: s.meter, Now: h.now, Log: h.log}
	direct := &pipelines.Direct{Watch: s.watch, Sink: s.sink, Feed: s.feed, Meter: s.meter, Now: h.now}
	h.services = append(h.services,
		api.NewSensors(api.SensorDeps{Registry: s.registry, Watch: s.watch, Direct: direct, Series: s.sink.Readings,
			Segments: postgres.NewSegments(h.pg), Names: h.catalog, Now: h.now}),
		api.NewPipelines(mappings, runs, s.sink.DeadLetters))
	h.routes = append(h.routes, api.NewLiveRoute(s.feed), api.NewImportRoute(mappings, importer))
	return nil
}
