package sensors

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"plinth"
	"plinth/internal/periodic"
	"plinth/ledger"
)

// Entry is a device to register, with its credential and its record for the log.
type Entry struct {
	Device     Device
	Credential Credential
	Record     ledger.Record
}

// Roll is all devices at one moment.
type Roll struct {
	Stamp       string   // differs when anything differs
	Devices     []Device // in order of their ids
	Credentials map[plinth.DeviceID]Credential
}

// Store keeps the devices. Each call is one transaction with the records given, durable when it returns; many
// goroutines may use it. The store adds to a record which one it follows.
type Store interface {
	// AddDevices adds devices, all or none. ErrConflict names an id that is taken.
	AddDevices(ctx context.Context, entries []Entry) error
	// ChangeDevice makes the device of d.ID what d says, and its version d.Version+1. ErrConflict means that d was made
	// from another version than the newest.
	ChangeDevice(ctx context.Context, d Device, rec ledger.Record) error
	// SetCredential replaces a device's credential. ErrConflict means that the newest is not old.
	SetCredential(ctx context.Context, id plinth.DeviceID, old string, c Credential, rec ledger.Record) error
	// Roll returns all devices, or nil when nothing changed since the stamp.
	Roll(ctx context.Context, since string) (*Roll, error)
}

// Doors let devices in: the broker's list of users. Admit replaces the whole list. A device without a credential, or
// retired, must not enter.
type Doors interface {
	Admit(ctx context.Context, devices []Device, credentials map[plinth.DeviceID]Credential) error
}

// Registry knows all devices. It answers from memory and reads the store again when it may be behind.
type Registry struct {
	store Store
	doors Doors // nil when an external broker keeps its own users
	log   *slog.Logger
	now   func() time.Time

	known  atomic.Pointer[roll]
	reload sync.Mutex
	asked  atomic.Int64 // when the newest reading of the store that is known began, nanoseconds since 1970
}

// roll is all devices at one moment, ready to be asked.
type roll struct {
	stamp       string // "" when it is ahead of what was read
	sorted      []Device
	byID        map[plinth.DeviceID]*Device
	secrets     map[string]plinth.DeviceID // by credential hash
	codes       map[string]plinth.DeviceID
	credentials map[plinth.DeviceID]Credential
}

// Open reads the devices and tells the doors.
func Open(ctx context.Context, store Store, doors Doors, log *slog.Logger) (*Registry, error) {
	r := &Registry{store: store, doors: doors, log: log, now: time.Now}
	return r, r.Reload(ctx)
}

// SetClock gives the registry another clock than time.Now. It must be called before the registry is shared.
func (r *Registry) SetClock(now func() time.Time) { r.now = now }

// reloadTimeout bounds one reading of the store: others wait for it.
const reloadTimeout = 30 * time.Second

// Reload reads the devices from the store, if they changed, and tells the doors.
func (r *Registry) Reload(ctx context.Context) error {
	r.reload.Lock()
	defer r.reload.Unlock()
	return r.read(ctx)
}

// read is Reload for who holds reload.
func (r *Registry) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	stamp, began := "", r.now()
	if known := r.known.Load(); known != nil {
		stamp = known.stamp
	}
	next, err := r.store.Roll(ctx, stamp)
	if err != nil {
		return fmt.Errorf("read the devices: %w", err)
	}
	defer r.asked.Store(began.UnixNano()) // when they are known, not before: who looks in between must not find them missing
	if next == nil {
		return nil
	}
	return r.install(ctx, next.Stamp, next.Devices, next.Credentials)
}

// install makes devices, in order of their ids, the known ones. The caller holds reload.
func (r *Registry) install(ctx context.Context, stamp string, devices []Device, credentials map[plinth.DeviceID]Credential) error {
	next := &roll{stamp: stamp, sorted: devices, byID: make(map[plinth.DeviceID]*Device, len(devices)), credentials: credentials,
		secrets: make(map[string]plinth.DeviceID, len(devices)), codes: make(map[string]plinth.DeviceID, len(devices))}
	for i := range devices {
		next.codes[devices[i].Code()] = devices[i].ID
		next.byID[devices[i].ID] = &devices[i]
	}
	for id, c := range credentials {
		for _, h := range []string{c.Hash, c.Old} {
			if h != "" {
				next.secrets[h] = id
			}
		}
	}
	r.known.Store(next)
	if r.doors == nil {
		return nil
	}
	return r.doors.Admit(ctx, devices, credentials)
}

// learn makes entries known at once, each new or in the place of the one before. The store has them already: when a door
// does not take them now, Watch mends that.
func (r *Registry) learn(ctx context.Context, entries ...Entry) {
	r.reload.Lock()
	defer r.reload.Unlock()
	old := r.known.Load()
	devices, credentials := slices.Clone(old.sorted), maps.Clone(old.credentials)
	for _, e := range entries {
		at, there := slices.BinarySearchFunc(old.sorted, e.Device.ID, byID)
		switch {
		case !there:
			devices = append(devices, e.Device) // sorted below; a second one of an id does not come here
		case devices[at].Version <= e.Device.Version:
			devices[at] = e.Device
		}
		credentials[e.Device.ID] = e.Credential
	}
	slices.SortStableFunc(devices, func(a, b Device) int { return cmp.Compare(a.ID, b.ID) })
	if err := r.install(ctx, "", devices, credentials); err != nil {
		r.log.WarnContext(ctx, "devices changed, the door does not know it yet", "devices", len(entries), "err", err)
	}
}

func byID(d Device, id plinth.DeviceID) int { return cmp.Compare(d.ID, id) }

// Watch reads the devices again every interval until ctx ends, for those that another instance registered.
func (r *Registry) Watch(ctx context.Context, every time.Duration) error {
	return periodic.After(every).Try(ctx, r.log, "devices not read, the old ones stay", r.Reload)
}

// Register adds a device and returns it with its secret, which is shown once and kept as a hash alone.
func (r *Registry) Register(ctx context.Context, d Device) (Device, string, error) {
	e, secret, err := r.entry(ctx, d)
	if err != nil {
		return Device{}, "", err
	}
	if err := r.store.AddDevices(ctx, []Entry{e}); err != nil {
		return Device{}, "", err
	}
	r.learn(ctx, e)
	return e.Device, secret, nil
}

// entry completes and checks a device that is to be registered, and makes its secret.
func (r *Registry) entry(ctx context.Context, d Device) (Entry, string, error) {
	fromKind(&d)
	d.Version, d.Registered = 1, r.now().UTC().Truncate(time.Microsecond) // as the store keeps it
	if d.Life == "" {
		d.Life = Active
	}
	if err := d.Validate(); err != nil {
		return Entry{}, "", err
	}
	if d.Life == Retired {
		return Entry{}, "", plinth.Invalid("life", "a device that is registered is not retired yet")
	}
	secret, err := newSecret()
	if err != nil {
		return Entry{}, "", err
	}
	return Entry{d, Credential{Hash: hash(secret)}, r.record(ctx, kindRegistered, d, "")}, secret, nil
}

// Ensure registers the device unless it is there.
func (r *Registry) Ensure(ctx context.Context, d Device) error {
	if r.Device(d.ID) != nil {
		return nil
	}
	_, _, err := r.Register(ctx, d)
	return err
}

// Device returns the device, or nil. The caller must not change it.
func (r *Registry) Device(id plinth.DeviceID) *Device { return r.known.Load().byID[id] }

// Find returns the device, or nil when the store did not have it at a moment or later. It asks nobody: ErrUnavailable says
// that the device is not known and the store was not read since, so that another instance may have registered it.
func (r *Registry) Find(id plinth.DeviceID, at time.Time) (*Device, error) {
	asked := r.askedSince(at) // before the look, so that what was read meanwhile is seen
	if d := r.Device(id); d != nil || asked {
		return d, nil
	}
	return nil, errUnsure()
}

func errUnsure() *plinth.Error {
	return plinth.Errorf(plinth.ErrUnavailable, "whether this device is registered is not known now; send it again later")
}

func (r *Registry) askedSince(at time.Time) bool { return r.asked.Load() >= at.UnixNano() }

// Ask reads the store unless it was read at a moment or later, so that Find knows of all that came before. A flood of
// unknown ids reads it once. ErrUnavailable means that the store did not answer.
func (r *Registry) Ask(ctx context.Context, at time.Time) error {
	r.reload.Lock()
	defer r.reload.Unlock()
	if r.askedSince(at) {
		return nil
	}
	err := r.read(ctx)
	if r.askedSince(at) {
		return nil // that a door does not take them yet is for Watch to mend
	}
	return errUnsure().Because(err)
}

// Lookup finds the devices of now for who can wait for the store: it asks once, if there is one that is not known.
func (r *Registry) Lookup(ctx context.Context) Lookup {
	at := r.now()
	return func(id plinth.DeviceID) (*Device, error) {
		if d, err := r.Find(id, at); err == nil {
			return d, nil
		}
		if err := r.Ask(ctx, at); err != nil {
			return nil, err
		}
		return r.Find(id, at)
	}
}

// Kinds are the kinds that have devices, in order.
func (r *Registry) Kinds() []string {
	var kinds []string
	for _, d := range r.known.Load().sorted {
		if !slices.Contains(kinds, d.Kind) {
			kinds = append(kinds, d.Kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// Authenticate finds the device whose secret this is. Devices use one secret for the broker and for HTTP.
func (r *Registry) Authenticate(_ context.Context, secret string) (plinth.Principal, error) {
	known, h := r.known.Load(), hash(secret)
	id, ok := known.secrets[h]
	if c := known.credentials[id]; !ok || c.Hash != h && !r.now().Before(c.OldUntil) {
		return plinth.Principal{}, plinth.Errorf(plinth.ErrUnknown, "no device has this credential")
	}
	return plinth.Principal{Account: plinth.AccountID("device:" + id), Name: string(id), Device: id,
		Roles: []plinth.Role{plinth.RoleDevice}}, nil
}
