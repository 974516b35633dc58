package main

import (
	"plinth/api"
	pb "plinth/api/plinth/v1"
	"plinth/api/sensorthings"
	"plinth/internal/clickhouse"
	"plinth/pipelines"
	"plinth/sensors"
)

// sensorThings are the routes of the SensorThings API, for whom the routes of devices and readings are.
func (h *house) sensorThings(direct *pipelines.Direct) []api.Route {
	registry := h.streams.registry
	return sensorthings.Routes(sensorthings.Config{
		Devices: func() []*sensors.Device { return registry.Devices(sensors.Filter{}, nil) },
		Device:  registry.Device,
		Rows:    clickhouse.NewObservations(h.ch), Direct: direct,
		Readers: api.RolesOf(pb.SensorService_ListReadings_FullMethodName),
		Writers: api.RolesOf(pb.SensorService_IngestReadings_FullMethodName),
		Now:     h.now,
	})
}
