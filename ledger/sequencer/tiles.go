package sequencer

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger/merkle"
)

// What is kept in memory to prove quickly, per log and side: at most maxTiles tiles of 16 KiB, and per log maxBundles
// bundles of at most 66 KiB: 17 MB each.
const (
	maxTiles   = 1024
	maxBundles = 256
)

// tileID names a tile of C2SP tlog-tiles.
type tileID struct {
	level int
	n     int64
}

// tile is a tile with the nodes inside it. Its hashes are of one level of the file; the seven levels above, which are
// not in any file, are hashed once, when the tile is read. It never changes: a tile that has grown is read anew.
type tile struct {
	width int
	nodes [tileHeight][]tlog.Hash
}

func (s *side) newTile(hashes []tlog.Hash) *tile {
	t := &tile{width: len(hashes)}
	t.nodes[0] = hashes
	above := make([]tlog.Hash, len(hashes)) // enough for all levels together
	for h := 1; h < tileHeight; h++ {
		below := t.nodes[h-1]
		t.nodes[h], above = above[:len(below)/2], above[len(below)/2:]
		for i := range t.nodes[h] {
			t.nodes[h][i] = s.node(below[2*i], below[2*i+1])
		}
	}
	return t
}

// nodes reads nodes of the tree of the first size entries, all of them under a checkpoint, by way of the cache.
func (s *side) nodes(size int64) merkle.Nodes[tlog.Hash] {
	return func(level int, n int64) (tlog.Hash, error) {
		height := level % tileHeight
		first := n << height // in the tile's level
		id := tileID{level / tileHeight, first / tileWidth}
		need := int(first%tileWidth) + 1<<height
		t, ok := s.tiles.get(id)
		if !ok || t.width < need {
			var err error
			if t, err = s.readTile(id, size); err != nil {
				return tlog.Hash{}, err
			}
			s.tiles.put(id, t)
		}
		if t.width < need {
			return tlog.Hash{}, fmt.Errorf("no node %d of level %d under size %d", n, level, size)
		}
		return t.nodes[height][int(first%tileWidth)>>height], nil
	}
}

// readTile reads as much of a tile as the tree of the size has.
func (s *side) readTile(id tileID, size int64) (*tile, error) {
	width := min(tileWidth, size>>(tileHeight*id.level)-id.n*tileWidth)
	hashes, err := s.readHashes(id.level, id.n*tileWidth, width)
	if err != nil {
		return nil, err
	}
	return s.newTile(hashes), nil
}

// rootAt returns the root of the first size entries, which must be under a checkpoint.
func (s *side) rootAt(size, signed int64) (tlog.Hash, error) {
	if size < 0 || size > signed {
		return tlog.Hash{}, fmt.Errorf("%s has %d entries, not %d", s.origin, signed, size)
	}
	if size == 0 {
		return tlog.Hash{}, nil
	}
	return s.tree.Root(size, s.nodes(signed))
}

func (s *side) proveRecord(size, index, signed int64) ([]tlog.Hash, error) {
	if size > signed || index < 0 || index >= size {
		return nil, fmt.Errorf("no entry %d under size %d", index, size)
	}
	return s.tree.ProveRecord(size, index, s.nodes(signed))
}

func (s *side) proveTree(size, old, signed int64) ([]tlog.Hash, error) {
	if old == 0 {
		return nil, nil
	}
	if size > signed || old > size {
		return nil, fmt.Errorf("no proof from size %d to %d", old, size)
	}
	return s.tree.ProveTree(size, old, s.nodes(signed))
}

// proveRange returns what is missing beside the leaves from first to first+count for the root of a size: the perfect
// subtrees left of them from left to right, then those right of them from left to right.
func (s *side) proveRange(size, first, count, signed int64) ([]tlog.Hash, error) {
	if size > signed || first < 0 || count < 1 || first+count > size {
		return nil, fmt.Errorf("no entries %d to %d under size %d", first, first+count, size)
	}
	read := s.nodes(signed)
	var out []tlog.Hash
	for at := int64(0); at < size; {
		if at == first {
			at += count
			continue
		}
		end := size
		if at < first {
			end = first
		}
		level := largest(at, end)
		h, err := read(level, at>>level)
		if err != nil {
			return nil, err
		}
		out, at = append(out, h), at+1<<level
	}
	return out, nil
}

// largest returns the level of the largest perfect subtree that begins at a leaf and ends at or before another.
func largest(at, end int64) int {
	fits := bits.Len64(uint64(end-at)) - 1
	if at == 0 {
		return fits
	}
	return min(fits, bits.TrailingZeros64(uint64(at)))
}
