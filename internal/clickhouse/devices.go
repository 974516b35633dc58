package clickhouse

import (
	"context"
	"fmt"
	"time"

	"plinth/sensors"
)

// Devices mirrors the registry, so that SQL can read readings by street, kind and owner.
type Devices struct {
	db   *DB
	told map[string]mirrored // what this process has written
}

// mirrored is the part of a device that the mirror keeps.
type mirrored struct {
	kind, owner, street, grid, site string
	longitude, latitude             float64
	interval                        uint32
	life                            string
}

// NewDevices returns the mirror of db. One goroutine uses it.
func NewDevices(db *DB) *Devices { return &Devices{db: db, told: map[string]mirrored{}} }

// Mirror writes the devices that this process has not written as they are now.
func (s *Devices) Mirror(ctx context.Context, devices []*sensors.Device, at time.Time) error {
	var ids, kind, owner, street, grid, site, life []string
	var longitude, latitude []float64
	var interval []uint32
	var rx []time.Time
	fresh := map[string]mirrored{}
	for _, d := range devices {
		m := mirrorOf(d)
		if s.told[string(d.ID)] == m {
			continue
		}
		fresh[string(d.ID)] = m
		ids, kind, owner, street = append(ids, string(d.ID)), append(kind, m.kind), append(owner, m.owner), append(street, m.street)
		grid, site, life, rx = append(grid, m.grid), append(site, m.site), append(life, m.life), append(rx, at)
		longitude, latitude, interval = append(longitude, m.longitude), append(latitude, m.latitude), append(interval, m.interval)
	}
	if len(fresh) == 0 {
		return nil
	}
	err := s.db.insert(ctx, `INSERT INTO plinth.device (id, kind, owner, street, grid, site, longitude, latitude, interval_s, life, rx)`,
		ids, kind, owner, street, grid, site, longitude, latitude, interval, life, rx)
	if err != nil {
		return fmt.Errorf("mirror devices: %w", err)
	}
	for id, m := range fresh {
		s.told[id] = m
	}
	return nil
}

func mirrorOf(d *sensors.Device) mirrored {
	life := string(d.Life)
	if life == "" {
		life = "active"
	}
	return mirrored{kind: d.Kind, owner: string(d.Owner), street: d.Street, grid: d.Grid, site: d.Site, longitude: d.Longitude,
		latitude: d.Latitude, interval: uint32(d.Interval / time.Second), life: life}
}
