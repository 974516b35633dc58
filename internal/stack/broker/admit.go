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

// Admit writes the file: the service, the feeder, and each device with its own topic.
func (u Users) Admit(_ context.Context, devices []sensors.Device, credentials map[plinth.DeviceID]sensors.Credential) error {
	users := []User{{Name: ServiceUser, SHA256: HashSecret(u.Service), Subscribe: []string{"plinth/v1/#"}}}
	if u.Feeder != "" {
		users = append(users, User{Name: FeederUser, SHA256: HashSecret(u.Feeder), Publish: []string{"plinth/v1/+/+/data"}})
	}
	for i := range devices {
		d := &devices[i]
		c, ok := credentials[d.ID]
		if !ok || c.Hash == "" || d.Life == sensors.Retired {
			continue
		}
		users = append(users, User{Name: string(d.ID), SHA256: c.Hash, Old: c.Old, OldUntil: c.OldUntil, Client: string(d.ID),
			Publish: []string{d.Topic()}})
	}
	return WriteUsers(u.Path, users)
}
