package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/district"
	"plinth/internal/periodic"
	"plinth/internal/postgres"
	"plinth/internal/stack/broker"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/alarm"
)

// districtPast is how much of the simulated story is told at once when a district begins, so that the first look finds
// something to see.
const districtPast = 24 * time.Hour

// simulate makes the simulated district known to the house and has it feed the house from now on.
func (h *house) simulate(ctx context.Context, flags districtFlags) error {
	if err := h.seed(ctx); err != nil {
		return err
	}
	d := district.New(district.Config{Seed: flags.Seed, Start: h.now().UTC().Truncate(time.Second)})
	for _, device := range d.Devices() {
		if err := h.streams.registry.Ensure(ctx, sensorDevice(device)); err != nil {
			return err
		}
	}
	publisher := district.NewPublisher(h.cfg.Broker.URL, 0, func(string) (district.Login, error) {
		return district.Login{User: broker.FeederUser, Password: h.feeder}, nil
	})
	secure, err := h.cfg.Broker.brokerTLS()
	if err != nil {
		return err
	}
	publisher.UseTLS(secure)
	h.onClose(publisher.Close)
	sinks := district.Sinks{Readings: publisher, Events: eventSink{h.streams.sink}, Log: h.log}
	h.task("simulated district", func(ctx context.Context) error {
		if err := eventsOf(ctx, d, h.now().Add(-districtPast), h.now(), sinks.Events); err != nil {
			return err
		}
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return h.consume(ctx, d) })
		g.Go(func() error { return h.permit(ctx, d) })
		g.Go(func() error { return d.Feed(ctx, sinks, time.Time{}, 1) })
		return g.Wait()
	})
	return nil
}

// permitsEvery is how often the simulated office puts its permits on record, and ahead how early it does.
const (
	permitsEvery = 6 * time.Hour
	permitsAhead = 2 * 24 * time.Hour
)

// permit puts the district's permits for work at night on record, as its construction office, until ctx ends.
func (h *house) permit(ctx context.Context, d *district.District) error {
	office := plinth.Principal{Account: "district", Department: "construction", Roles: []plinth.Role{plinth.RoleProvider}}
	store := postgres.NewAlarms(h.pg)
	return periodic.AtOnce(permitsEvery).Try(ctx, h.log, "permits not put on record", func(ctx context.Context) error {
		var permits []alarm.Permit
		for _, p := range d.Permits(h.now().Add(-districtPast), h.now().Add(permitsAhead)) {
			permits = append(permits, alarm.Permit{ID: p.ID + "-" + p.Site, Kind: "night_work", Site: p.Name, Street: p.Street, From: p.From, To: p.To})
		}
		if len(permits) == 0 {
			return nil
		}
		_, _, err := alarm.PutPermits(ctx, store, office, permits, h.now())
		return err
	})
}

// seed fills an empty catalogue with the district's datasets, as its steward and its registrar.
func (h *house) seed(ctx context.Context) error {
	store := postgres.NewAccounts(h.pg)
	steward, err := store.AccountByLogin(ctx, "steward")
	if err != nil {
		return fmt.Errorf("the district's steward: %w", err)
	}
	registrar, err := store.AccountByLogin(ctx, "registrar")
	if err != nil {
		return fmt.Errorf("the district's registrar: %w", err)
	}
	return h.catalog.Seed(ctx, steward.Principal(), registrar.Principal())
}

// eventsOf puts the events of a period that is over. They are known by their ids, so telling them again changes nothing.
func eventsOf(ctx context.Context, d *district.District, from, to time.Time, sink district.EventSink) error {
	var past []district.Event
	for e := range d.Events(from, to) {
		past = append(past, e)
	}
	return sink.Put(ctx, past)
}

// newFeeder makes the secret with which the simulated district speaks for its devices. It lives as long as the process.
func newFeeder() string { return rand.Text() }

// eventSink stores simulated events as any other. What is stored already, from before a restart, is not stored again.
type eventSink struct{ events clickhouse.Sink }

// Put implements district.EventSink.
func (s eventSink) Put(ctx context.Context, events []district.Event) error {
	bySource := map[string][]string{}
	for _, e := range events {
		bySource[e.Source] = append(bySource[e.Source], e.SourceID)
	}
	known := map[string]bool{}
	for source, ids := range bySource {
		stored, err := s.events.ByID(ctx, source, ids)
		if err != nil {
			return err
		}
		for id := range stored {
			known[source+"/"+id] = true
		}
	}
	var rows []pipelines.Event
	for _, e := range events {
		if !known[e.ID()] {
			rows = append(rows, eventRow(e))
		}
	}
	return s.events.InsertEvents(ctx, rows)
}

func eventRow(e district.Event) pipelines.Event {
	return pipelines.Event{Source: e.Source, SourceID: e.SourceID, At: e.At, Class: e.Class, Title: e.Title, Text: e.Text,
		Street: e.Street, Grid: e.Grid, Address: e.Address, Longitude: e.Longitude, Latitude: e.Latitude, Contact: e.Contact,
		Attrs: e.Attrs, RX: time.Now()}
}

// sensorDevice is a simulated device as the registry knows it.
func sensorDevice(d district.Device) sensors.Device {
	known := sensors.Device{ID: plinth.DeviceID(d.ID), Kind: string(d.Kind), Name: sensors.Text{ZH: d.Name, EN: d.NameEn},
		Owner: plinth.AgentID(d.Owner), Street: d.Street, Grid: d.Grid, Site: d.SiteName, Longitude: d.At.Lon,
		Latitude: d.At.Lat, Interval: d.Interval, Attrs: d.Attrs}
	for _, m := range d.Metrics {
		known.Metrics = append(known.Metrics, sensors.Metric{Name: m.Name, Title: sensors.Text{ZH: m.Title, EN: m.En},
			Unit: m.Unit, Min: m.Min, Max: m.Max})
	}
	return known
}
