// Package stacktest gives tests real engines. Each engine is started once per test process, on first use, in a folder
// of its own; the variables TEST_POSTGRES_URL, TEST_CLICKHOUSE_URL, TEST_BROKER_URL and TEST_FABRIC_NETWORK name
// running ones instead. An engine that cannot be had fails the test: it is never skipped.
package stacktest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"plinth/internal/stack"
)

var (
	home  string
	ports *stack.Ports
	mu    sync.Mutex
	stops []func()
)

// Main is for TestMain: it runs the tests and stops the engines they used. When the test binary was started as an
// engine's own process it runs that engine instead.
func Main(m *testing.M) {
	if stack.RunEngine(os.Args) {
		return
	}
	code := m.Run()
	for i := len(stops) - 1; i >= 0; i-- {
		stops[i]()
	}
	if home != "" {
		os.RemoveAll(home)
	}
	os.Exit(code)
}

// dir returns the folder of one engine. The whole is readable by others, since PostgreSQL may run as nobody.
func dir(name string) (string, error) {
	mu.Lock()
	defer mu.Unlock()
	if home == "" {
		made, err := os.MkdirTemp("", "plinth-test-")
		if err != nil {
			return "", err
		}
		if err := os.Chmod(made, 0o755); err != nil {
			return "", err
		}
		if ports, err = stack.OpenPorts(made); err != nil {
			return "", err
		}
		home = made
	}
	path := filepath.Join(home, name)
	return path, os.MkdirAll(path, 0o755)
}

// addr returns the loopback address of one engine.
func addr(name string) (string, error) {
	mu.Lock()
	defer mu.Unlock()
	return ports.Addr(name)
}

// onExit has stop called when the tests are over, the newest first.
func onExit(stop func()) {
	mu.Lock()
	defer mu.Unlock()
	stops = append(stops, stop)
}

// run starts a process that lives until the tests are over.
func run(p stack.Process) (*stack.Runner, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r, err := stack.Run(context.Background(), p, log)
	if err != nil {
		return nil, fmt.Errorf("test engine: %w", err)
	}
	onExit(r.Stop)
	return r, nil
}
