package fabric_test

import (
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/internal/stack"
	"plinth/internal/stack/fabric"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	chain "plinth/ledger/fabric"
	"plinth/ledger/sequencer"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

// A data folder of an older release must start: the network gets the contract's new version and keeps its state.
func TestANetworkOfAnOlderContractIsGivenTheNewOne(t *testing.T) {
	stacktest.Chaincode(t)
	dir := filepath.Join(t.TempDir(), "net")
	const origin = "test.plinth/upgrade"
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	leaf := tlog.RecordHash([]byte("leaf"))
	checkpoint := ledger.Checkpoint{Origin: origin, Size: 1, Root: leaf}

	back := fabric.SetVersion("1")
	use(t, dir, func(c *chain.Client) {
		signer, err := note.NewSigner(skey)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := checkpoint.Sign(signer)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.RegisterLog(t.Context(), origin, vkey); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Anchor(t.Context(), origin, sequencer.Submission{Note: signed}); err != nil {
			t.Fatal(err)
		}
	})
	back()
	use(t, dir, func(c *chain.Client) {
		size, root, err := c.Head(t.Context(), origin)
		if err != nil || size != 1 || root != leaf {
			t.Fatalf("head after the upgrade: %d, %v, %v", size, root, err)
		}
		step := ledger.Step{Case: ledger.SubjectTag(nil, "request:rq_1"), Seq: 1, Kind: "request.created", Record: uuid.New(), Origin: origin, Leaf: leaf}
		if _, err := c.PutStep(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	})
}

// use runs the network of a folder while fn uses it.
func use(t *testing.T, dir string, fn func(*chain.Client)) {
	t.Helper()
	begun := time.Now()
	n, err := stack.StartFabric(t.Context(), dir, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	t.Logf("the network was up after %v", time.Since(begun))
	c, err := chain.Open(chain.Config{Network: n.Description}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fn(c)
}
