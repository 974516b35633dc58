package main

import (
	"context"

	"plinth/analytics"
	"plinth/api"
	"plinth/internal/clickhouse"
	"plinth/internal/district"
)

// openEvents fuses what arrives into incidents and shows them on the district's map. The map is the simulated
// district's schematic one, whatever the seed, until a real one is brought.
func (h *house) openEvents(context.Context) error {
	incidents := clickhouse.NewFusion(h.ch)
	h.task("fusion", analytics.NewFuser(incidents, analytics.CurrentWeights(), h.now, h.log).Run)
	h.services = append(h.services, api.NewEvents(api.EventDeps{Incidents: incidents, Trends: clickhouse.NewTrends(h.ch),
		Map: district.New(district.Config{}), Now: h.now}))
	return nil
}
