package sensors

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"plinth"
)

// Store keeps the devices. It is durable when a call returns; many goroutines may use it.
type Store interface {
	// AddDevice adds a device with the hash of its secret. ErrConflict means that the id is taken.
	AddDevice(ctx context.Context, d Device, credential string) error
	// Devices returns all devices in order of their ids.
	Devices(ctx context.Context) ([]Device, error)
	// Credentials returns the hash of each device's secret.
	Credentials(ctx context.Context) (map[plinth.DeviceID]string, error)
}

// Doors let devices in: the broker's list of users. Admit replaces the whole list.
type Doors interface {
	Admit(ctx context.Context, devices []Device, credentials map[plinth.DeviceID]string) error
}

// Registry knows all devices. It answers from memory and reads the store again when it may be behind.
type Registry struct {
	store Store
	doors Doors // nil when an external broker keeps its own users
	log   *slog.Logger

	known  atomic.Pointer[roll]
	reload sync.Mutex
}

// roll is all devices at one moment.
type roll struct {
	sorted  []Device
	byID    map[plinth.DeviceID]*Device
	secrets map[string]plinth.DeviceID // by credential hash

	credentials map[plinth.DeviceID]string
}

// Open reads the devices and tells the doors.
func Open(ctx context.Context, store Store, doors Doors, log *slog.Logger) (*Registry, error) {
	r := &Registry{store: store, doors: doors, log: log}
	return r, r.Reload(ctx)
}

// Reload reads the devices from the store and tells the doors.
func (r *Registry) Reload(ctx context.Context) error {
	r.reload.Lock()
	defer r.reload.Unlock()
	devices, err := r.store.Devices(ctx)
	if err != nil {
		return fmt.Errorf("read the devices: %w", err)
	}
	credentials, err := r.store.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("read the credentials: %w", err)
	}
	return r.install(ctx, devices, credentials)
}

// install makes devices, in order of their ids, the known ones. The caller holds reload.
func (r *Registry) install(ctx context.Context, devices []Device, credentials map[plinth.DeviceID]string) error {
	next := &roll{sorted: devices, byID: make(map[plinth.DeviceID]*Device, len(devices)), credentials: credentials,
		secrets: make(map[string]plinth.DeviceID, len(devices))}
	for i := range devices {
		next.byID[devices[i].ID] = &devices[i]
	}
	for id, c := range credentials {
		next.secrets[c] = id
	}
	r.known.Store(next)
	if r.doors == nil {
		return nil
	}
	return r.doors.Admit(ctx, devices, credentials)
}

// add makes one more device known.
func (r *Registry) add(ctx context.Context, d Device, credential string) error {
	r.reload.Lock()
	defer r.reload.Unlock()
	old := r.known.Load()
	if old.byID[d.ID] != nil {
		return nil // a reload was faster
	}
	at, _ := slices.BinarySearchFunc(old.sorted, d.ID, func(x Device, id plinth.DeviceID) int { return cmp.Compare(x.ID, id) })
	credentials := maps.Clone(old.credentials)
	credentials[d.ID] = credential
	return r.install(ctx, slices.Insert(slices.Clone(old.sorted), at, d), credentials)
}

// Watch reads the devices again every interval until ctx ends, for those that another instance registered.
func (r *Registry) Watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := r.Reload(ctx); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "devices not read, the old ones stay", "err", err)
		}
	}
}

// Register adds a device and returns it with its secret, which is shown once and kept as a hash alone.
func (r *Registry) Register(ctx context.Context, d Device) (Device, string, error) {
	fromKind(&d)
	if err := d.Validate(); err != nil {
		return Device{}, "", err
	}
	secret, err := newSecret()
	if err != nil {
		return Device{}, "", err
	}
	if err := r.store.AddDevice(ctx, d, hash(secret)); err != nil {
		return Device{}, "", err
	}
	// The device exists now: a reader that lags behind is mended by Watch.
	if err := r.add(ctx, d, hash(secret)); err != nil {
		r.log.WarnContext(ctx, "device registered, the door does not know it yet", "device", d.ID, "err", err)
	}
	return d, secret, nil
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

// Filter narrows a list of devices; empty fields let all through.
type Filter struct {
	Kind, Street, Query string
	After               plinth.DeviceID // the last one of the page before
}

// Devices lists the devices that f and keep let through, in order of their ids. The caller must not change them.
func (r *Registry) Devices(f Filter, keep func(*Device) bool) []*Device {
	var out []*Device
	devices := r.known.Load().sorted
	for i := range devices {
		d := &devices[i]
		if d.ID > f.After && f.match(d) && (keep == nil || keep(d)) {
			out = append(out, d)
		}
	}
	return out
}

func (f Filter) match(d *Device) bool {
	q := strings.ToLower(f.Query)
	return (f.Kind == "" || d.Kind == f.Kind) && (f.Street == "" || d.Street == f.Street) &&
		(q == "" || strings.Contains(string(d.ID), q) || strings.Contains(strings.ToLower(d.Name.ZH+d.Name.EN+d.Site), q))
}

// Authenticate finds the device whose secret this is. Devices use one secret for the broker and for HTTP.
func (r *Registry) Authenticate(_ context.Context, secret string) (plinth.Principal, error) {
	id, ok := r.known.Load().secrets[hash(secret)]
	if !ok {
		return plinth.Principal{}, plinth.Errorf(plinth.ErrUnknown, "no device has this credential")
	}
	return plinth.Principal{Account: plinth.AccountID("device:" + id), Name: string(id), Device: id,
		Roles: []plinth.Role{plinth.RoleDevice}}, nil
}

// SecretPrefix begins every device's secret, so that one in the wrong place is recognised.
const SecretPrefix = "plinth_dev_"

func newSecret() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make a secret: %w", err)
	}
	return SecretPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)), nil
}

// hash is enough for a secret of 256 random bits: there is nothing to guess.
func hash(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}
