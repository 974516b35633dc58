package pipelines_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"plinth/internal/clickhouse"
	"plinth/internal/clickhouse/embedded"
	"plinth/internal/postgres"
	"plinth/internal/stack/broker"
	"plinth/internal/stack/stacktest"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/mqtt"
)

// TestMain lets the test binary be its own engines: these tests kill them, so they start their own.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "engine" && os.Args[2] == "clickhouse" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
		defer stop()
		if err := embedded.Main(ctx, os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	stacktest.Main(m)
}

// engine is a child process that can be killed and started again on its folder and port.
type engine struct {
	name, listen string
	args         []string
	cmd          *exec.Cmd
}

func (e *engine) start(t testing.TB) {
	t.Helper()
	args := append([]string{"engine", e.name, "--listen", e.listen}, e.args...)
	e.cmd = exec.Command(os.Args[0], args...)
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	e.cmd.Stderr = io.Discard
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := e.cmd
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var ready struct{ Ready bool }
	if err != nil || json.Unmarshal(line, &ready) != nil || !ready.Ready {
		t.Fatalf("%s is not ready: %q %v", e.name, line, err)
	}
}

// kill ends the engine as a crash would.
func (e *engine) kill(t testing.TB) {
	t.Helper()
	if err := e.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = e.cmd.Wait()
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

const secret = "not-a-real-secret"

// lab is a stack whose engines can be killed.
type lab struct {
	password           string     // of ClickHouse
	mqtt               string     // the broker's address for devices
	service            string     // the broker's URL for us
	door               *mqtt.Door // the newest
	clickhouse, broker *engine
	db                 *clickhouse.DB
	pg                 *postgres.DB
	sink               clickhouse.Sink
	registry           *sensors.Registry
	watch              *sensors.Watch
	meter              *pipelines.Meter
	log                *slog.Logger
}

func newLab(t testing.TB) *lab {
	t.Helper()
	dir := t.TempDir()
	l := &lab{watch: sensors.NewWatch(time.Now), meter: &pipelines.Meter{}, log: slog.New(slog.DiscardHandler)}
	l.clickhouse = &engine{name: "clickhouse", listen: freePort(t), args: []string{"--dir", filepath.Join(dir, "clickhouse")}}
	l.clickhouse.start(t)
	l.broker = &engine{name: "broker", listen: freePort(t), args: []string{"--dir", filepath.Join(dir, "broker"),
		"--users-file", filepath.Join(dir, "users"), "--ack-wait", "5s", "--max-pending", "30000"}}
	l.mqtt, l.service = l.broker.listen, "tcp://"+l.broker.listen
	l.openClickHouse(t, dir, clickhouse.Standard)
	l.openPostgres(t)
	users := broker.Users{Path: filepath.Join(dir, "users"), Service: secret, Feeder: secret}
	var err error
	if l.registry, err = sensors.Open(t.Context(), postgres.NewSensors(l.pg), users, l.log); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) openClickHouse(t testing.TB, dir string, d clickhouse.Durability) {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(dir, "clickhouse", "password"))
	if err != nil {
		t.Fatal(err)
	}
	l.password = strings.TrimSpace(string(password))
	l.db, err = clickhouse.Open(t.Context(), clickhouse.Config{URL: "http://" + l.clickhouse.listen,
		User: clickhouse.ServiceUser, Password: l.password, Durability: d})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.db.Close() })
	if err := l.db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.db.EnsureDurability(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.sink = clickhouse.NewSink(l.db)
}

func (l *lab) openPostgres(t testing.TB) {
	t.Helper()
	var err error
	if l.pg, err = postgres.Open(t.Context(), stacktest.Postgres(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.pg.Close)
}

// device registers a water quality station.
func (l *lab) device(t testing.TB, id, kind string) sensors.Device {
	t.Helper()
	d, _, err := l.registry.Register(t.Context(), sensors.Device{ID: sensorsID(id), Kind: kind, Owner: "ecology",
		Interval: time.Second, Metrics: []sensors.Metric{{Name: "ph", Unit: "[pH]", Min: 0, Max: 14}, {Name: "do", Unit: "mg/L",
			Min: 0, Max: 20}}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// door opens the door of a domain and moves its messages until the test ends or stop is called.
func (l *lab) stream(t testing.TB, domain string) (stop func()) {
	t.Helper()
	door, err := mqtt.Open(mqtt.Config{URL: l.service, User: broker.ServiceUser, Password: secret,
		ClientID: "putuo.plinth-ingest"}, sensors.Part{Domain: domain}, l.log)
	if err != nil {
		t.Fatal(err)
	}
	l.door = door
	s := &pipelines.Stream{Domain: domain, Registry: l.registry, Watch: l.watch, Sink: l.sink, Meter: l.meter, Now: time.Now,
		Log: l.log}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Move(ctx, door.Parcels()) }()
	stop = func() { cancel(); <-done; door.Close() }
	t.Cleanup(stop)
	await(t, "the subscription", time.Minute, func() bool { return door.Ready() == nil })
	return stop
}

// feeder connects a publisher that may speak for any device.
func (l *lab) feeder(t testing.TB, id string) paho.Client {
	t.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + l.mqtt).SetUsername(broker.FeederUser).
		SetPassword(secret).SetClientID(id).SetProtocolVersion(4).SetCleanSession(false).SetConnectRetry(true).
		SetConnectRetryInterval(100 * time.Millisecond).SetMaxReconnectInterval(200 * time.Millisecond))
	if tok := c.Connect(); !tok.WaitTimeout(20*time.Second) || tok.Error() != nil {
		t.Fatalf("feeder: %v", tok.Error())
	}
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

func await(t testing.TB, what string, within time.Duration, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, within)
		}
	}
}

// count returns a query's number; 0 while ClickHouse is away.
func (l *lab) count(t testing.TB, sql string) int {
	t.Helper()
	var n uint64
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := l.db.QueryRow(ctx, sql).Scan(&n); err != nil {
		return 0
	}
	return int(n)
}
