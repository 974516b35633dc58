package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const tesseraName = "Tessera v1.0.4 POSIX"

// measureAppends measures durable appends of 256 B, each acknowledged by itself: ours for a minute, between two runs of
// the peer on the same disk. The peer's figure is their mean. An entry of the peer counts once it is under a published
// checkpoint, as one of ours does.
func measureAppends(ctx context.Context) ([]Result, error) {
	program, err := buildTessera(ctx)
	if err != nil {
		return nil, err
	}
	defer os.Remove(program)
	before, err := runTessera(ctx, program)
	if err != nil {
		return nil, err
	}
	ours, err := goBench("./ledger/sequencer", "BenchmarkSubmit/sha256", "60s",
		metric{name: "log_append_per_s", unit: "appends/s", from: "appends/s", scale: 1})(ctx)
	if err != nil {
		return nil, err
	}
	after, err := runTessera(ctx, program)
	if err != nil {
		return nil, err
	}
	peer := (before + after) / 2
	ours[0].Peer, ours[0].Ratio = tesseraName, ours[0].Value/peer
	return append(ours, Result{Name: "log_append_over_tessera", Value: ours[0].Value / peer, Unit: "×",
		Peer: fmt.Sprintf("%s: %.0f and %.0f appends/s", tesseraName, before, after), Ratio: ours[0].Value / peer}), nil
}

func buildTessera(ctx context.Context) (string, error) {
	dir, err := filepath.Abs("bench/tessera")
	if err != nil {
		return "", err
	}
	program := filepath.Join(os.TempDir(), fmt.Sprintf("plinth-bench-tessera-%d", os.Getpid()))
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	return program, cmd.Run()
}

// runTessera returns the peer's published appends per second.
func runTessera(ctx context.Context, program string) (float64, error) {
	dir, err := os.MkdirTemp("", "plinth-bench-tessera-log-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	out, err := exec.CommandContext(ctx, program, "-dir", dir, "-for", (20 * time.Second).String()).Output()
	if err != nil {
		return 0, fmt.Errorf("tessera: %w", err)
	}
	var r struct {
		Entries int64   `json:"entries"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return 0, fmt.Errorf("tessera: %w", err)
	}
	return float64(r.Entries) / r.Seconds, nil
}
