package main

import (
	"context"
	"path/filepath"
	"time"

	"plinth/analytics/vitals"
	"plinth/api"
	"plinth/internal/clickhouse"
	"plinth/internal/periodic"
	"plinth/internal/postgres"
	"plinth/sensors"
)

// mirrorEvery is how often ClickHouse is told of devices that are new or changed.
const mirrorEvery = 30 * time.Second

// openVitals computes the district's vital signs, and keeps the mirror of the devices that they are read by.
func (h *house) openVitals(ctx context.Context) error {
	values, store := clickhouse.NewVitalValues(h.ch), postgres.NewVitals(h.pg)
	keeper := vitals.New(vitals.Config{Store: store, Values: values, Engine: clickhouse.NewVitals(h.ch), Now: h.now, Log: h.log})
	files, err := vitals.ShippedIndicators()
	if err != nil {
		return err
	}
	site, err := vitals.SiteIndicators(filepath.Join(h.cfg.Data, "indicators"))
	if err != nil {
		return err
	}
	if err := keeper.Load(ctx, append(files, site...)); err != nil {
		return err
	}
	mirror := clickhouse.NewDevices(h.ch)
	h.again("device mirror", periodic.AtOnce(mirrorEvery), "devices not mirrored", func(ctx context.Context) error {
		return mirror.Mirror(ctx, h.streams.registry.Devices(sensors.Filter{}, nil), h.now())
	})
	h.task("vital signs", keeper.Run)
	h.services = append(h.services, api.NewVitals(api.VitalDeps{Keeper: keeper, Store: store, Values: values, Names: h.catalog, Device: h.streams.registry.Device,
		Now: h.now}))
	return nil
}
