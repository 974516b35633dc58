package sensors

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// Kinds of records about devices. They lie in the log of governed acts, beside the log of the devices' readings.
const (
	kindRegistered = "device.registered"
	kindChanged    = "device.changed"
	kindRetired    = "device.retired"
	kindCredential = "device.credential"
)

// fact is what a record about a device commits to: what was registered, by whom. Credentials are not in it.
type fact struct {
	By     plinth.AccountID
	Note   string `json:",omitempty"`
	Device Device
}

// record makes the record of what the caller of ctx did with d. What the service does of itself, such as registering a
// file's devices, it does for the owner.
func (r *Registry) record(ctx context.Context, kind string, d Device, note string) ledger.Record {
	p := plinth.PrincipalFrom(ctx)
	by, org := p.Account, p.Department
	if by == "" {
		by = "service"
	}
	if org == "" {
		org = d.Owner
	}
	payload, err := json.Marshal(fact{by, note, d})
	if err != nil {
		panic("sensors: " + err.Error()) // a checked device is text, finite numbers and times of four-digit years
	}
	id, err := uuid.NewV7() // ordered by time, so that the outbox and its index grow at one end
	if err != nil {
		panic("sensors: no randomness: " + err.Error())
	}
	at := r.now().UTC()
	rec := ledger.Record{ID: id, Origin: ledger.Authz, Kind: kind, Org: string(org), Subject: ledger.DeviceSubject(string(d.ID)),
		From: at, To: at, Count: 1, Payload: payload, Relation: ledger.Generated}
	if kind == kindRetired {
		rec.Relation = ledger.Invalidated
	}
	return rec
}

// clone returns a copy that shares nothing with d.
func (d *Device) clone() Device {
	c := *d
	c.Metrics, c.Attrs = slices.Clone(d.Metrics), maps.Clone(d.Attrs)
	return c
}
