package sequencer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/merkle"
	"plinth/ledger/twin"
)

// hasher is what makes one tree different from another: its hash, and where its files lie.
type hasher struct {
	leaf           func(entry []byte) tlog.Hash
	node           func(left, right tlog.Hash) tlog.Hash
	files          string // a level's file is files.LEVEL
	checkpointFile string
}

var (
	shaHasher = hasher{leaf: ledger.Leaf, node: tlog.NodeHash, files: "hashes", checkpointFile: "checkpoint"}
	sm3Hasher = hasher{
		leaf:           func(entry []byte) tlog.Hash { return tlog.Hash(twin.Leaf(entry)) },
		node:           func(l, r tlog.Hash) tlog.Hash { return tlog.Hash(twin.Node(twin.Hash(l), twin.Hash(r))) },
		files:          "hashes-sm3",
		checkpointFile: "checkpoint-sm3",
	}
)

// side is one of a log's trees: its files of hashes and the keys that sign its checkpoints.
type side struct {
	hasher
	dir    string
	origin string
	tree   merkle.Tree[tlog.Hash]
	tiles  *cache[tileID, *tile]

	mu     sync.RWMutex // guards what follows
	keys   signers
	levels []*os.File
}

func newSide(dir string, h hasher, keys []SigningKey) (*side, error) {
	s, err := newSigners(keys)
	if err != nil {
		return nil, err
	}
	return &side{hasher: h, dir: dir, origin: s[0].Name(), keys: s, tree: merkle.Tree[tlog.Hash]{Node: h.node},
		tiles: newCache[tileID, *tile](maxTiles)}, nil
}

func (s *side) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, f := range s.levels {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// level returns the file of a tile level, making it on first use.
func (s *side) level(n int) (*os.File, error) {
	s.mu.RLock()
	if n < len(s.levels) {
		defer s.mu.RUnlock()
		return s.levels[n], nil
	}
	s.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.levels) <= n {
		f, err := os.OpenFile(s.path(len(s.levels)), os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, err
		}
		s.levels = append(s.levels, f)
	}
	return s.levels[n], nil
}

func (s *side) path(level int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s.%d", s.files, level))
}

// sign signs a checkpoint with the key that is valid for its size.
func (s *side) sign(c ledger.Checkpoint) ([]byte, error) {
	s.mu.RLock()
	keys := s.keys
	s.mu.RUnlock()
	key, err := keys.at(c.Size)
	if err != nil {
		return nil, err
	}
	return c.Sign(key)
}

// edge is the right edge of a side under its newest checkpoint.
type edge struct {
	checkpoint ledger.Checkpoint
	note       []byte
	edges      [][]tlog.Hash // per level the hashes of the last tile, when it is not full
}

// growth is what a batch adds to a side.
type growth struct {
	from, size int64
	hashes     [][]tlog.Hash // per level, what is new
	edges      [][]tlog.Hash
}

// grow adds the entries' leaves to an edge.
func (s *side) grow(old edge, entries [][]byte) growth {
	g := newGrowth(old)
	g.hashes = append(g.hashes, make([]tlog.Hash, 0, len(entries)))
	for _, e := range entries {
		s.add(&g, 0, s.leaf(e))
		g.size++
	}
	return g
}

func newGrowth(old edge) growth {
	g := growth{from: old.checkpoint.Size, size: old.checkpoint.Size}
	for _, e := range old.edges {
		g.edges = append(g.edges, slices.Clone(e))
	}
	return g
}

// add puts a hash at the end of a level; a tile that fills becomes one hash of the level above.
func (s *side) add(g *growth, level int, h tlog.Hash) {
	for len(g.edges) <= level {
		g.edges = append(g.edges, nil)
	}
	for len(g.hashes) <= level {
		g.hashes = append(g.hashes, nil)
	}
	g.hashes[level] = append(g.hashes[level], h)
	g.edges[level] = append(g.edges[level], h)
	if len(g.edges[level]) == tileWidth {
		full := g.edges[level]
		g.edges[level] = nil
		s.add(g, level+1, s.perfect(full))
	}
}

// edge returns the new edge, its checkpoint not signed yet.
func (g growth) edge(s *side) edge {
	return edge{checkpoint: ledger.Checkpoint{Origin: s.origin, Size: g.size, Root: s.rootOf(g.edges)}, edges: g.edges}
}

// perfect returns the root over 2^k hashes. It uses the slice up.
func (s *side) perfect(hs []tlog.Hash) tlog.Hash {
	for len(hs) > 1 {
		for i := range len(hs) / 2 {
			hs[i] = s.node(hs[2*i], hs[2*i+1])
		}
		hs = hs[:len(hs)/2]
	}
	return hs[0]
}

// rootOf returns the tree's root from its right edge: the perfect subtrees from the largest to the smallest, hashed
// together from the right (RFC 6962 §2.1).
func (s *side) rootOf(edges [][]tlog.Hash) tlog.Hash {
	var trees []tlog.Hash
	for _, edge := range slices.Backward(edges) {
		for rest := slices.Clone(edge); len(rest) > 0; {
			n := 1
			for 2*n <= len(rest) {
				n *= 2
			}
			trees, rest = append(trees, s.perfect(rest[:n])), rest[n:]
		}
	}
	root := trees[len(trees)-1]
	for _, t := range slices.Backward(trees[:len(trees)-1]) {
		root = s.node(t, root)
	}
	return root
}
