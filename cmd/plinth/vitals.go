package main

import (
	"context"
	"path/filepath"
	"time"

	"plinth/analytics/vitals"
	"plinth/api"
	"plinth/internal/clickhouse"
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
	h.task("device mirror", h.mirror(clickhouse.NewDevices(h.ch)))
	h.task("vital signs", keeper.Run)
	h.services = append(h.services, api.NewVitals(api.VitalDeps{Keeper: keeper, Store: store, Values: values, Names: h.catalog, Device: h.streams.registry.Device,
		Now: h.now}))
	return nil
}

// mirror tells ClickHouse of the devices as long as the house runs. What fails now is told next time.
func (h *house) mirror(to *clickhouse.Devices) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(mirrorEvery)
		defer tick.Stop()
		for {
			if err := to.Mirror(ctx, h.streams.registry.Devices(sensors.Filter{}, nil), h.now()); err != nil && ctx.Err() == nil {
				h.log.WarnContext(ctx, "devices not mirrored", "err", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}
}
