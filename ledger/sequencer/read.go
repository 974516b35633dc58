package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/ledger"
)

// bundle is the entries of one bundle as far as they were signed when it was read. It never changes.
type bundle struct {
	raw     []byte // as C2SP tlog-tiles has it
	entries [][]byte
}

// Entry returns the bytes of one entry under the newest checkpoint. They must not be changed.
func (l *Log) Entry(index int64) ([]byte, error) {
	if index < 0 || index >= l.size() {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no entry %d", index)
	}
	b, err := l.bundle(index/tileWidth, int(index%tileWidth)+1)
	if err != nil {
		return nil, err
	}
	return b.entries[index%tileWidth], nil
}

// Range returns the entries from the index first on, at most n and at most to the end. They must not be changed.
func (l *Log) Range(first int64, n int) ([][]byte, error) {
	var out [][]byte
	for at := first; at < l.size() && len(out) < n; at = (at/tileWidth + 1) * tileWidth {
		width := min(tileWidth, l.size()-at/tileWidth*tileWidth)
		b, err := l.bundle(at/tileWidth, int(width))
		if err != nil {
			return nil, err
		}
		out = append(out, b.entries[at%tileWidth:]...)
	}
	return out[:min(n, len(out))], nil
}

// bundle returns a bundle of at least width entries, from the cache or the disk.
func (l *Log) bundle(n int64, width int) (bundle, error) {
	if b, ok := l.bundles.get(n); ok && len(b.entries) >= width {
		return b, nil
	}
	raw, err := l.scanBundle(n, int(min(tileWidth, l.size()-n*tileWidth)))
	if err != nil {
		return bundle{}, err
	}
	entries, err := splitBundle(raw)
	if err != nil {
		return bundle{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	b := bundle{raw: raw, entries: entries}
	l.bundles.put(n, b)
	return b, nil
}

// scanBundle reads the first width entries of a bundle from the disk, with their lengths.
func (l *Log) scanBundle(n int64, width int) ([]byte, error) {
	start, err := l.offset(n)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, width*(2+ledger.MaxEntry))
	got, err := l.entries.ReadAt(buf, start)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("bundle %d: %w", n, err)
	}
	buf = buf[:got]
	end := 0
	for range width {
		if end+2 > len(buf) || end+2+int(binary.BigEndian.Uint16(buf[end:])) > len(buf) {
			return nil, fmt.Errorf("%w: bundle %d is cut short", ErrDamaged, n)
		}
		end += 2 + int(binary.BigEndian.Uint16(buf[end:]))
	}
	return buf[:end], nil
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
	if level < 0 || level > 7 || !l.has(l.size()>>(tileHeight*level), n, width) {
		return nil, plinth.Errorf(plinth.ErrNotFound, "the log has no such tile")
	}
	return l.main.readLevel(level, n*tileWidth, int64(width))
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
	if width == len(b.entries) {
		return b.raw, nil
	}
	end := 0
	for _, e := range b.entries[:width] {
		end += 2 + len(e)
	}
	return b.raw[:end], nil
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
