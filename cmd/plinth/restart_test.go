package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRestartKeepsEverything stops the house with Ctrl-C and starts it again: nothing is left running, a second start on
// a folder in use is refused, and facts, passwords, logs and chain go on.
func TestRestartKeepsEverything(t *testing.T) {
	bin := buildPrograms(t)
	data := filepath.Join(t.TempDir(), "data")
	up := func() *exec.Cmd {
		return exec.Command(filepath.Join(bin, "plinth"), "up", "--data", data, "--listen", "127.0.0.1:0", "--district-off")
	}
	url, stop := launch(t, up())
	first := registerDraft(t, newRunning(url, data, bin))

	out, err := up().CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is in use by process") {
		t.Errorf("a second start on the folder: %v\n%s", err, out)
	}

	pids := processes(t, data)
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("stopping took %s", took)
	}
	for name, pid := range pids {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("%s, process %d, is left running", name, pid)
		}
	}

	url, _ = launch(t, up())
	again := newRunning(url, data, bin)
	awaitAnchored(t, again, first)
	awaitAnchored(t, again, registerDraft(t, again))
}

// processes are the stack's processes by name.
func processes(t *testing.T, data string) map[string]int {
	t.Helper()
	pids := map[string]int{}
	raw, err := os.ReadFile(filepath.Join(data, "processes.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &pids); err != nil || len(pids) < 6 {
		t.Fatalf("processes.json: %s %v", raw, err)
	}
	return pids
}

// registerDraft opens a dataset and returns its path once its evidence is on the chain.
func registerDraft(t *testing.T, h *running) string {
	t.Helper()
	status, answer, err := h.as("steward", "POST", "/v1/datasets", []byte(`{"title":{"zh":"停电前后"},"description":{"zh":"重启后仍在"},
		"publisher":"opcentre","theme":"city-operation","grade":"general","openness":"unconditional","frequency":"daily"}`))
	if err != nil || status != 200 {
		t.Fatalf("create a dataset: %d %s %v", status, answer, err)
	}
	id, err := pick(answer, "id")
	if err != nil {
		t.Fatal(err)
	}
	awaitAnchored(t, h, "/v1/datasets/"+id)
	return "/v1/datasets/" + id
}

func awaitAnchored(t *testing.T, h *running, path string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, answer, err := h.as("steward", "GET", path, nil)
		if err == nil {
			if state, _ := pick(answer, "evidence.state"); state == "anchored" {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the evidence of %s is not on the chain after a minute: %s %v", path, answer, err)
		}
	}
}
