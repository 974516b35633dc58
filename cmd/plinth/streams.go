package main

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"plinth/api"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/internal/stack/broker"
	"plinth/ledger/sequencer"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/alarm"
	"plinth/sensors/mqtt"
)

// streams are the rooms that data comes in through.
type streams struct {
	registry *sensors.Registry
	watch    *sensors.Watch
	sink     clickhouse.Sink
	feed     *pipelines.Feed
	meter    *pipelines.Meter
	board    *pipelines.Board
	paces    *pipelines.Paces
	company  *pipelines.Company
	shares   *postgres.Shares

	crew      *pipelines.Crew
	sessions  *sessions
	following sync.Mutex
	since     time.Time // up to which other members' readings are known; following's
	rested    time.Time // before which they are not asked for again; of followOthers alone

	mu    sync.Mutex
	doors map[string]*mqtt.Door // of the parts that we work, by name

	alarms *alarm.Engine // decides on what comes in
}

func newStreams(registry *sensors.Registry, sink clickhouse.Sink, shares *postgres.Shares, now func() time.Time) *streams {
	meter := &pipelines.Meter{}
	return &streams{registry: registry, watch: sensors.NewWatch(now), since: now(), sink: sink, feed: pipelines.NewFeed(now),
		meter: meter, shares: shares, company: pipelines.NewCompany(meter, shares), doors: map[string]*mqtt.Door{}}
}

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
	h.openMovers(registry)
	s := h.streams
	runs := postgres.NewPipelines(h.pg)
	if err := runs.EndStale(ctx, h.member(), h.now()); err != nil {
		return err
	}
	mappings, err := pipelines.OpenLibrary(filepath.Join(h.cfg.Data, "mappings"), h.log)
	if err != nil {
		return err
	}
	if err := h.openBoard(ctx, runs, mappings); err != nil {
		return err
	}
	s.seed(ctx, h)
	if err := h.openRules(ctx); err != nil {
		return err
	}
	if err := h.openDoors(runs, h.ship); err != nil {
		return err
	}
	h.showRates()
	h.watchRefused()
	segmenter := pipelines.NewSegmenter(registry, s.sink.Readings, postgres.NewSegments(h.pg), h.now, h.log)
	h.task("segments", segmenter.Run)
	h.task("hours", pipelines.NewHours(clickhouse.NewHours(h.ch), postgres.NewHours(h.pg), h.now, h.log).Run)
	return h.streamServices(runs)
}

// seed tells the watch what the devices last said before the service stopped.
func (s *streams) seed(ctx context.Context, h *house) {
	latest, err := s.sink.Latest(ctx, h.now(), s.registry.Devices(sensors.Filter{}, nil))
	if err != nil {
		h.log.WarnContext(ctx, "newest readings not read, devices begin as unseen", "err", err)
	}
	if err := s.watch.Relearn(ctx, latest, s.registry.Device, s.sink.Readings); err != nil {
		h.log.WarnContext(ctx, "recent readings not read, flags learn anew", "err", err)
	}
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
	return doorkeeper{broker.Users{Path: h.cfg.Broker.UsersFile, Service: secret, Feeder: h.feeder}, h}, nil
}

func (h *house) streamServices(runs *postgres.Pipelines) error {
	systems, err := h.systems()
	if err != nil {
		return err
	}
	s := h.streams
	importer := &pipelines.Importer{Sink: s.sink, Known: s.sink, Runs: runs, Registry: s.registry, Follower: s.alarms, Meter: s.meter, Gates: s.board.Gates, Now: h.now, Log: h.log}
	h.openInbox(importer)
	if err := h.openPulls(importer); err != nil {
		return err
	}
	direct := &pipelines.Direct{Watch: s.watch, Sink: s.sink, Follower: s.alarms, Feed: s.feed, Meter: s.meter, Gates: s.board.Gates, Now: h.now}
	desk := h.letterDesk(runs, importer)
	devices := api.SensorDeps{Registry: s.registry, Systems: systems, Watch: s.watch, Direct: direct, Series: clickhouse.NewHourly(h.ch, postgres.NewHours(h.pg)),
		Segments: postgres.NewSegments(h.pg), Names: h.catalog, Surveyor: h.surveyor(), Now: h.now}
	h.routes = append(h.routes, api.DeviceFigureRoutes(devices)...)
	h.routes = append(h.routes, api.DeviceLabelRoutes(s.registry)...)
	h.services = append(h.services, api.NewSensors(devices),
		api.NewPipelines(api.PipelineDeps{Board: s.board, Paces: s.paces, Mappings: s.board.Mappings, Runs: runs,
			Letters: s.sink.DeadLetters, Acts: runs, Desk: desk, Replays: h.replays(runs, desk), ReplayList: runs, Names: h.catalog, Now: h.now}))
	h.routes = append(h.routes, api.DeviceFileRoutes(pipelines.DeviceFile{Registry: s.registry, Systems: systems, Spoke: s.spoke})...)
	h.routes = append(h.routes, api.NewLiveRoute(s.feed, s.registry.Device), api.NewImportRoute(s.board.Mappings, importer),
		api.NewIngestRoute(api.Ingest{Direct: direct, Lookup: s.registry.Lookup, Keys: postgres.NewKeys(h.pg, h.now), Now: h.now}))
	h.routes = append(h.routes, h.sensorThings(direct)...)
	h.routes = append(h.routes, api.DeviceEvidenceRoutes(h.deviceEvidence(), s.registry)...)
	h.openLineage(runs)
	h.routes = append(h.routes, api.ProvenanceRoutes(sequencer.Provenance{Store: postgres.NewLedger(h.pg)})...)
	return nil
}

// deviceEvidence makes the evidence of devices out of the log and the stored rows.
func (h *house) deviceEvidence() sequencer.Devices {
	return sequencer.Devices{Logs: h.logs, Store: postgres.NewLedger(h.pg), Rows: pipelines.EvidenceRows{Rows: h.streams.sink.Readings}}
}

// spoke tells whether a device has sent anything: of the last week at least, it is known.
func (s *streams) spoke(d *sensors.Device) bool { return !s.watch.Status(d).Arrived.IsZero() }
