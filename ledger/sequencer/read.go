package sequencer

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/ledger"
)

// Entry returns the bytes of one entry under the newest checkpoint.
func (l *Log) Entry(index int64) ([]byte, error) {
	if index < 0 || index >= l.size() {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no entry %d", index)
	}
	bundle, err := l.readBundle(index/tileWidth, int(index%tileWidth)+1)
	if err != nil {
		return nil, err
	}
	entries, err := splitBundle(bundle)
	if err != nil {
		return nil, err
	}
	return entries[index%tileWidth], nil
}

// Range returns the entries from the index first on, at most n and at most to the end.
func (l *Log) Range(first int64, n int) ([][]byte, error) {
	var out [][]byte
	for at := first; at < l.size() && len(out) < n; at = (at/tileWidth + 1) * tileWidth {
		width := min(tileWidth, l.size()-at/tileWidth*tileWidth)
		bundle, err := l.readBundle(at/tileWidth, int(width))
		if err != nil {
			return nil, err
		}
		entries, err := splitBundle(bundle)
		if err != nil {
			return nil, err
		}
		out = append(out, entries[at%tileWidth:]...)
	}
	return out[:min(n, len(out))], nil
}

// RootAt returns the root of the tree of the first size entries.
func (l *Log) RootAt(size int64) (tlog.Hash, error) {
	if size < 0 || size > l.size() {
		return tlog.Hash{}, fmt.Errorf("the log has %d entries, not %d", l.size(), size)
	}
	if size == 0 {
		return tlog.Hash{}, nil
	}
	return tlog.TreeHash(size, l.hashReader())
}

// NoteAt returns the signed checkpoint of a size. Ed25519 signs the same text the same way each time, so this is the
// note that was signed when the log had that size.
func (l *Log) NoteAt(size int64) (ledger.Checkpoint, []byte, error) {
	root, err := l.RootAt(size)
	if err != nil {
		return ledger.Checkpoint{}, nil, err
	}
	c := ledger.Checkpoint{Origin: l.Origin(), Size: size, Root: root}
	signed, err := c.Sign(l.signer)
	return c, signed, err
}

// ProveRecord returns the path from an entry to the root of a size.
func (l *Log) ProveRecord(size, index int64) (tlog.RecordProof, error) {
	if size > l.size() || index < 0 || index >= size {
		return nil, fmt.Errorf("no entry %d under size %d", index, size)
	}
	return tlog.ProveRecord(size, index, l.hashReader())
}

// ProveTree returns the proof that the tree of a size extends the one of the size old; empty when old is 0.
func (l *Log) ProveTree(size, old int64) (tlog.TreeProof, error) {
	if old == 0 {
		return nil, nil
	}
	if size > l.size() || old > size {
		return nil, fmt.Errorf("no proof from size %d to %d", old, size)
	}
	return tlog.ProveTree(size, old, l.hashReader())
}

// Tile returns the first width hashes of a tile (C2SP tlog-tiles).
func (l *Log) Tile(level int, n int64, width int) ([]byte, error) {
	if level < 0 || level > 7 || !l.has(l.size()>>(tileHeight*level), n, width) {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no such tile")
	}
	return l.readLevel(level, n*tileWidth, int64(width))
}

// Bundle returns the first width entries of a bundle, each behind its length (C2SP tlog-tiles).
func (l *Log) Bundle(n int64, width int) ([]byte, error) {
	if !l.has(l.size(), n, width) {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no such bundle")
	}
	return l.readBundle(n, width)
}

// has tells whether the first width of the n-th 256 are among count.
func (l *Log) has(count, n int64, width int) bool {
	return width >= 1 && width <= tileWidth && n >= 0 && n <= count/tileWidth && n*tileWidth+int64(width) <= count
}
