package clickhouse_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"plinth/internal/clickhouse"
	"plinth/internal/clickhouse/embedded"
)

// TestMain lets the test binary be its own engine: `engine clickhouse …`.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "engine" && os.Args[2] == "clickhouse" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
		defer stop()
		if err := embedded.Main(ctx, os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if shared.p != nil {
		shared.p.stop()
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// process is an engine that a test started.
type process struct {
	cmd    *exec.Cmd
	cfg    clickhouse.Config
	stderr *strings.Builder
}

// launch starts an engine on dir and waits for its ready line.
func launch(dir string, args ...string) (*process, error) {
	p := &process{stderr: &strings.Builder{}}
	p.cmd = exec.Command(os.Args[0], append([]string{"engine", "clickhouse", "--dir", dir}, args...)...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.cmd.Wait()
		return nil, fmt.Errorf("engine said no ready line: %s", p.stderr)
	}
	var ready embedded.Ready
	if err := json.Unmarshal([]byte(line), &ready); err != nil {
		return nil, err
	}
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	if err != nil {
		return nil, err
	}
	p.cfg = clickhouse.Config{URL: ready.URL, User: clickhouse.ServiceUser, Password: strings.TrimSpace(string(password))}
	return p, nil
}

func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.cmd.Wait()
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// start starts an engine of the test's own.
func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p, err := launch(dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

var shared struct {
	once sync.Once
	dir  string
	p    *process
	err  error
}

// engine is one engine for all tests that do not stop it.
func engine(t *testing.T) *process {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "plinth-clickhouse-"); shared.err == nil {
			shared.p, shared.err = launch(shared.dir)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.p
}

// open opens a DB on the shared engine.
func open(t *testing.T) *clickhouse.DB { return openAt(t, engine(t).cfg) }

func openAt(t *testing.T, cfg clickhouse.Config) *clickhouse.DB {
	t.Helper()
	db, err := clickhouse.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, db *clickhouse.DB, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if err := db.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}
