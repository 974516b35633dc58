package main

import (
	"plinth/internal/clickhouse"
	"plinth/internal/district"
	"plinth/sensors"
	"plinth/sensors/dossier"
)

// surveyor measures whether devices are on file and report.
func (h *house) surveyor() *dossier.Surveyor {
	registry := h.streams.registry
	return dossier.NewSurveyor(dossier.Config{Devices: func() []*sensors.Device { return registry.Devices(sensors.Filter{}, nil) },
		Areas: newAreas(district.New(district.Config{})), Presence: clickhouse.NewPresence(h.ch), Now: h.now})
}

// areas are the streets and grids of the schematic map that the events are shown on, until a real one is brought.
type areas struct {
	*district.District
	streets map[string]string // of grids
}

func newAreas(d *district.District) areas {
	a := areas{d, map[string]string{}}
	for _, g := range d.Grids() {
		a.streets[g.ID] = g.Street
	}
	return a
}

// At implements dossier.Areas.
func (a areas) At(longitude, latitude float64) (street, grid string, ok bool) {
	g, ok := a.GridAt(district.Point{Lon: longitude, Lat: latitude})
	return g.Street, g.ID, ok
}

// StreetOf implements dossier.Areas.
func (a areas) StreetOf(grid string) (string, bool) {
	street, ok := a.streets[grid]
	return street, ok
}
