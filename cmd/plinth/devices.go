package main

import (
	"fmt"
	"os"

	"plinth/sensors/geodesy"
)

// systems are the coordinate systems in which devices' positions may be given.
func (h *house) systems() (*geodesy.Systems, error) {
	if h.cfg.Sensors.Plane == "" {
		return geodesy.New(geodesy.Convention())
	}
	data, err := os.ReadFile(h.cfg.Sensors.Plane)
	if err != nil {
		return nil, err
	}
	plane, err := geodesy.ReadPlane(data)
	if err != nil {
		return nil, fmt.Errorf("sensors-plane: %w", err)
	}
	return geodesy.New(plane)
}
