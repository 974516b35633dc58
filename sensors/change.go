package sensors

import (
	"context"
	"time"

	"plinth"
)

// Change edits what is registered of a device. version is the one that the caller saw: ErrConflict means that the device
// has been changed since. What a device is, its id and kind, does not change, nor does the unit of a metric, since
// stored readings are in it; its life moves by Move alone, and a retired device stays as it was.
func (r *Registry) Change(ctx context.Context, id plinth.DeviceID, version int64, edit func(*Device) error) (Device, error) {
	old, err := r.at(id, version)
	if err != nil {
		return Device{}, err
	}
	d := old.clone()
	if err := edit(&d); err != nil {
		return Device{}, err
	}
	if err := changeable(old, &d); err != nil {
		return Device{}, err
	}
	return r.keep(ctx, d, kindChanged, "")
}

// Move takes a device to the next stage of its life. A retired device's credential opens nothing any more.
func (r *Registry) Move(ctx context.Context, id plinth.DeviceID, version int64, to Life, note string) (Device, error) {
	old, err := r.at(id, version)
	if err != nil {
		return Device{}, err
	}
	if err := old.Life.move(to); err != nil {
		return Device{}, err
	}
	if err := validText("note", note); err != nil {
		return Device{}, err
	}
	d := old.clone()
	d.Life = to
	kind := kindChanged
	if to == Retired {
		kind = kindRetired
	}
	return r.keep(ctx, d, kind, note)
}

// at returns the device as it is known, if it is of the version.
func (r *Registry) at(id plinth.DeviceID, version int64) (*Device, error) {
	d := r.Device(id)
	switch {
	case d == nil:
		return nil, plinth.Errorf(plinth.ErrNotFound, "there is no device %.64q", id)
	case version == 0:
		return nil, plinth.Invalid("version", "say which version you changed; it is %d now", d.Version)
	case d.Version != version:
		return nil, plinth.Errorf(plinth.ErrConflict, "the device was changed since: it is at version %d, not %d", d.Version, version)
	case d.Life.or() == Retired:
		return nil, plinth.Errorf(plinth.ErrConflict, "the device is retired and stays as it was")
	}
	return d, nil
}

// changeable tells what of old must not become d.
func changeable(old, d *Device) error {
	switch {
	case d.ID != old.ID:
		return plinth.Invalid("id", "a device keeps its id")
	case d.Kind != old.Kind:
		return plinth.Invalid("kind", "a device keeps its kind; register another one")
	case d.Life.or() != old.Life.or():
		return plinth.Invalid("life", "the life of a device moves by its own call")
	}
	for _, m := range d.Metrics {
		if before, ok := old.Metric(m.Name); ok && before.Unit != m.Unit {
			return plinth.Invalid("metrics."+m.Name+".unit", "stored readings are in %s; register another metric for %s", before.Unit, m.Unit)
		}
	}
	return d.Validate()
}

// keep stores what a device is now.
func (r *Registry) keep(ctx context.Context, d Device, kind, note string) (Device, error) {
	next := d
	next.Version++
	if err := r.store.ChangeDevice(ctx, d, r.record(ctx, kind, next, note)); err != nil {
		return Device{}, err
	}
	credential := r.known.Load().credentials[d.ID]
	if next.Life == Retired {
		credential = Credential{}
	}
	r.learn(ctx, Entry{Device: next, Credential: credential})
	return next, nil
}

// Rotate gives a device a new secret and returns it. The old one opens nothing any more, or still for grace.
func (r *Registry) Rotate(ctx context.Context, id plinth.DeviceID, grace time.Duration) (Device, string, error) {
	if err := validGrace(grace); err != nil {
		return Device{}, "", err
	}
	e, secret, err := r.renew(ctx, id, grace)
	if err != nil {
		return Device{}, "", err
	}
	r.learn(ctx, e)
	return e.Device, secret, nil
}

// renew stores a new secret of a device. It is for the caller to learn it.
func (r *Registry) renew(ctx context.Context, id plinth.DeviceID, grace time.Duration) (Entry, string, error) {
	known := r.known.Load()
	d := known.byID[id]
	if d == nil {
		return Entry{}, "", plinth.Errorf(plinth.ErrNotFound, "there is no device %.64q", id)
	}
	if d.Life.or() == Retired {
		return Entry{}, "", plinth.Errorf(plinth.ErrConflict, "the device is retired and gets no credential")
	}
	secret, err := newSecret()
	if err != nil {
		return Entry{}, "", err
	}
	old, c := known.credentials[id].Hash, Credential{Hash: hash(secret)}
	if grace > 0 {
		c.Old, c.OldUntil = old, r.now().Add(grace).UTC().Truncate(time.Millisecond)
	}
	if err := r.store.SetCredential(ctx, id, old, c, r.record(ctx, kindCredential, *d, graceNote(c))); err != nil {
		return Entry{}, "", err
	}
	return Entry{Device: *d, Credential: c}, secret, nil
}

func graceNote(c Credential) string {
	if c.Old == "" {
		return ""
	}
	return "the old credential opens until " + c.OldUntil.Format(time.RFC3339)
}
