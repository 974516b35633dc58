package broker

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// User is who may enter. Secrets are random and long, so a plain SHA-256 of them is safe to keep and cheap enough for
// a storm of reconnecting devices.
type User struct {
	Name      string   `json:"user"`
	SHA256    string   `json:"sha256"`              // of the secret, in hex
	Publish   []string `json:"publish,omitempty"`   // topic filters it may publish to
	Subscribe []string `json:"subscribe,omitempty"` // topic filters it may subscribe to
	// Old is the hash of the secret before, which opens until OldUntil; empty when there is none.
	Old      string    `json:"old,omitempty"`
	OldUntil time.Time `json:"oldUntil,omitzero"`
}

// HashSecret is the form in which a secret is kept.
func HashSecret(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

// WriteUsers replaces the users file at once: a reader sees the old or the new one, never a half.
func WriteUsers(path string, users []User) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".users-*")
	if err != nil {
		return fmt.Errorf("write broker users: %w", err)
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for _, u := range users {
		if err := enc.Encode(u); err != nil {
			return fmt.Errorf("write broker users: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write broker users: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write broker users: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write broker users: %w", err)
	}
	return nil
}

// ReadUsers reads a users file, by name. A missing file holds nobody.
func ReadUsers(path string) (map[string]User, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return map[string]User{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read broker users: %w", err)
	}
	defer f.Close()
	users := map[string]User{}
	dec := json.NewDecoder(bufio.NewReader(f))
	for dec.More() {
		var u User
		if err := dec.Decode(&u); err != nil {
			return nil, fmt.Errorf("read broker users, after %d: %w", len(users), err)
		}
		users[u.Name] = u
	}
	return users, nil
}

// door decides who enters and what they may do. It reads the users file again when it changed and throws out the
// connections of users whose secret or rights changed or who are gone.
type door struct {
	path       string
	log        *slog.Logger
	admin      string // secret of the connection for administration, known in this process alone
	disconnect func(id uint64) error

	mu      sync.Mutex
	users   map[string]User
	stamp   stamp
	clients map[string][]uint64 // user → connections
}

type stamp struct {
	at   time.Time
	size int64
}

const adminUser = "$admin"

func newDoor(path string, log *slog.Logger) (*door, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make admin secret: %w", err)
	}
	d := &door{path: path, log: log, admin: base64.RawURLEncoding.EncodeToString(secret), clients: map[string][]uint64{}}
	_, err := d.reload()
	return d, err
}

// Check implements server.Authentication.
func (d *door) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == adminUser {
		ok := subtle.ConstantTimeCompare([]byte(o.Password), []byte(d.admin)) == 1
		if ok {
			c.RegisterUser(&server.User{Username: adminUser})
		}
		return ok
	}
	u, ok := d.user(o.Username)
	if !ok || subtle.ConstantTimeCompare([]byte(u.SHA256), []byte(HashSecret(o.Password))) != 1 {
		return false
	}
	c.RegisterUser(&server.User{Username: u.Name, Permissions: permissions(u)})
	d.entered(u.Name, c.GetID())
	return true
}

// user looks the user up, and in the file again when it is not known: a device may come before the next poll.
func (d *door) user(name string) (User, bool) {
	d.mu.Lock()
	u, ok := d.users[name]
	d.mu.Unlock()
	if ok {
		return u, true
	}
	if _, err := d.reload(); err != nil {
		d.log.Warn("users file not read", "err", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u, ok = d.users[name]
	return u, ok
}

func (d *door) entered(name string, id uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	const kept = 8 // a user has one connection, or a few around a reconnect
	ids := append(d.clients[name], id)
	d.clients[name] = ids[max(0, len(ids)-kept):]
}

// watch polls the users file until ctx ends.
func (d *door) watch(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		out, err := d.reload()
		if err != nil {
			d.log.Warn("users file not read, the old one stays", "err", err)
		}
		for _, id := range out {
			_ = d.disconnect(id) // an unknown id has left by itself
		}
	}
}

// reload reads the file if it changed, and returns the connections that must go.
func (d *door) reload() ([]uint64, error) {
	var st stamp
	if fi, err := os.Stat(d.path); err == nil {
		st = stamp{fi.ModTime(), fi.Size()}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.users != nil && st == d.stamp {
		return nil, nil
	}
	users, err := ReadUsers(d.path)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for name, ids := range d.clients {
		if !sameRights(d.users[name], users[name]) {
			out = append(out, ids...)
			delete(d.clients, name)
		}
	}
	d.users, d.stamp = users, st
	return out, nil
}

func sameRights(a, b User) bool {
	return a.SHA256 == b.SHA256 && strings.Join(a.Publish, " ") == strings.Join(b.Publish, " ") &&
		strings.Join(a.Subscribe, " ") == strings.Join(b.Subscribe, " ")
}

// permissions turns topic filters into subjects. An empty list forbids everything: NATS would read it as "all".
func permissions(u User) *server.Permissions {
	p := &server.Permissions{Publish: allow(u.Publish), Subscribe: allow(u.Subscribe)}
	if len(u.Subscribe) > 0 {
		p.Subscribe.Allow = append(p.Subscribe.Allow, "$MQTT.sub.>") // QoS 1 deliveries come on these
	}
	return p
}

func allow(filters []string) *server.SubjectPermission {
	if len(filters) == 0 {
		return &server.SubjectPermission{Deny: []string{">"}}
	}
	p := &server.SubjectPermission{}
	for _, f := range filters {
		p.Allow = append(p.Allow, subject(f))
	}
	return p
}

// subject turns an MQTT topic filter into a NATS subject, as nats-server does for our topics, which hold no '.'.
func subject(filter string) string {
	return strings.NewReplacer("/", ".", "+", "*", "#", ">").Replace(filter)
}
