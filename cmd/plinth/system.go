package main

import (
	"context"

	"plinth/api"
	pb "plinth/api/plinth/v1"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/sensors"
)

// openSystem builds what tells how the house stands.
func (h *house) openSystem(context.Context) error {
	h.ready = newReadiness(map[string]func(context.Context) error{
		"postgres":   h.pg.Ping,
		"clickhouse": h.ch.Ping,
		"broker":     h.brokerReady,
		"fabric":     h.chain.Ready,
	})
	h.task("readiness", h.ready.run)
	h.services = append(h.services, api.NewSystem(api.System{Now: h.now, Log: h.log, Engines: h.engines, Figures: h.figures()}))
	h.registry.MustRegister(&meters{house: h})
	return nil
}

func (h *house) engines() []api.EngineState {
	var all []api.EngineState
	for _, e := range h.ready.engines() {
		all = append(all, api.EngineState{Name: e.Name, Detail: e.Detail, Ready: e.Ready, CheckedAt: e.CheckedAt})
	}
	return all
}

// figures are the first screen's numbers, each from the room that knows it.
func (h *house) figures() []api.Figure {
	facts, rows := postgres.NewCounts(h.pg), clickhouse.NewCounts(h.ch)
	height := func(ctx context.Context) (int64, error) { n, err := h.chain.Height(ctx); return int64(n), err }
	grants := func(ctx context.Context) (int64, error) { return facts.GrantsActive(ctx, h.now()) }
	return []api.Figure{
		api.CatalogFigure(h.catalog),
		api.CountFigure("requests waiting", facts.RequestsWaiting, func(o *pb.Overview) *int64 { return &o.RequestsWaiting }),
		api.CountFigure("grants", grants, func(o *pb.Overview) *int64 { return &o.GrantsActive }),
		api.CountFigure("alerts", facts.AlertsOpen, func(o *pb.Overview) *int64 { return &o.AlertsOpen }),
		api.CountFigure("evidence pending", facts.EvidencePending, func(o *pb.Overview) *int64 { return &o.EvidencePending }),
		api.CountFigure("readings", rows.ReadingsLastHour, func(o *pb.Overview) *int64 { return &o.ReadingsLastHour }),
		api.CountFigure("events", rows.EventsLastDay, func(o *pb.Overview) *int64 { return &o.EventsLastDay }),
		api.CountFigure("incidents", rows.IncidentsLately, func(o *pb.Overview) *int64 { return &o.IncidentsOpen }),
		api.CountFigure("dead letters", rows.DeadLettersLastDay, func(o *pb.Overview) *int64 { return &o.DeadLettersLastDay }),
		api.CountFigure("chain height", height, func(o *pb.Overview) *int64 { return &o.ChainHeight }),
		{Name: "devices", Read: func(_ context.Context, o *pb.Overview) error {
			o.Devices, o.DevicesOnline = h.deviceCounts()
			return nil
		}},
	}
}

// deviceCounts returns how many devices there are, and how many said something in time.
func (h *house) deviceCounts() (all, online int64) {
	for _, d := range h.streams.registry.Devices(sensors.Filter{}, nil) {
		all++
		if h.streams.watch.Status(d).Liveness == sensors.Online {
			online++
		}
	}
	return all, online
}
