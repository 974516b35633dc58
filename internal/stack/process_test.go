package stack_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plinth/internal/stack"
)

// ready is a program that makes a file, so that tests see when it serves, and then waits.
func ready(t *testing.T) (stack.Process, string) {
	mark := filepath.Join(t.TempDir(), "ready")
	return stack.Process{
		Name: "demo", Path: "/bin/sh", Args: []string{"-c", "touch " + mark + "; exec sleep 600"},
		Ready: func(context.Context) error { _, err := os.Stat(mark); return err },
	}, mark
}

func TestKilledProcessIsStartedAgain(t *testing.T) {
	p, mark := ready(t)
	r, err := stack.Run(t.Context(), p, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	first := r.PID()
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process serves again", func() bool { return p.Ready(t.Context()) == nil })
	if r.PID() == first || r.Restarts() != 1 {
		t.Errorf("got pid %d after %d, %d restarts; want another pid and 1", r.PID(), first, r.Restarts())
	}
}

func TestStopLeavesNothingRunning(t *testing.T) {
	p, _ := ready(t)
	p.Args[1] = "trap '' TERM; " + p.Args[1] // it ignores the polite signal
	p.StopWithin = 100 * time.Millisecond
	r, err := stack.Run(t.Context(), p, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	pid := r.PID()
	r.Stop()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
}

func TestFailedStartShowsTheLastLines(t *testing.T) {
	_, err := stack.Run(t.Context(), stack.Process{
		Name: "broken", Path: "/bin/sh", Args: []string{"-c", "echo disk is full >&2; exit 3"},
		Ready: func(context.Context) error { return errors.New("not yet") },
	}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("got %v, want the program's own words", err)
	}
}

func TestMissingProgramFailsAtOnce(t *testing.T) {
	_, err := stack.Run(t.Context(), stack.Process{Name: "absent", Path: "/no/such/program",
		Ready: func(context.Context) error { return nil }}, slog.New(slog.DiscardHandler))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

func TestPortsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	first := portOf(t, dir, "postgres")
	if again := portOf(t, dir, "postgres"); again != first {
		t.Errorf("got %s, want %s as before", again, first)
	}
	if _, port, _ := net.SplitHostPort(first); port == "0" {
		t.Errorf("got port 0")
	}
}

func portOf(t *testing.T, dir, name string) string {
	t.Helper()
	ports, err := stack.OpenPorts(dir)
	if err != nil {
		t.Fatal(err)
	}
	at, err := ports.Addr(name)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
