package sequencer_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/sequencer"
)

// shelf is a store in memory for records whose ids hold their index: it makes the sequencer's own work visible.
type shelf struct {
	sequencer.Store
	anchors []sequencer.Anchor
	asked   atomic.Int64 // how often Covering was called
}

func (s *shelf) Projected(context.Context, ledger.Origin) (c ledger.Checkpoint, err error) {
	return c, nil
}
func (s *shelf) Newest(context.Context, ledger.Origin) (a sequencer.Anchor, err error) { return a, nil }

func (s *shelf) Locate(_ context.Context, id uuid.UUID) (ledger.Origin, int64, error) {
	return ledger.Device, int64(binary.BigEndian.Uint64(id[:8])), nil
}

func (s *shelf) Covering(_ context.Context, _ ledger.Origin, index int64) (sequencer.Anchor, error) {
	s.asked.Add(1)
	for _, a := range s.anchors {
		if index < a.Size {
			return a, nil
		}
	}
	return sequencer.Anchor{}, plinth.Errorf(plinth.ErrNotFound, "not covered")
}

func idOf(index int64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(index))
	id[15] = 1 // an id is not zero
	return id
}

// shelved is a sequencer over a shelf whose device log has entries under attested checkpoints of the sizes.
func shelved(t testing.TB, sizes ...int64) (*sequencer.Sequencer, *shelf, ledger.Policy) {
	t.Helper()
	chain, store := ledgertest.NewChain(), &shelf{}
	policy := ledgertest.Policy(chain.Orgs...)
	s, err := sequencer.Open(t.Context(), sequencer.Config{Dir: t.TempDir(), Name: "putuo.plinth", Trust: policy, MinFree: 1},
		store, chain, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	l, err := s.Log(ledger.Device)
	if err != nil {
		t.Fatal(err)
	}
	policy.LogKeys = s.LogKeys()
	if err := chain.RegisterLog(t.Context(), l.Origin(), policy.LogKeys[1]); err != nil {
		t.Fatal(err)
	}
	for _, size := range sizes {
		store.anchors = append(store.anchors, anchorAt(t, l, chain, size))
	}
	return s, store, policy
}

func anchorAt(t testing.TB, l *sequencer.Log, chain *ledgertest.Chain, size int64) sequencer.Anchor {
	t.Helper()
	old, _ := l.Checkpoint()
	if _, err := l.Append(realEntries(t, old.Size, size-old.Size)); err != nil {
		t.Fatal(err)
	}
	c, signed := l.Checkpoint()
	proof, err := l.ProveTree(c.Size, old.Size)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Anchor(t.Context(), l.Origin(), sequencer.Submission{Note: signed, Proof: proof}); err != nil {
		t.Fatal(err)
	}
	a, err := chain.Attest(t.Context(), l.Origin(), size)
	if err != nil {
		t.Fatal(err)
	}
	return sequencer.Anchor{Checkpoint: c, Note: signed, Attestation: a}
}

func realEntries(t testing.TB, first, n int64) [][]byte {
	t.Helper()
	out := make([][]byte, n)
	for i := range out {
		e := ledger.Entry{ID: idOf(first + int64(i)), Kind: "segment.sealed", Org: "sensors", Seq: uint64(first) + uint64(i) + 1,
			Prev: first + int64(i) - 1, From: when, To: when.Add(time.Minute), Count: 60, Relation: ledger.Generated}
		var err error
		if out[i], err = e.Encode(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestReceiptsOfOneCheckpointAskTheStoreOnce(t *testing.T) {
	s, store, policy := shelved(t, 700, 1500, 3000)
	for _, index := range []int64{0, 699, 350, 700, 1499, 1000, 2999, 1500} {
		file, err := s.Receipt(t.Context(), idOf(index), sequencer.DiscloseNothing)
		if err != nil {
			t.Fatal(err)
		}
		v, err := ledger.Verify(file, policy)
		want := map[bool]int64{index < 700: 700, index >= 700 && index < 1500: 1500, index >= 1500: 3000}[true]
		if err != nil || v.Index != index || v.Checkpoint.Size != want {
			t.Errorf("receipt of %d: %v, %v", index, v, err)
		}
	}
	before := store.asked.Load()
	for range 300 {
		index := rand.Int64N(3000)
		if _, err := s.Receipt(t.Context(), idOf(index), sequencer.DiscloseNothing); err != nil {
			t.Fatal(err)
		}
	}
	if asked := store.asked.Load() - before; asked != 0 {
		t.Errorf("the store was asked %d times more", asked)
	}
}

// BenchmarkReceipt serves receipts of records chosen at random ("random"), each of which costs a tile and a bundle, and
// of neighbours ("in order"), which find theirs in memory.
func BenchmarkReceipt(b *testing.B) {
	const size = 1 << 20
	s, _, _ := shelved(b, size)
	for _, how := range []string{"random", "in order"} {
		b.Run(how, func(b *testing.B) {
			began := cpuTime(b)
			var next atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					index := next.Add(1) % size
					if how == "random" {
						index = rand.Int64N(size)
					}
					if _, err := s.Receipt(context.Background(), idOf(index), sequencer.DiscloseNothing); err != nil {
						b.Error(fmt.Errorf("receipt of %d: %w", index, err))
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
			b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N), "cpu-ns/receipt")
		})
	}
}

// BenchmarkBatchReceipt serves the batch receipts of tiles chosen at random, each of which proves 256 records.
func BenchmarkBatchReceipt(b *testing.B) {
	const size = 1 << 20
	s, _, policy := shelved(b, size)
	file, err := s.BatchReceipt(b.Context(), ledger.Device, 7)
	if err != nil {
		b.Fatal(err)
	}
	if v, err := ledger.VerifyBatch(file, policy); err != nil || v.Word != ledger.Proven {
		b.Fatalf("got %s, %v", v.Word, err)
	}
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.BatchReceipt(context.Background(), ledger.Device, rand.Int64N(size/ledger.TileWidth)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(ledger.TileWidth*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
