package fabric_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"plinth/internal/stack"
	"plinth/internal/stack/stacktest"
	"plinth/ledger/fabric"
)

// A data folder of an older release must start: the network gets the contract's new version and keeps its state.
func TestANetworkOfAnOlderContractIsGivenTheNewOne(t *testing.T) {
	stacktest.Chaincode(t)
	dir := filepath.Join(t.TempDir(), "net")
	l := newLog(t).grow(1, "leaf")
	use(t, dir, "1", func(c *fabric.Client) { l.register(c).mustAnchor(c, 0) })
	use(t, dir, "", func(c *fabric.Client) {
		size, root, err := c.Head(t.Context(), l.origin)
		if err != nil || size != 1 || root != l.root() {
			t.Fatalf("head after the upgrade: %d, %v, %v", size, root, err)
		}
		l.grow(1, "leaf").mustAnchor(c, 1)
		newFile(l).mustPut(c, "request.created")
	})
}

// use runs the network of a folder while fn uses it.
func use(t *testing.T, dir, version string, fn func(*fabric.Client)) {
	t.Helper()
	begun := time.Now()
	n, err := stack.StartFabric(t.Context(), dir, stack.FabricConfig{ContractVersion: version}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	t.Logf("the network was up after %v", time.Since(begun))
	fn(openAt(t, n.Description, fabric.Config{}))
}
