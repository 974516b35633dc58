package stack

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"time"

	"plinth/internal/stack/broker"
)

// brokerUser is the service's user of the broker: it reads every device's topic and writes none.
const brokerUser = "plinth"

// Broker prepares the folder of a local MQTT broker and describes its process. The users file is dir/users; the
// service adds its devices there.
func Broker(dir, addr string) (Process, error) {
	secret, err := secretFile(filepath.Join(dir, "password"))
	if err != nil {
		return Process{}, err
	}
	users := filepath.Join(dir, "users")
	if err := admitService(users, secret); err != nil {
		return Process{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return Process{}, err
	}
	store := filepath.Join(dir, "store")
	return Process{
		Name: "broker", Path: self, Dir: dir,
		Args:  []string{"engine", "broker", "--dir", store, "--listen", addr, "--users-file", users},
		Ready: func(ctx context.Context) error { return dial(ctx, addr) },
	}, os.MkdirAll(store, 0o700)
}

// admitService writes the users file with the service alone, unless there is one.
func admitService(path, secret string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return broker.WriteUsers(path, []broker.User{{Name: brokerUser, SHA256: broker.HashSecret(secret),
		Subscribe: []string{"plinth/v1/#"}}})
}

// dial tells whether something listens at addr.
func dial(ctx context.Context, addr string) error {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}
