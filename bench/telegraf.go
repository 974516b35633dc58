package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const telegrafName = "Telegraf 1.37.2"

// telegrafPlugins are those of the comparison; with all, the build takes far longer.
const telegrafPlugins = "custom,inputs.mqtt_consumer,outputs.sql,parsers.json_v2"

// measureTelegraf builds the peer, which takes some minutes the first time, and measures ours beside it.
func measureTelegraf(ctx context.Context) ([]Result, error) {
	dir, err := filepath.Abs("bench/telegraf")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(os.TempDir(), fmt.Sprintf("plinth-bench-telegraf-%d", os.Getpid()))
	defer os.Remove(program)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-tags", telegrafPlugins, "-o", program,
		"github.com/influxdata/telegraf/cmd/telegraf")
	build.Dir, build.Stderr = dir, os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build Telegraf: %w", err)
	}
	if err := os.Setenv("PLINTH_TELEGRAF", program); err != nil {
		return nil, err
	}
	return asRatio(goBench("./pipelines", "BenchmarkIngestOverTelegraf", "200000x",
		metric{name: "mqtt_over_telegraf", unit: "rows/s", from: "rows/s", scale: 1, peer: telegrafName, peerFrom: "telegraf-rows/s"}))(ctx)
}
