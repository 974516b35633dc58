// Package broker is the MQTT 3.1.1 broker that a local stack starts: nats-server with its MQTT listener and JetStream
// file store, in a process of its own. It loses nothing that it acknowledged when it is killed, and refuses instead of
// dropping when its store is full. It is not a general NATS server: the NATS port stays closed.
package broker

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Config says how the broker runs. Dir and UsersFile are needed; the rest has defaults.
type Config struct {
	Dir       string // the store's folder
	Listen    string // host:port of the MQTT listener; port 0 picks a free one
	UsersFile string // who may enter, see Users; read again when it changes
	// RefusedDir is where it tells what it refused, see TakeRefused; empty tells nobody.
	RefusedDir string
	// TLSCert and TLSKey are the files of its certificate; without them it speaks in clear.
	TLSCert, TLSKey string
	// AckWait is how long a delivered message may stay unacknowledged before it is sent again, also to who has it in hand.
	// It runs from the send: when it is shorter than a whole window of MaxPending takes to drain, copies are sent for nothing.
	AckWait time.Duration
	// MaxPending is the window per subscription; at most 60,000 for filters without a final '#'. A reader that can hold all
	// of it goes on reading, drops what comes twice and is never cut off as slow, however long it acknowledges nothing.
	MaxPending uint16
	MaxStore   int64         // bytes on disk; messages may use three quarters of it
	Sync       time.Duration // fsync at this interval
}

// Window is the window per subscription when nothing else is said.
const Window = 8192

func defaults() Config {
	return Config{Listen: "127.0.0.1:0", AckWait: 60 * time.Second, MaxPending: Window, MaxStore: 4 << 30,
		Sync: time.Second}
}

// Main runs the broker until ctx ends or a SIGTERM or SIGINT comes. It prints one JSON line on stdout when it is ready.
func Main(ctx context.Context, args []string) error {
	c, err := parseFlags(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return Run(ctx, c, os.Stdout, slog.New(slog.NewTextHandler(os.Stderr, nil)))
}

func parseFlags(args []string) (Config, error) {
	c := defaults()
	pending := uint(c.MaxPending)
	f := flag.NewFlagSet("broker", flag.ContinueOnError)
	f.StringVar(&c.Dir, "dir", "", "the store's folder")
	f.StringVar(&c.Listen, "listen", c.Listen, "host:port of the MQTT listener")
	f.StringVar(&c.UsersFile, "users-file", "", "who may enter, one JSON object a line")
	f.StringVar(&c.RefusedDir, "refused-dir", "", "where it tells what it refused")
	f.StringVar(&c.TLSCert, "tls-cert", "", "certificate in PEM; needs --tls-key")
	f.StringVar(&c.TLSKey, "tls-key", "", "the certificate's key in PEM")
	f.DurationVar(&c.AckWait, "ack-wait", c.AckWait, "send again after this time without an acknowledgement")
	f.UintVar(&pending, "max-pending", pending, "unacknowledged messages per subscription")
	f.Int64Var(&c.MaxStore, "max-store", c.MaxStore, "bytes on disk")
	f.DurationVar(&c.Sync, "sync", c.Sync, "fsync interval")
	if err := f.Parse(args); err != nil {
		return Config{}, fmt.Errorf("broker flags: %w", err)
	}
	if c.Dir == "" || c.UsersFile == "" {
		return Config{}, fmt.Errorf("broker flags: --dir and --users-file are needed")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return Config{}, fmt.Errorf("broker flags: --tls-cert and --tls-key go together")
	}
	if pending == 0 || pending > 60000 {
		return Config{}, fmt.Errorf("broker flags: --max-pending must be 1 to 60000, is %d", pending)
	}
	c.MaxPending = uint16(pending)
	return c, nil
}

// Run runs the broker until ctx ends and writes the ready line to ready.
func Run(ctx context.Context, c Config, ready io.Writer, log *slog.Logger) error {
	door, err := newDoor(c.UsersFile, newRefusals(c.RefusedDir, log), log)
	if err != nil {
		return err
	}
	opts, err := options(c, door)
	if err != nil {
		return err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("make broker: %w", err)
	}
	s.SetLoggerV2(natsLog{log, door.violated}, false, false, false)
	door.disconnect = s.DisconnectClientByID
	s.Start()
	defer func() { s.Shutdown(); s.WaitForShutdown() }()
	if !s.ReadyForConnections(30 * time.Second) {
		return fmt.Errorf("broker on %s is not ready after 30 s", c.Listen)
	}
	if err := announce(ready, c.scheme(), opts.MQTT.Host, opts.MQTT.Port); err != nil {
		return err
	}
	go door.watch(ctx)
	return keepCap(ctx, s, door.admin, c.MaxStore/4*3, log)
}

func (c Config) scheme() string {
	if c.TLSCert != "" {
		return "ssl"
	}
	return "tcp"
}

func announce(w io.Writer, scheme, host string, port int) error {
	line := struct {
		Ready bool   `json:"ready"`
		URL   string `json:"url"`
	}{true, scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))}
	if err := json.NewEncoder(w).Encode(line); err != nil {
		return fmt.Errorf("say ready: %w", err)
	}
	return nil
}

func options(c Config, door *door) (*server.Options, error) {
	host, port, err := listenAddress(c.Listen)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make store folder: %w", err)
	}
	secure, err := tlsConfig(c)
	if err != nil {
		return nil, err
	}
	return &server.Options{
		ServerName:                 "plinth", // MQTT needs a name; it is part of the store
		DontListen:                 true,
		NoSigs:                     true,
		JetStream:                  true,
		StoreDir:                   filepath.Clean(c.Dir),
		JetStreamMaxStore:          c.MaxStore,
		JetStreamMaxMemory:         64 << 20,
		SyncInterval:               c.Sync,
		MaxPayload:                 1 << 20,
		CustomClientAuthentication: door,
		MQTT: server.MQTTOpts{
			Host: host, Port: port, AckWait: c.AckWait, MaxAckPending: c.MaxPending, TLSConfig: secure,
			TLSTimeout: tlsTimeout.Seconds(),
		},
	}, nil
}

// tlsTimeout is how long a handshake may take; nats-server's own two seconds are little on a slow line.
const tlsTimeout = 10 * time.Second

func tlsConfig(c Config) (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("certificate of the broker: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// listenAddress resolves a zero port: the MQTT listener does not tell which port it got.
func listenAddress(listen string) (string, int, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", 0, fmt.Errorf("listen on %s: %w", listen, err)
	}
	defer l.Close()
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("listen address %q: %w", listen, err)
	}
	return host, l.Addr().(*net.TCPAddr).Port, nil
}

// natsLog puts the server's log into ours. Debug and trace are off. A violation is told to the door, which counts it.
type natsLog struct {
	log      *slog.Logger
	violated func(id uint64, what, topic string)
}

func (l natsLog) Noticef(f string, v ...any) { l.log.Debug("broker", "says", fmt.Sprintf(f, v...)) }
func (l natsLog) Warnf(f string, v ...any)   { l.log.Warn("broker", "says", fmt.Sprintf(f, v...)) }
func (l natsLog) Fatalf(f string, v ...any)  { l.log.Error("broker", "says", fmt.Sprintf(f, v...)) }
func (l natsLog) Debugf(string, ...any)      {}
func (l natsLog) Tracef(string, ...any)      {}

func (l natsLog) Errorf(f string, v ...any) {
	line := fmt.Sprintf(f, v...)
	if id, what, topic, ok := violationOf(line); ok {
		l.violated(id, what, topic)
		return
	}
	l.log.Warn("broker", "says", line)
}
