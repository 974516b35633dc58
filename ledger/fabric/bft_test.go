package fabric_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plinth"
	"plinth/internal/stack"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	"plinth/ledger/fabric"
)

// Four orderers of which the leader dies for good: the others choose another, and nothing that was anchored is lost.
func TestBFTOrderersGoOnWithoutTheirLeader(t *testing.T) {
	stacktest.Chaincode(t)
	dir := filepath.Join(t.TempDir(), "net")
	begun := time.Now()
	n, err := stack.StartFabric(t.Context(), dir, stack.FabricConfig{Consensus: "bft"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	t.Logf("four orderers were up after %v", time.Since(begun))
	c := openAt(t, n.Description, fabric.Config{Commit: 20 * time.Second})
	l := newLog(t).register(c).grow(3, "leaf")
	begun = time.Now()
	l.mustAnchor(c, 0)
	t.Logf("an anchor took %v", time.Since(begun))

	leader := leaderOf(t, dir)
	killForGood(t, n, leader)
	begun = time.Now()
	l.grow(2, "leaf")
	eventually(t, 90*time.Second, func() error {
		_, _, err := l.anchor(t.Context(), c, 3)
		if err != nil && !errors.Is(err, plinth.ErrUnavailable) && !errors.Is(err, ledger.ErrUnknownOutcome) {
			t.Fatalf("got %v; without a leader the outcome is unknown at worst", err)
		}
		return err
	})
	t.Logf("without %s the next anchor took %v", leader, time.Since(begun))
	size, root, err := c.Head(t.Context(), l.origin)
	if err != nil || size != 5 || root != l.root() {
		t.Errorf("head has size %d, %v; want 5", size, err)
	}
	attestation, err := c.Attest(t.Context(), l.origin, 5)
	if err != nil {
		t.Fatal(err)
	}
	d := trustOf(t, n.Description)
	if _, err := ledger.VerifyAttestation(attestation, ledger.Checkpoint{Origin: l.origin, Size: 5, Root: l.root()}, d); err != nil {
		t.Error(err)
	}
}

// leaderOf asks the orderers' own metrics which of them leads.
func leaderOf(t *testing.T, dir string) (name string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "ports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ports map[string]int
	if err := json.Unmarshal(data, &ports); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, func() error {
		for i := 1; i <= 4; i++ {
			name = fmt.Sprintf("orderer-%d", i)
			if leads(t, ports[name+"-operations"]) {
				return nil
			}
		}
		return errors.New("no orderer says that it leads")
	})
	return name
}

func leads(t *testing.T, port int) bool {
	t.Helper()
	r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
	if err != nil {
		return false
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	return strings.Contains(string(text), `consensus_BFT_is_leader{channel="evidence"} 1`)
}

// killForGood ends a process as a crash would, and keeps the supervisor from starting it again.
func killForGood(t *testing.T, n *stack.FabricNetwork, name string) {
	t.Helper()
	r := n.Runner(name)
	if err := syscall.Kill(r.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.Stop()
}
