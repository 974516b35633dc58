package fabric_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plinth/internal/stack/fabric"
	"plinth/ledger/fabric/network"
)

func prepareWith(t *testing.T, dir string, c fabric.Consensus) (*fabric.Network, error) {
	t.Helper()
	return fabric.Prepare(t.Context(), dir, fabric.Config{Binaries: binaries(t), Consensus: c}, slog.New(slog.DiscardHandler))
}

func orderers(n *fabric.Network) (names []string) {
	for _, p := range n.Processes() {
		if strings.HasPrefix(p.Name, "orderer") {
			names = append(names, p.Name)
		}
	}
	return names
}

func TestBFTHasFourOrderersAndKeepsThem(t *testing.T) {
	dir := t.TempDir()
	if _, err := prepareWith(t, dir, fabric.BFT); err != nil {
		t.Fatal(err)
	}
	n, err := prepareWith(t, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := orderers(n); len(got) != 4 {
		t.Errorf("orderers %v, want the four that the folder has", got)
	}
	d, err := network.Read(n.Description())
	if err != nil || d.Consensus != "bft" || len(d.Orderers) != 4 {
		t.Errorf("described as %s with %d orderers, %v", d.Consensus, len(d.Orderers), err)
	}
	if _, err := prepareWith(t, dir, fabric.Raft); err == nil || !strings.Contains(err.Error(), "was made with consensus bft") {
		t.Errorf("got %v, want it to say what the folder has", err)
	}
}

// A folder that was made before there was a choice has one orderer, and keeps it.
func TestAFolderOfAnOlderReleaseStaysRaft(t *testing.T) {
	dir := t.TempDir()
	prepare(t, dir)
	if err := os.Remove(filepath.Join(dir, "consensus")); err != nil {
		t.Fatal(err)
	}
	if _, err := prepareWith(t, dir, fabric.BFT); err == nil || !strings.Contains(err.Error(), "another data folder") {
		t.Errorf("got %v, want a way out", err)
	}
	n, err := prepareWith(t, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := orderers(n); len(got) != 1 || got[0] != "orderer" {
		t.Errorf("orderers %v, want one", got)
	}
}

func TestAnUnknownConsensusIsRefused(t *testing.T) {
	if _, err := prepareWith(t, t.TempDir(), "kafka"); err == nil || !strings.Contains(err.Error(), "want raft or bft") {
		t.Errorf("got %v", err)
	}
}
