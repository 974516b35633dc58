package stack

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"plinth/internal/clickhouse/embedded"
	"plinth/internal/stack/broker"
)

// engineMain runs one engine inside this process until ctx ends.
type engineMain func(ctx context.Context, args []string) error

// engines are those that run as processes of our own binary, as "plinth engine NAME …". They are child processes so
// that a crash of foreign code does not take the service with it.
var engines = map[string]engineMain{
	"broker":     broker.Main,
	"clickhouse": embedded.Main,
}

// RunEngine runs the engine that args name, if args are "PROGRAM engine NAME …", and tells whether they were. It ends
// the process on failure.
func RunEngine(args []string) bool {
	if len(args) < 3 || args[1] != "engine" {
		return false
	}
	run, ok := engines[args[2]]
	if !ok {
		return false
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, args[3:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", args[2], err)
		os.Exit(1)
	}
	return true
}
