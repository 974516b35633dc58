package merkle_test

import (
	"encoding/hex"
	"math/bits"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger/merkle"
)

var sha = merkle.Tree[tlog.Hash]{Node: tlog.NodeHash}

// leaves are the eight inputs of certificate transparency's own test data.
var leaves = []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}

// roots are over the first one to eight of them, as certificate-transparency-go and RFC 6962's reference have them.
var roots = []string{
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

func TestRootsAreThoseOfCertificateTransparency(t *testing.T) {
	var hs []tlog.Hash
	for i, leaf := range leaves {
		b, _ := hex.DecodeString(leaf)
		hs = append(hs, tlog.RecordHash(b))
		root, err := sha.Root(int64(i+1), nodes(sha, hs))
		if err != nil || hex.EncodeToString(root[:]) != roots[i] {
			t.Errorf("%d leaves: %x, %v", i+1, root, err)
		}
	}
}

// nodes reads from leaves in memory.
func nodes[H ~[32]byte](t merkle.Tree[H], leaves []H) merkle.Nodes[H] {
	var read merkle.Nodes[H]
	read = func(level int, n int64) (H, error) {
		if level == 0 {
			return leaves[n], nil
		}
		l, _ := read(level-1, 2*n)
		r, err := read(level-1, 2*n+1)
		return t.Node(l, r), err
	}
	return read
}

// TestProofsAreThoseOfTlog compares every proof of every tree of up to 70 leaves with x/mod's, and has each side check
// what the other proved.
func TestProofsAreThoseOfTlog(t *testing.T) {
	const most = 70
	var stored oracle
	var hs []tlog.Hash
	for i := range int64(most) {
		h := tlog.RecordHash([]byte{byte(i)})
		hs = append(hs, h)
		more, err := tlog.StoredHashesForRecordHash(i, h, stored)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	read := nodes(sha, hs)
	for size := int64(1); size <= most; size++ {
		root, err := tlog.TreeHash(size, stored)
		if got, _ := sha.Root(size, read); err != nil || got != root {
			t.Fatalf("root of %d: got %v, want %v", size, got, root)
		}
		for n := range size {
			want, _ := tlog.ProveRecord(size, n, stored)
			got, err := sha.ProveRecord(size, n, read)
			if err != nil || !cmp.Equal(got, []tlog.Hash(want)) {
				t.Fatalf("path of %d under %d: %v, %v", n, size, got, err)
			}
			if err := sha.CheckRecord(got, size, root, n, hs[n]); err != nil {
				t.Fatalf("path of %d under %d: %v", n, size, err)
			}
			old, _ := tlog.TreeHash(n+1, stored)
			proof, _ := tlog.ProveTree(size, n+1, stored)
			mine, err := sha.ProveTree(size, n+1, read)
			if err != nil || len(mine) != len(proof) || len(mine) > 0 && !cmp.Equal(mine, []tlog.Hash(proof)) {
				t.Fatalf("proof from %d to %d: %v, %v", n+1, size, mine, err)
			}
			if err := sha.CheckTree(mine, size, root, n+1, old); err != nil {
				t.Fatalf("proof from %d to %d: %v", n+1, size, err)
			}
		}
	}
}

type oracle []tlog.Hash

func (o oracle) ReadHashes(idx []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(idx))
	for i, n := range idx {
		out[i] = o[n]
	}
	return out, nil
}

// TestBentProofsAreRefused bends every proof of trees of up to 20 leaves in every way that keeps it a list of hashes,
// and asks x/mod for its judgement beside ours.
func TestBentProofsAreRefused(t *testing.T) {
	const most = 20
	var hs []tlog.Hash
	for i := range most {
		hs = append(hs, tlog.RecordHash([]byte{byte(i)}))
	}
	read := nodes(sha, hs)
	for size := int64(1); size <= most; size++ {
		root, _ := sha.Root(size, read)
		for n := range size {
			path, _ := sha.ProveRecord(size, n, read)
			for i, p := range bent(path) {
				if sha.CheckRecord(p, size, root, n, hs[n]) == nil {
					t.Fatalf("bent path %d of %d under %d was accepted", i, n, size)
				}
			}
			for other := int64(-1); other <= size; other++ {
				ours := sha.CheckRecord(path, size, root, other, hs[n]) == nil
				if ours != (other == n) {
					t.Fatalf("path of %d under %d at %d: accepted %v", n, size, other, ours)
				}
			}
			oldRoot, _ := sha.Root(n+1, read)
			proof, _ := sha.ProveTree(size, n+1, read)
			for i, p := range bent(proof) {
				if sha.CheckTree(p, size, root, n+1, oldRoot) == nil {
					t.Fatalf("bent proof %d from %d to %d was accepted", i, n+1, size)
				}
			}
			for other := int64(-1); other <= size+1; other++ {
				ours := sha.CheckTree(proof, size, root, other, oldRoot) == nil
				theirs := other >= 1 && other <= size && tlog.CheckTree(proof, size, root, other, oldRoot) == nil
				if ours != theirs {
					t.Fatalf("proof from %d to %d, said to be from %d: accepted %v, x/mod %v", n+1, size, other, ours, theirs)
				}
			}
		}
	}
}

func bent(proof []tlog.Hash) [][]tlog.Hash {
	out := [][]tlog.Hash{append(append([]tlog.Hash{}, proof...), tlog.Hash{1})}
	for i := range proof {
		flipped := append([]tlog.Hash{}, proof...)
		flipped[i][i%32] ^= 1
		out = append(out, flipped, append(append([]tlog.Hash{}, proof[:i]...), proof[i+1:]...))
	}
	return out
}

func TestSizesOutOfRangeAreRefused(t *testing.T) {
	read := nodes(sha, []tlog.Hash{{}, {}})
	if _, err := sha.Root(0, read); err == nil {
		t.Error("an empty tree has a root")
	}
	for _, at := range [][2]int64{{2, 2}, {2, -1}, {0, 0}} {
		if _, err := sha.ProveRecord(at[0], at[1], read); err == nil {
			t.Errorf("leaf %d of %d was proven", at[1], at[0])
		}
	}
	for _, at := range [][2]int64{{2, 3}, {2, 0}, {0, 0}} {
		if _, err := sha.ProveTree(at[0], at[1], read); err == nil {
			t.Errorf("a proof from %d to %d was made", at[1], at[0])
		}
	}
}

func FuzzCheckRecord(f *testing.F) {
	f.Add([]byte{1, 2, 3}, int64(5), int64(3))
	f.Fuzz(func(t *testing.T, raw []byte, size, index int64) {
		var path []tlog.Hash
		for i := 0; i+32 <= len(raw) && i < 70*32; i += 32 {
			path = append(path, tlog.Hash(raw[i:]))
		}
		leaf := tlog.RecordHash(raw)
		if sha.CheckRecord(path, size, tlog.Hash{}, index, leaf) == nil {
			t.Error("a path to the zero hash was accepted")
		}
		if size < 1 || index < 0 || index >= size || bits.Len64(uint64(size)) > 62 {
			return
		}
		root, err := sha.ProveRecord(size, index, func(int, int64) (tlog.Hash, error) { return leaf, nil })
		if err != nil || len(root) > 63 {
			t.Errorf("a path of %d hashes, %v", len(root), err)
		}
	})
}
