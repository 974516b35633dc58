package stack

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"plinth/internal/stack/broker"
)

// brokerUser is the service's user of the broker: it reads every device's topic and writes none.
const brokerUser = "plinth"

// BrokerConfig says how a local broker is reached from elsewhere.
type BrokerConfig struct {
	Listen string // host:port; empty is a port of loopback
	// TLS makes it speak TLS, with the certificate of the files, or without any by an authority of its folder.
	TLS       bool
	Cert, Key string
	AckWait   time.Duration // after which it sends again what is not acknowledged; zero is the broker's own
}

// RefusedDir is the folder in which a local broker of a users file tells what it refused.
func RefusedDir(usersFile string) string { return filepath.Join(filepath.Dir(usersFile), "refused") }

// Broker prepares the folder of a local MQTT broker and describes its process, which gets the further flags too. The
// users file is dir/users; the service adds its devices there.
func Broker(dir, addr string, flags ...string) (Process, error) {
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
		Args: append([]string{"engine", "broker", "--dir", store, "--listen", addr, "--users-file", users, "--refused-dir",
			RefusedDir(users)}, flags...),
		Ready: func(ctx context.Context) error { return dial(ctx, addr) },
	}, os.MkdirAll(store, 0o700)
}

// reach is the URL and the certificate authority with which the service reaches a broker that listens at addr, and the
// broker's flags. A broker that listens everywhere is reached by loopback.
func (c BrokerConfig) reach(dir, addr string, now time.Time) (url, ca string, flags []string, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", "", nil, err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	at := net.JoinHostPort(host, port)
	if !c.TLS {
		return "tcp://" + at, "", nil, nil
	}
	if c.Cert != "" {
		return "ssl://" + at, "", []string{"--tls-cert", c.Cert, "--tls-key", c.Key}, nil
	}
	names := []string{"127.0.0.1", "::1", "localhost"}
	if self, err := os.Hostname(); err == nil && self != "localhost" {
		names = append(names, self)
	}
	if !slices.Contains(names, host) {
		names = append(names, host)
	}
	f, err := broker.LocalTLS(filepath.Join(dir, "tls"), names, now)
	return "ssl://" + at, f.CA, []string{"--tls-cert", f.Cert, "--tls-key", f.Key}, err
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
