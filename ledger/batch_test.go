package ledger_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// batch makes the batch of a tile, with the entries chosen.
func (f *fixture) batch(t testing.TB, tile int64, chosen ...int64) ledger.Batch {
	t.Helper()
	r := f.receipt(t, tile*ledger.TileWidth)
	b := ledger.Batch{First: r.Index, Checkpoint: r.Checkpoint, Attestation: r.Attestation, Entries: map[int64][]byte{}}
	for i := b.First; i < min(b.First+ledger.TileWidth, f.cp.Size); i++ {
		b.Leaves = append(b.Leaves, ledger.Leaf(f.entries[i]))
	}
	for _, i := range chosen {
		b.Entries[i] = f.entries[i]
	}
	b.Path = ledger.TilePath(r.Path, len(b.Leaves))
	return b
}

func encodeBatch(t testing.TB, b ledger.Batch) []byte {
	t.Helper()
	file, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestBatchProvesItsRecords(t *testing.T) {
	for _, size := range []int64{1, 2, 3, 255, 256, 257, 511, 512, 513, 700, 1777} {
		f := newFixture(t, size)
		for tile := range (size-1)/ledger.TileWidth + 1 {
			first := tile * ledger.TileWidth
			last := min(first+ledger.TileWidth, size) - 1
			v, err := ledger.VerifyBatch(encodeBatch(t, f.batch(t, tile, first, last)), f.policy())
			if err != nil || v.Word != ledger.Proven || int64(v.Leaves) != last-first+1 {
				t.Fatalf("size %d, tile %d: got %s, %v", size, tile, v.Word, err)
			}
			if r := v.Records[len(v.Records)-1]; r.Index != last || r.Entry.ID != entry(last).ID {
				t.Errorf("size %d, tile %d: proves %+v", size, tile, r)
			}
		}
	}
}

func TestForgedBatchesAreRefused(t *testing.T) {
	f := newFixture(t, 700)
	for _, tt := range []struct {
		name string
		bend func(*ledger.Batch)
		word ledger.Word
		part ledger.Part
	}{
		{"an entry of another place", func(b *ledger.Batch) { b.Entries[257] = f.entries[258] }, ledger.Untrusted, ledger.PartInclusion},
		{"an altered entry", func(b *ledger.Batch) { e := bytes.Clone(f.entries[257]); e[100] ^= 1; b.Entries[257] = e },
			ledger.Untrusted, ledger.PartInclusion},
		{"an altered leaf", func(b *ledger.Batch) { b.Leaves[7][0] ^= 1 }, ledger.Untrusted, ledger.PartInclusion},
		{"two leaves swapped", func(b *ledger.Batch) { b.Leaves[7], b.Leaves[8] = b.Leaves[8], b.Leaves[7] }, ledger.Untrusted, ledger.PartInclusion},
		{"a leaf left out", func(b *ledger.Batch) { b.Leaves = b.Leaves[:255] }, ledger.Untrusted, ledger.PartInclusion},
		{"an altered path", func(b *ledger.Batch) { b.Path[0][0] ^= 1 }, ledger.Untrusted, ledger.PartInclusion},
		{"a short path", func(b *ledger.Batch) { b.Path = b.Path[1:] }, ledger.Untrusted, ledger.PartInclusion},
		{"a long path", func(b *ledger.Batch) { b.Path = append(b.Path, tlog.Hash{}) }, ledger.Untrusted, ledger.PartInclusion},
		{"another tile's place", func(b *ledger.Batch) { b.First, b.Entries = 0, nil }, ledger.Untrusted, ledger.PartInclusion},
		{"a place that is no tile's", func(b *ledger.Batch) { b.First, b.Entries = 1, nil }, ledger.CannotEvaluate, ledger.PartFile},
		{"a place beyond the end", func(b *ledger.Batch) { b.First, b.Entries = 1024, nil }, ledger.Untrusted, ledger.PartInclusion},
		{"a place beyond all numbers", func(b *ledger.Batch) { b.First, b.Entries = -256, nil }, ledger.CannotEvaluate, ledger.PartFile},
		{"one organisation only", func(b *ledger.Batch) { b.Attestation.Endorsements = b.Attestation.Endorsements[1:] },
			ledger.PolicyFailed, ledger.PartEndorsement},
		{"not an entry", func(b *ledger.Batch) { b.Entries[257] = []byte{0xa0} }, ledger.Untrusted, ledger.PartEntry},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := f.batch(t, 1, 257, 300)
			tt.bend(&b)
			v, err := ledger.VerifyBatch(encodeBatch(t, b), f.policy())
			var fault *ledger.Fault
			if !errors.As(err, &fault) || v.Word != tt.word || fault.Part != tt.part {
				t.Errorf("got %s, %v; want %s, %s", v.Word, err, tt.word, tt.part)
			}
		})
	}
	b := f.batch(t, 1)
	b.Entries[3] = f.entries[3]
	if _, err := b.Encode(); err == nil {
		t.Error("an entry of another tile is taken")
	}
}

// TestEveryAlteredByteOfABatchIsRefused flips one bit of each byte; a batch is long, so its leaves are sampled.
func TestEveryAlteredByteOfABatchIsRefused(t *testing.T) {
	f := newFixture(t, 300)
	file, p := encodeBatch(t, f.batch(t, 1, 256, 299)), f.policy()
	if _, err := ledger.VerifyBatch(file, p); err != nil {
		t.Fatal(err)
	}
	for i := range file {
		mutant := bytes.Clone(file)
		mutant[i] ^= 1 << (i % 8)
		_, err := ledger.VerifyBatch(mutant, p)
		var fault *ledger.Fault
		if !errors.As(err, &fault) || fault.Part == "" {
			t.Fatalf("byte %d: got %v, want a fault that names its part", i, err)
		}
		if _, err := ledger.VerifyBatch(file[:i], p); err == nil {
			t.Fatalf("cut to %d bytes: accepted", i)
		}
	}
	if _, err := ledger.VerifyBatch(append(slices.Clone(file), 0), p); err == nil {
		t.Error("one byte more: accepted")
	}
}

func FuzzParseBatch(f *testing.F) {
	x := newFixture(f, 260)
	f.Add(encodeBatch(f, x.batch(f, 1, 256, 259)))
	f.Add(encodeBatch(f, x.batch(f, 1)))
	p := x.policy()
	f.Fuzz(func(t *testing.T, b []byte) {
		if batch, err := ledger.ParseBatch(b); err == nil {
			if again, err := batch.Encode(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("a batch has two forms: %v", err)
			}
		}
		_, _ = ledger.VerifyBatch(b, p)
	})
}

func BenchmarkVerifyBatch(b *testing.B) {
	x := newFixture(b, 1777)
	var all []int64
	for i := range int64(ledger.TileWidth) {
		all = append(all, 512+i)
	}
	file, p := encodeBatch(b, x.batch(b, 2, all...)), x.policy()
	b.ReportMetric(float64(len(file))/ledger.TileWidth, "bytes_per_record")
	for b.Loop() {
		if _, err := ledger.VerifyBatch(file, p); err != nil {
			b.Fatal(err)
		}
	}
}
