package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"plinth/internal/stack"
)

// TestMain lets the test binary run the engines of the stack.
func TestMain(m *testing.M) {
	if stack.RunEngine(os.Args) {
		return
	}
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

// programs is where the programs lie that all tests share; empty until the first test needs them.
var programs string

// startHouse builds the programs, starts `plinth up` in a fresh folder and waits until it serves.
func startHouse(t *testing.T) *running {
	t.Helper()
	if data := os.Getenv("TEST_PLINTH_DATA"); data != "" { // a house that runs already, with the programs beside its data
		return newRunning(os.Getenv("TEST_PLINTH_URL"), data, os.Getenv("TEST_PLINTH_BIN"))
	}
	bin := buildPrograms(t)
	data := filepath.Join(t.TempDir(), "data")
	up := exec.Command(filepath.Join(bin, "plinth"), "up", "--data", data, "--listen", "127.0.0.1:0", "--pull-allow", "127.0.0.1")
	url, _ := launch(t, up)
	return newRunning(url, data, bin)
}

func newRunning(url, data, bin string) *running {
	return &running{url: url, data: data, bin: bin, tokens: map[string]string{}, passwords: map[string]string{}}
}

// buildPrograms builds what a user has in bin, once.
func buildPrograms(t testing.TB) string {
	t.Helper()
	if programs != "" {
		return programs
	}
	bin, err := os.MkdirTemp("", "plinth-programs-")
	if err != nil {
		t.Fatal(err)
	}
	programs = bin
	for _, args := range [][]string{
		{"build", "-o", bin, "plinth/cmd/plinth", "plinth/cmd/plinth-verify"},
		{"build", "-o", filepath.Join(bin, "plinth-chaincode"), "plinth/ledger/chaincode/server"},
	} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return bin
}

// launch starts `plinth up` and returns the address it prints, and what stops it in order, which the end of t does too.
func launch(t *testing.T, up *exec.Cmd) (url string, stop func()) {
	t.Helper()
	out, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := &strings.Builder{}
	up.Stderr = said
	up.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		begun := time.Now()
		_ = up.Process.Signal(os.Interrupt)
		_ = up.Wait()
		t.Logf("stopped in %s", time.Since(begun))
	})
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("the service said:\n%s", tailOf(said.String(), 8000))
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, addr, ok := strings.Cut(lines.Text(), "http://"); ok {
			go func() {
				for lines.Scan() { // keep reading, so that the program never blocks on a full pipe
				}
			}()
			return "http://" + strings.TrimSpace(addr), stop
		}
	}
	t.Fatalf("plinth up gave no address:\n%s", said)
	return "", nil
}

func tailOf(s string, n int) string { return s[max(0, len(s)-n):] }
