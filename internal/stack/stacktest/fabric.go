package stacktest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"plinth/internal/stack"
)

// Fabric returns the path of the network.json of a running network. All tests of a process share it, so each uses
// origins of its own.
func Fabric(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("TEST_FABRIC_NETWORK"); path != "" {
		return path
	}
	return FabricNetwork(t).Description
}

// FabricNetwork is Fabric for tests that kill its processes, which needs a network of our own.
func FabricNetwork(t testing.TB) *stack.FabricNetwork {
	t.Helper()
	n, err := fabricNetwork()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var fabricNetwork = sync.OnceValues(func() (*stack.FabricNetwork, error) {
	home, err := dir("fabric")
	if err != nil {
		return nil, err
	}
	if err := buildChaincode(home); err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	n, err := stack.StartFabric(context.Background(), filepath.Join(home, "network"), log)
	if err != nil {
		return nil, fmt.Errorf("test engine: %w", err)
	}
	onExit(n.Stop)
	return n, nil
})

// buildChaincode makes the contract's program from the sources under test.
func buildChaincode(home string) error {
	if os.Getenv("PLINTH_CHAINCODE") != "" {
		return nil
	}
	program := filepath.Join(home, "plinth-chaincode")
	if out, err := exec.Command("go", "build", "-o", program, "plinth/ledger/chaincode/server").CombinedOutput(); err != nil {
		return fmt.Errorf("build chaincode: %w\n%s", err, out)
	}
	return os.Setenv("PLINTH_CHAINCODE", program)
}
