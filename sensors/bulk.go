package sensors

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"plinth"
)

// Outcome is what became of one of several devices that were to be registered.
type Outcome struct {
	Device Device
	Secret string // of a device that was registered, shown once
	Known  bool   // it was registered before, as it is
	Err    error  // why it was not registered; ErrConflict when it is known otherwise
}

// RegisterAll registers devices in one transaction, so that many are fast, and tells what became of each: a bad one does
// not hold up the others. Registering a device again as it is changes nothing. With dry nothing is registered. The
// error is the store's: then none was registered.
func (r *Registry) RegisterAll(ctx context.Context, devices []Device, dry bool) ([]Outcome, error) {
	out := make([]Outcome, len(devices))
	var entries []Entry
	var places []int
	seen := map[plinth.DeviceID]bool{}
	for i, d := range devices {
		e, secret, err := r.entry(ctx, d)
		out[i] = Outcome{Device: e.Device, Err: err}
		if err != nil {
			out[i].Device = d
			continue
		}
		if seen[d.ID] {
			out[i].Err = plinth.Invalid("id", "the device is there twice")
			continue
		}
		seen[d.ID] = true
		if old := r.Device(d.ID); old != nil {
			out[i] = compared(old, e.Device)
			continue
		}
		out[i].Secret = secret
		entries, places = append(entries, e), append(places, i)
	}
	if dry {
		for _, i := range places {
			out[i].Secret = ""
		}
		return out, nil
	}
	return out, r.addAll(ctx, entries, places, out)
}

// addAll adds entries at once, or one after the other when another instance has taken one of the ids.
func (r *Registry) addAll(ctx context.Context, entries []Entry, places []int, out []Outcome) error {
	if len(entries) == 0 {
		return nil
	}
	err := r.store.AddDevices(ctx, entries)
	if err == nil {
		r.learn(ctx, entries...)
		return nil
	}
	if !errors.Is(err, plinth.ErrConflict) {
		return err
	}
	var added []Entry
	for i, e := range entries {
		switch err := r.store.AddDevices(ctx, []Entry{e}); {
		case err == nil:
			added = append(added, e)
		case errors.Is(err, plinth.ErrConflict):
			out[places[i]].Err, out[places[i]].Secret = err, ""
		default:
			r.learn(ctx, added...)
			return err
		}
	}
	r.learn(ctx, added...)
	return nil
}

// compared tells whether a device is registered as d says.
func compared(old *Device, d Device) Outcome {
	field := differs(old, &d)
	if field == "" {
		return Outcome{Device: *old, Known: true}
	}
	e := plinth.Errorf(plinth.ErrConflict, "the device is registered with another %s; change it there, or leave it out here", field)
	e.Field = field
	return Outcome{Device: *old, Err: e}
}

// differs names what two devices do not have in common, "" when nothing. In which system a position was given does not
// matter, only where it is: within a millimetre.
func differs(a, b *Device) string {
	const near = 1e-8
	for _, f := range []struct {
		field string
		same  bool
	}{
		{"kind", a.Kind == b.Kind}, {"name", a.Name == b.Name}, {"owner", a.Owner == b.Owner}, {"street", a.Street == b.Street},
		{"grid", a.Grid == b.Grid}, {"site", a.Site == b.Site},
		{"position", max(a.Longitude-b.Longitude, b.Longitude-a.Longitude, a.Latitude-b.Latitude, b.Latitude-a.Latitude) < near},
		{"interval_s", a.Interval == b.Interval}, {"segment_s", a.SegmentWindow() == b.SegmentWindow()},
		{"life", a.Life.or() == b.Life.or()}, {"codec", cmp.Or(a.Codec, "json") == cmp.Or(b.Codec, "json")}, {"maker", a.Maker == b.Maker},
		{"model", a.Model == b.Model}, {"installed", a.Installed.Equal(b.Installed)}, {"calibrated", a.Calibrated.Equal(b.Calibrated)},
		{"calibration_due", a.CalibrationDue.Equal(b.CalibrationDue)}, {"twins", a.Twins == b.Twins}, {"attrs", maps.Equal(a.Attrs, b.Attrs)},
		{"metrics", slices.Equal(a.Metrics, b.Metrics)},
	} {
		if !f.same {
			return f.field
		}
	}
	return ""
}

// RenewAll gives each of the devices a new secret; the one before opens nothing any more. It returns the secrets in the
// order of ids. After an error, the store's or that a device gets none, they are those of the first ones alone.
func (r *Registry) RenewAll(ctx context.Context, ids []plinth.DeviceID) ([]string, error) {
	var done []Entry
	var secrets []string
	for _, id := range ids {
		e, secret, err := r.renew(ctx, id, 0)
		if err != nil {
			r.learn(ctx, done...)
			return secrets, err
		}
		done, secrets = append(done, e), append(secrets, secret)
	}
	r.learn(ctx, done...)
	return secrets, nil
}
