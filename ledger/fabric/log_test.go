package fabric_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	"plinth/ledger/fabric"
	"plinth/ledger/sequencer"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

// testLog is a log in memory whose checkpoints are to be anchored.
type testLog struct {
	t      testing.TB
	origin string
	signer note.Signer
	vkey   string
	hashes []tlog.Hash
	size   int64
}

func newLog(t testing.TB) *testLog {
	t.Helper()
	origin := "test.plinth/" + strings.ToLower(rand.Text())
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return &testLog{t: t, origin: origin, signer: signer, vkey: vkey}
}

// ReadHashes implements tlog.HashReader.
func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, l.hashes[i])
	}
	return out, nil
}

func (l *testLog) grow(n int, leaf string) *testLog {
	l.t.Helper()
	for range n {
		hashes, err := tlog.StoredHashes(l.size, fmt.Appendf(nil, "%s %d", leaf, l.size), l)
		if err != nil {
			l.t.Fatal(err)
		}
		l.hashes = append(l.hashes, hashes...)
		l.size++
	}
	return l
}

// fork returns a log of the same key that goes on differently.
func (l *testLog) fork() *testLog {
	f := *l
	f.hashes = append([]tlog.Hash(nil), l.hashes...)
	return &f
}

func (l *testLog) root() tlog.Hash {
	l.t.Helper()
	root, err := tlog.TreeHash(l.size, l)
	if err != nil {
		l.t.Fatal(err)
	}
	return root
}

func (l *testLog) checkpoint() []byte {
	l.t.Helper()
	signed, err := ledger.Checkpoint{Origin: l.origin, Size: l.size, Root: l.root()}.Sign(l.signer)
	if err != nil {
		l.t.Fatal(err)
	}
	return signed
}

func (l *testLog) proof(from int64) tlog.TreeProof {
	l.t.Helper()
	if from == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(l.size, from, l)
	if err != nil {
		l.t.Fatal(err)
	}
	return proof
}

// submission is the log's present size on the head of size from.
func (l *testLog) submission(from int64) sequencer.Submission {
	l.t.Helper()
	return sequencer.Submission{Note: l.checkpoint(), Proof: l.proof(from)}
}

func (l *testLog) register(c *fabric.Client) *testLog {
	l.t.Helper()
	if err := c.RegisterLog(l.t.Context(), l.origin, l.vkey); err != nil {
		l.t.Fatalf("RegisterLog: %v", err)
	}
	return l
}

// anchor anchors the log's present size on the head of size from.
func (l *testLog) anchor(ctx context.Context, c *fabric.Client, from int64) (string, uint64, error) {
	l.t.Helper()
	a, err := c.Anchor(ctx, l.origin, l.submission(from))
	return a.TxID, a.Block, err
}

func (l *testLog) mustAnchor(c *fabric.Client, from int64) string {
	l.t.Helper()
	tx, block, err := l.anchor(l.t.Context(), c, from)
	if err != nil {
		l.t.Fatalf("anchor size %d: %v", l.size, err)
	}
	if tx == "" || block == 0 {
		l.t.Fatalf("anchor size %d: transaction %q in block %d", l.size, tx, block)
	}
	return tx
}

func open(t testing.TB, cfg fabric.Config) *fabric.Client {
	t.Helper()
	return openAt(t, stacktest.Fabric(t), cfg)
}

func openAt(t testing.TB, path string, cfg fabric.Config) *fabric.Client {
	t.Helper()
	cfg.Network = path
	cfg.State = t.TempDir()
	level := slog.LevelInfo
	if testing.Verbose() && testing.Short() {
		level = slog.LevelDebug
	}
	c, err := fabric.Open(cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// eventually repeats try until it succeeds.
func eventually(t testing.TB, within time.Duration, try func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still after %v: %v", within, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

var fabricConfig fabric.Config

type anchorer interface {
	Anchor(context.Context, string, sequencer.Submission) (sequencer.Anchored, error)
}

func newLogNamed(t testing.TB, origin string) *testLog {
	t.Helper()
	l := newLog(t)
	l.origin = origin
	_, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	l.vkey = vkey
	return l
}

// newLogOf returns an empty log that signs with the key of l.
func newLogOf(l *testLog) *testLog {
	return &testLog{t: l.t, origin: l.origin, signer: l.signer, vkey: l.vkey}
}

func anchorErr(t testing.TB, c *fabric.Client, l *testLog, from int64) error {
	t.Helper()
	_, _, err := l.anchor(t.Context(), c, from)
	return err
}

func second(_ sequencer.Anchored, err error) error { return err }
