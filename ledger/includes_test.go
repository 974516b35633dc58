package ledger_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// large is a path in a tree of 10^8 entries whose other hashes are made up: nobody can tell, for any hash could be one.
func large(t testing.TB, index int64) (c ledger.Checkpoint, entryBytes []byte, path tlog.RecordProof) {
	t.Helper()
	b, err := entry(41).Encode()
	if err != nil {
		t.Fatal(err)
	}
	const size = 100_000_000
	h, r := ledger.Leaf(b), rand.New(rand.NewPCG(1, 2))
	for at, last := index, int64(size-1); last > 0; at, last = at>>1, last>>1 {
		if at&1 == 0 && at == last {
			continue
		}
		var beside tlog.Hash
		for i := range beside {
			beside[i] = byte(r.Uint32())
		}
		if path = append(path, beside); at&1 == 1 {
			h = tlog.NodeHash(beside, h)
		} else {
			h = tlog.NodeHash(h, beside)
		}
	}
	return ledger.Checkpoint{Origin: origin, Size: size, Root: h}, b, path
}

func TestIncludesAgreesWithTheReference(t *testing.T) {
	f := newFixture(t, 70)
	for size := int64(1); size <= 70; size++ {
		root, err := tlog.TreeHash(size, f.hashes)
		if err != nil {
			t.Fatal(err)
		}
		c := ledger.Checkpoint{Origin: origin, Size: size, Root: root}
		for i := range size {
			path, err := tlog.ProveRecord(size, i, f.hashes)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Includes(f.entries[i], i, path); err != nil {
				t.Fatalf("entry %d of %d: %v", i, size, err)
			}
		}
	}
}

func TestIncludesRefuses(t *testing.T) {
	c, b, path := large(t, 77_777_777)
	if err := tlog.CheckRecord(path, c.Size, c.Root, 77_777_777, ledger.Leaf(b)); err != nil {
		t.Fatal(err)
	}
	if err := c.Includes(b, 77_777_777, path); err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(b)
	other[100] ^= 1
	bent := slices.Clone(path)
	bent[20][3] ^= 1
	for name, err := range map[string]error{
		"another entry":  c.Includes(other, 77_777_777, path),
		"another place":  c.Includes(b, 77_777_776, path),
		"no place":       c.Includes(b, -1, path),
		"beyond the end": c.Includes(b, c.Size, path),
		"a bent path":    c.Includes(b, 77_777_777, bent),
		"a short path":   c.Includes(b, 77_777_777, path[1:]),
		"a long path":    c.Includes(b, 77_777_777, append(slices.Clone(path), tlog.Hash{})),
		"no path":        c.Includes(b, 77_777_777, nil),
		"a long entry":   c.Includes(make([]byte, ledger.MaxEntry+1), 77_777_777, path),
		"an empty tree":  ledger.Checkpoint{}.Includes(b, 0, nil),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestIncludesAllocatesNothing(t *testing.T) {
	c, b, path := large(t, 77_777_777)
	if n := testing.AllocsPerRun(100, func() {
		if err := c.Includes(b, 77_777_777, path); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzIncludes(f *testing.F) {
	x := newFixture(f, 300)
	path, err := tlog.ProveRecord(300, 130, x.hashes)
	if err != nil {
		f.Fatal(err)
	}
	var flat []byte
	for _, h := range path {
		flat = append(flat, h[:]...)
	}
	f.Add(x.entries[130], int64(130), int64(300), flat)
	f.Fuzz(func(t *testing.T, entry []byte, index, size int64, flat []byte) {
		var p tlog.RecordProof
		for ; len(flat) >= tlog.HashSize; flat = flat[tlog.HashSize:] {
			p = append(p, tlog.Hash(flat[:tlog.HashSize]))
		}
		c := ledger.Checkpoint{Size: size, Root: x.cp.Root}
		ours := c.Includes(entry, index, p)
		if theirs := tlog.CheckRecord(p, size, c.Root, index, ledger.Leaf(entry)); (ours == nil) != (theirs == nil && len(entry) <= ledger.MaxEntry) {
			t.Errorf("ours %v, the reference %v", ours, theirs)
		}
	})
}

func BenchmarkIncludes(b *testing.B) {
	c, entry, path := large(b, 77_777_777)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Includes(entry, 77_777_777, path); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCheckRecord is the same with x/mod's check, for comparison.
func BenchmarkCheckRecord(b *testing.B) {
	c, entry, path := large(b, 77_777_777)
	b.ReportAllocs()
	for b.Loop() {
		if err := tlog.CheckRecord(path, c.Size, c.Root, 77_777_777, ledger.Leaf(entry)); err != nil {
			b.Fatal(err)
		}
	}
}
