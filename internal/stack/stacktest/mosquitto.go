package stacktest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Mosquitto is Debian's broker, the reference beside our own: a common broker that redelivers only when a client comes
// again, and knows no window. Its store is a snapshot, so it is killed only in tests that can lose what came since.
type Mosquitto struct {
	Addr   string // host:port, where devices publish
	Socket string // path, where a service on the same machine subscribes at less cost
	conf   string
	cmd    *exec.Cmd
}

// The users of a Mosquitto: one reads all devices' topics, one speaks for any device. Both have Secret.
const (
	MosquittoService = "plinth"
	MosquittoFeeder  = "feeder"
	Secret           = "not-a-real-secret"
)

// StartMosquitto starts a broker of the test's own. A machine without Mosquitto fails the test.
func StartMosquitto(t testing.TB) *Mosquitto {
	t.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto" // not in everyone's PATH
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	short, err := os.MkdirTemp("", "mosquitto") // a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	m := &Mosquitto{Addr: l.Addr().String(), Socket: filepath.Join(short, "mqtt")}
	if m.conf, err = m.files(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	m.cmd = exec.Command(program, "-c", m.conf)
	m.Start(t)
	return m
}

// files writes the configuration and returns its path.
func (m *Mosquitto) files(dir string) (string, error) {
	at := func(name string) string { return filepath.Join(dir, name) }
	host, port, err := net.SplitHostPort(m.Addr)
	if err != nil {
		return "", err
	}
	conf := []string{
		"listener " + port + " " + host, "listener 0 " + m.Socket, "allow_anonymous false", "password_file " + at("passwords"), "acl_file " + at("acl"),
		"persistence true", "persistence_location " + dir + "/", "autosave_interval 5",
		// Without these it keeps twenty messages under way and drops what exceeds a thousand, after the PUBACK.
		"max_inflight_messages 0", "max_queued_messages 0", "log_type error", "log_dest stderr"}
	if os.Getuid() == 0 {
		conf = append(conf, "user root") // the user it would become cannot read the test's folder
	}
	for name, text := range map[string]string{
		"passwords": MosquittoService + ":" + Secret + "\n" + MosquittoFeeder + ":" + Secret + "\n",
		"acl": "user " + MosquittoService + "\ntopic read plinth/v1/#\nuser " + MosquittoFeeder +
			"\ntopic write plinth/v1/+/+/data\n",
		"conf": strings.Join(conf, "\n") + "\n"} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	if out, err := exec.Command("mosquitto_passwd", "-U", at("passwords")).CombinedOutput(); err != nil {
		return "", fmt.Errorf("hash the passwords: %w: %s", err, out)
	}
	return at("conf"), nil
}

// Start starts the broker, again after Kill.
func (m *Mosquitto) Start(t testing.TB) {
	t.Helper()
	m.cmd = exec.Command(m.cmd.Path, "-c", m.conf)
	// Its output is dropped: `go test` would mix it into the line of a benchmark.
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.cmd.Start(); err != nil {
		t.Fatalf("mosquitto (Debian package mosquitto): %v", err)
	}
	cmd := m.cmd
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", m.Addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("mosquitto does not listen: %v", err)
		}
	}
}

// PID is the broker's process.
func (m *Mosquitto) PID() int { return m.cmd.Process.Pid }
