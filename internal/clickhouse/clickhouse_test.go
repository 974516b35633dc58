package clickhouse_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"plinth/internal/clickhouse"
	"plinth/internal/clickhouse/embedded"
	"plinth/internal/stack/stacktest"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

// process is an engine that a test started.
type process struct {
	cmd    *exec.Cmd
	cfg    clickhouse.Config
	stderr *strings.Builder
}

// launch starts an engine of our own binary on dir and waits for its ready line.
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

// open opens a DB on the engine that the tests share.
func open(t *testing.T) *clickhouse.DB { return openAt(t, stacktest.ClickHouse(t)) }

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
