package stack_test

import (
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"plinth/internal/stack"
	"plinth/internal/stack/stacktest"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

func TestFolderIsHeldByOne(t *testing.T) {
	dir := t.TempDir()
	quiet := slog.New(slog.DiscardHandler)
	given := stack.Endpoints{Postgres: stack.Endpoint{URL: "postgres://elsewhere/db"},
		ClickHouse: stack.Endpoint{URL: "http://elsewhere"}, FabricNetwork: "elsewhere.json"}
	var steps []string
	s, err := stack.Start(t.Context(), dir, given, func(step string, _ time.Duration) { steps = append(steps, step) }, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if len(steps) != 1 || !strings.HasPrefix(steps[0], "broker serves") {
		t.Errorf("got steps %q, want the broker alone", steps)
	}
	if s.Endpoints.Postgres != given.Postgres {
		t.Errorf("got %v, want the engine that was given", s.Endpoints.Postgres)
	}
	if _, err := stack.Start(t.Context(), dir, given, func(string, time.Duration) {}, quiet); err == nil ||
		!strings.Contains(err.Error(), "is in use by process") {
		t.Errorf("second start: got %v, want a refusal that names the holder", err)
	}
	pid := s.PIDs()["broker"]
	s.Stop()
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("broker %d still runs after Stop", pid)
	}
}
