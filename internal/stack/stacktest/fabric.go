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
	if err := buildChaincode(); err != nil {
		return nil, err
	}
	f, err := stack.StartFabric(context.Background(), home, stack.FabricConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	onExit(f.Stop)
	return f, nil
})

// Chaincode makes the contract's program for tests that start a network of their own.
func Chaincode(t testing.TB) {
	t.Helper()
	if err := buildChaincode(); err != nil {
		t.Fatal(err)
	}
}

// buildChaincode makes the contract's program from the sources under test; one that lies in bin may be older.
func buildChaincode() error {
	if os.Getenv("PLINTH_CHAINCODE") != "" {
		return nil
	}
	home, err := dir("chaincode")
	if err != nil {
		return err
	}
	program := filepath.Join(home, "plinth-chaincode")
	if out, err := exec.Command("go", "build", "-o", program, "plinth/ledger/chaincode/server").CombinedOutput(); err != nil {
		return fmt.Errorf("build the chaincode: %w\n%s", err, out)
	}
	return os.Setenv("PLINTH_CHAINCODE", program)
}
