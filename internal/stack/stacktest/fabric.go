package stacktest

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"

	"plinth/internal/stack"
)

// Fabric returns the path of the network.json of a running Fabric network of two organisations. It is shared by the
// tests of one process: name origins apart.
func Fabric(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("TEST_FABRIC_NETWORK"); path != "" {
		return path
	}
	return FabricNetwork(t).Description
}

// FabricNetwork returns the network itself, for tests that kill its processes.
func FabricNetwork(t testing.TB) *stack.FabricNetwork {
	t.Helper()
	f, err := startFabric()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var startFabric = sync.OnceValues(func() (*stack.FabricNetwork, error) {
	home, err := dir("fabric")
	if err != nil {
		return nil, err
	}
	f, err := stack.StartFabric(context.Background(), home, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	onExit(f.Stop)
	return f, nil
})
