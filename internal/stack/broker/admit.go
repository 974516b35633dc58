package broker

import (
	"context"

	"plinth"
	"plinth/sensors"
)

// The service's own users. The feeder speaks for any device: it is the simulator's, and a gateway's.
const (
	ServiceUser = "plinth"
	FeederUser  = "feeder"
)

// Users is the users file of a local broker, written from the registry of devices.
type Users struct {
	Path    string
	Service string // secret of ServiceUser
	Feeder  string // secret of FeederUser; empty when there is none
}

var _ sensors.Doors = Users{}

// topics are those that d may publish to: its own, in whatever partition of its domain.
func topics(d *sensors.Device) []string {
	return []string{d.Topic(), "plinth/v1/" + d.Kind + "/+/" + string(d.ID) + "/data"}
}

// Admit writes the file: the service, the feeder, and each device with its own topics.
func (u Users) Admit(_ context.Context, devices []sensors.Device, credentials map[plinth.DeviceID]sensors.Credential) error {
	users := []User{{Name: ServiceUser, SHA256: HashSecret(u.Service), Subscribe: []string{"plinth/v1/#"}}}
	if u.Feeder != "" {
		users = append(users, User{Name: FeederUser, SHA256: HashSecret(u.Feeder), Publish: []string{"plinth/v1/+/+/data", "plinth/v1/+/+/+/data"}})
	}
	for i := range devices {
		d := &devices[i]
		c, ok := credentials[d.ID]
		if !ok || c.Hash == "" || d.Life == sensors.Retired {
			continue
		}
		users = append(users, User{Name: string(d.ID), SHA256: c.Hash, Old: c.Old, OldUntil: c.OldUntil, Client: string(d.ID),
			Publish: topics(d)})
	}
	return WriteUsers(u.Path, users)
}
