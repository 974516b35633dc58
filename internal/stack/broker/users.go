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
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"plinth/internal/periodic"
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
	// Client is its MQTT client id, so that it cannot take over another's session; see User.owns. Empty allows any.
	Client string `json:"client,omitempty"`
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
	refused    *refusals
	disconnect func(id uint64) error
	now        func() time.Time

	mu      sync.Mutex
	users   map[string]User
	stamp   stamp
	clients map[string][]session // by user
	names   map[uint64]string    // user of a connection
}

// session is a connection and the hash of the secret that opened it.
type session struct {
	id   uint64
	hash string
}

type stamp struct {
	at   time.Time
	size int64
}

const adminUser = "$admin"

func newDoor(path string, refused *refusals, log *slog.Logger) (*door, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make admin secret: %w", err)
	}
	d := &door{path: path, log: log, admin: base64.RawURLEncoding.EncodeToString(secret), refused: refused, now: time.Now,
		clients: map[string][]session{}, names: map[uint64]string{}}
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
	hash := HashSecret(o.Password)
	if !ok || !u.opens(hash, d.now()) {
		d.refused.note("sign in", o.Username, "")
		return false
	}
	// Here and not later: once it is admitted, the server ends the session that has the same client id (§3.1.4).
	if client, known := clientID(c); u.Client != "" && !(known && u.owns(client)) {
		d.refused.note("client id", u.Name, client)
		return false
	}
	c.RegisterUser(&server.User{Username: u.Name, Permissions: permissions(u)})
	d.entered(u.Name, session{c.GetID(), hash})
	return true
}

// opens tells whether a secret of that hash lets u in now.
func (u User) opens(hash string, now time.Time) bool {
	same := func(want string) bool {
		return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(hash)) == 1
	}
	return same(u.SHA256) || same(u.Old) && now.Before(u.OldUntil)
}

// described is how nats-server calls a connection, from its CONNECT on: address, number and quoted client id.
var described = regexp.MustCompile(`^.* - mid(?:_ws)?:\d+ - ("(?:[^"\\]|\\.)*")`)

// clientID is the MQTT client id of a connection that wants to enter. nats-server does not hand it to those who
// authenticate, but it stands in the connection's name by then.
func clientID(c server.ClientAuthentication) (string, bool) {
	named, ok := c.(fmt.Stringer)
	if !ok {
		return "", false
	}
	m := described.FindStringSubmatch(named.String())
	if m == nil {
		return "", false
	}
	id, err := strconv.Unquote(m[1])
	return id, err == nil
}

// chosen is a client id that the server chose for a client that gave none (§3.1.3.1), a NUID. Nobody can guess one, and
// with a capital it is no device's id.
var chosen = regexp.MustCompile(`^[0-9A-Za-z]*[A-Z][0-9A-Za-z]*$`)

// owns tells whether u may have a client id: its own, its own with a colon and more after it, or none.
func (u User) owns(client string) bool {
	return client == u.Client || strings.HasPrefix(client, u.Client+":") || len(client) == 22 && chosen.MatchString(client)
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

func (d *door) entered(name string, s session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	const kept = 8 // a user has one connection, or a few around a reconnect
	all := append(d.clients[name], s)
	for len(all) > kept {
		delete(d.names, all[0].id)
		all = all[1:]
	}
	d.clients[name], d.names[s.id] = all, name
}

// violated notes that the user of a connection did what it may not.
func (d *door) violated(id uint64, what, topic string) {
	d.mu.Lock()
	name := d.names[id]
	d.mu.Unlock()
	d.refused.note(what, name, topic)
}

// watch polls the users file until ctx ends.
func (d *door) watch(ctx context.Context) {
	_ = periodic.After(500*time.Millisecond).Try(ctx, d.log, "users file not read, the old one stays", func(context.Context) error {
		out, err := d.reload()
		for _, id := range append(out, d.outlived()...) {
			_ = d.disconnect(id) // an unknown id has left by itself
		}
		d.refused.flush(d.now())
		return err
	})
}

// outlived are the connections that an old secret opened whose time of grace is over.
func (d *door) outlived() (out []uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, u := range d.users {
		if u.Old != "" && !d.now().Before(u.OldUntil) {
			out = append(out, d.drop(name, func(s session) bool { return s.hash == u.Old })...)
		}
	}
	return out
}

// drop forgets those of a user's connections that must go, and returns them. The caller holds mu.
func (d *door) drop(name string, must func(session) bool) (out []uint64) {
	if len(d.clients[name]) == 0 {
		return nil
	}
	d.clients[name] = slices.DeleteFunc(d.clients[name], func(s session) bool {
		if must(s) {
			out = append(out, s.id)
			delete(d.names, s.id)
		}
		return must(s)
	})
	return out
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
	for name := range d.clients {
		if !sameRights(d.users[name], users[name]) {
			out = append(out, d.drop(name, func(session) bool { return true })...)
			continue
		}
		u := users[name]
		out = append(out, d.drop(name, func(s session) bool { return !u.opens(s.hash, d.now()) })...)
	}
	d.users, d.stamp = users, st
	return out, nil
}

// sameRights tells whether a user may do what it might before; whether its secret still opens is another matter.
func sameRights(a, b User) bool {
	return a.Client == b.Client && strings.Join(a.Publish, " ") == strings.Join(b.Publish, " ") &&
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
