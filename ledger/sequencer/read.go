package sequencer

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/ledger"
)

// bundle is a bundle as far as it was signed when it was read, as C2SP tlog-tiles has it. It never changes.
type bundle struct {
	raw   []byte
	count int
}

// prefix returns the bytes of the first n entries. It fails when the lengths do not add up.
func (b bundle) prefix(n int) ([]byte, error) {
	end := 0
	for range n {
		if end+2 > len(b.raw) || end+2+int(binary.BigEndian.Uint16(b.raw[end:])) > len(b.raw) {
			return nil, fmt.Errorf("%w: a bundle is cut short", ErrDamaged)
		}
		end += 2 + int(binary.BigEndian.Uint16(b.raw[end:]))
	}
	return b.raw[:end:end], nil
}

// Entry returns the bytes of one entry under the newest checkpoint. They must not be changed.
func (l *Log) Entry(index int64) ([]byte, error) {
	if index < 0 || index >= l.size() {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no entry %d", index)
	}
	at := int(index % tileWidth)
	b, err := l.bundle(index/tileWidth, at+1)
	if err != nil {
		return nil, err
	}
	before, err := b.prefix(at)
	if err != nil {
		return nil, err
	}
	with, err := b.prefix(at + 1)
	if err != nil {
		return nil, err
	}
	return with[len(before)+2:], nil
}

// Range returns the entries from the index first on, at most n and at most to the end. They must not be changed.
func (l *Log) Range(first int64, n int) ([][]byte, error) {
	var out [][]byte
	size := l.size()
	for at := first; at < size && len(out) < n; at = (at/tileWidth + 1) * tileWidth {
		width := int(min(tileWidth, size-at/tileWidth*tileWidth))
		b, err := l.bundle(at/tileWidth, width)
		if err != nil {
			return nil, err
		}
		raw, err := b.prefix(width)
		if err != nil {
			return nil, err
		}
		entries, err := splitBundle(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		out = append(out, entries[at%tileWidth:]...)
	}
	return out[:min(n, len(out))], nil
}

// bundle returns a bundle of at least width entries, from the cache or the disk.
func (l *Log) bundle(n int64, width int) (bundle, error) {
	if b, ok := l.bundles.get(n); ok && b.count >= width {
		return b, nil
	}
	b, err := l.readBundle(n)
	if err != nil {
		return bundle{}, err
	}
	l.bundles.put(n, b)
	return b, nil
}

// readBundle reads a bundle from the disk as far as it is under the newest checkpoint.
func (l *Log) readBundle(n int64) (bundle, error) {
	l.mu.RLock()
	size, end := l.tail.main.checkpoint.Size, l.tail.bytes
	l.mu.RUnlock()
	start, err := l.offset(n)
	if err != nil {
		return bundle{}, err
	}
	b := bundle{count: int(min(tileWidth, size-n*tileWidth))}
	if (n+1)*tileWidth < size {
		if end, err = l.offset(n + 1); err != nil {
			return bundle{}, err
		}
	}
	if end < start || end-start > tileWidth*(2+ledger.MaxEntry) {
		return bundle{}, fmt.Errorf("%w: the offsets of bundles %d and %d do not fit", ErrDamaged, n, n+1)
	}
	b.raw = make([]byte, end-start)
	if _, err := l.entries.ReadAt(b.raw, start); err != nil {
		return bundle{}, fmt.Errorf("%w: bundle %d: %w", ErrDamaged, n, err)
	}
	return b, nil
}

// RootAt returns the root of the tree of the first size entries.
func (l *Log) RootAt(size int64) (tlog.Hash, error) { return l.main.rootAt(size, l.size()) }

// NoteAt returns the signed checkpoint of a size. Our keys sign the same text the same way each time, and each size is
// signed by the key that was valid for it, so this is the note that was anchored when the log had that size.
func (l *Log) NoteAt(size int64) (ledger.Checkpoint, []byte, error) { return l.noteAt(l.main, size) }

func (l *Log) noteAt(s *side, size int64) (ledger.Checkpoint, []byte, error) {
	root, err := s.rootAt(size, l.size())
	if err != nil {
		return ledger.Checkpoint{}, nil, err
	}
	c := ledger.Checkpoint{Origin: s.origin, Size: size, Root: root}
	signed, err := s.sign(c)
	return c, signed, err
}

// ProveRecord returns the path from an entry to the root of a size.
func (l *Log) ProveRecord(size, index int64) (tlog.RecordProof, error) {
	return l.main.proveRecord(size, index, l.size())
}

// ProveRange returns the hashes that, with the leaves of count entries from first on, give the root of a size: the
// perfect subtrees left of the entries, then those right of them, both from left to right. It is the proof of a batch
// receipt; for one whole tile it has as many hashes as a single path above the tile.
func (l *Log) ProveRange(size, first, count int64) ([]tlog.Hash, error) {
	return l.main.proveRange(size, first, count, l.size())
}

// ProveTree returns the proof that the tree of a size extends the one of the size old; empty when old is 0.
func (l *Log) ProveTree(size, old int64) (tlog.TreeProof, error) {
	return l.main.proveTree(size, old, l.size())
}

// Leaves returns the leaves of count entries from first on.
func (l *Log) Leaves(first, count int64) ([]tlog.Hash, error) {
	if first < 0 || count < 1 || first+count > l.size() {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no entries %d to %d", first, first+count)
	}
	return l.main.readHashes(0, first, count)
}

// Tile returns the first width hashes of a tile (C2SP tlog-tiles).
func (l *Log) Tile(level int, n int64, width int) ([]byte, error) {
	return l.tileOf(l.main, level, n, width)
}

func (l *Log) tileOf(s *side, level int, n int64, width int) ([]byte, error) {
	if level < 0 || level > 7 || !l.has(l.size()>>(tileHeight*level), n, width) {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no such tile")
	}
	return s.readLevel(level, n*tileWidth, int64(width))
}

// Bundle returns the first width entries of a bundle, each behind its length (C2SP tlog-tiles).
func (l *Log) Bundle(n int64, width int) ([]byte, error) {
	if !l.has(l.size(), n, width) {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no such bundle")
	}
	b, err := l.bundle(n, width)
	if err != nil {
		return nil, err
	}
	return b.prefix(width)
}

// has tells whether the first width of the n-th 256 are among count.
func (l *Log) has(count, n int64, width int) bool {
	return width >= 1 && width <= tileWidth && n >= 0 && n <= count/tileWidth && n*tileWidth+int64(width) <= count
}

// The twin's side of the log. Without a twin, HasTwin is false and the others must not be called.

// HasTwin tells whether the log has a twin.
func (l *Log) HasTwin() bool { return l.twin != nil }

// TwinOrigin returns the twin's origin line.
func (l *Log) TwinOrigin() string { return l.twin.origin }

// TwinCheckpoint returns the twin's newest checkpoint and its signed note, nil for an empty log.
func (l *Log) TwinCheckpoint() (ledger.Checkpoint, []byte) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.tail.twin.checkpoint, l.tail.twin.note
}

// TwinTile returns the first width hashes of a tile of the twin.
func (l *Log) TwinTile(level int, n int64, width int) ([]byte, error) {
	return l.tileOf(l.twin, level, n, width)
}

// TwinNoteAt returns the twin's signed checkpoint of a size.
func (l *Log) TwinNoteAt(size int64) (ledger.Checkpoint, []byte, error) {
	return l.noteAt(l.twin, size)
}

// ProveTwinRecord returns the path from an entry to the twin's root of a size.
func (l *Log) ProveTwinRecord(size, index int64) ([]tlog.Hash, error) {
	return l.twin.proveRecord(size, index, l.size())
}

// ProveTwinTree returns the proof that the twin's tree of a size extends the one of the size old.
func (l *Log) ProveTwinTree(size, old int64) ([]tlog.Hash, error) {
	return l.twin.proveTree(size, old, l.size())
}
