package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// reread reads from the files what write has put there and computes the new root from it. A bit that flipped between
// memory and disk would otherwise be signed for ever.
func (l *Log) reread(old tail, b *batch) error {
	bundle := make([]byte, len(b.bundle))
	if _, err := l.entries.ReadAt(bundle, old.bytes); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	entries, err := splitBundle(bundle)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	first := old.checkpoint.Size
	leaves, err := l.readHashes(0, first, b.size-first)
	if err != nil {
		return err
	}
	if len(entries) != len(leaves) {
		return fmt.Errorf("%w: %d entries were read back, %d were written", ErrDamaged, len(entries), len(leaves))
	}
	for i, e := range entries {
		if ledger.Leaf(e) != leaves[i] {
			return fmt.Errorf("%w: entry %d is not what its leaf is of", ErrDamaged, first+int64(i))
		}
	}
	root, err := tlog.TreeHash(b.size, l.hashReader())
	if err != nil {
		return err
	}
	if root != rootOf(b.edges) {
		return fmt.Errorf("%w: the hashes on disk give another root", ErrDamaged)
	}
	return l.step("reread")
}

// recover reads the newest checkpoint, cuts the files to it, and checks that they give its root.
func (l *Log) recover(vkey string) error {
	key, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(filepath.Join(l.dir, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		l.tail = tail{checkpoint: ledger.Checkpoint{Origin: l.Origin()}}
		return l.cut()
	}
	if err != nil {
		return err
	}
	c, err := ledger.OpenCheckpoint(signed, key)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	l.tail = tail{checkpoint: c, note: signed}
	if err := l.loadTail(); err != nil {
		return err
	}
	return l.cut()
}

// loadTail reads the right edge of the tree and the length of the entry file.
func (l *Log) loadTail() error {
	size := l.tail.checkpoint.Size
	for n := 0; size>>(tileHeight*n) > 0; n++ {
		count := size >> (tileHeight * n)
		edge, err := l.readHashes(n, count-count%tileWidth, count%tileWidth)
		if err != nil {
			return err
		}
		l.tail.edges = append(l.tail.edges, edge)
	}
	if rootOf(l.tail.edges) != l.tail.checkpoint.Root {
		return fmt.Errorf("%w: the hashes on disk do not give the root that was signed", ErrDamaged)
	}
	last := (size - 1) / tileWidth
	start, err := l.offset(last)
	if err != nil {
		return err
	}
	width := int((size-1)%tileWidth + 1)
	bundle, err := l.readBundle(last, width)
	if err != nil {
		return err
	}
	l.tail.bytes = start + int64(len(bundle))
	return l.checkBundle(last, width, bundle)
}

// checkBundle compares the last bundle with its leaves, the part that a crash could have touched.
func (l *Log) checkBundle(n int64, width int, bundle []byte) error {
	entries, err := splitBundle(bundle)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	leaves, err := l.readHashes(0, n*tileWidth, int64(width))
	if err != nil {
		return err
	}
	for i, e := range entries {
		if ledger.Leaf(e) != leaves[i] {
			return fmt.Errorf("%w: entry %d is not what its leaf is of", ErrDamaged, n*tileWidth+int64(i))
		}
	}
	return nil
}

// cut removes what lies beyond the checkpoint.
func (l *Log) cut() error {
	size := l.tail.checkpoint.Size
	names, err := filepath.Glob(filepath.Join(l.dir, "hashes.*"))
	if err != nil {
		return err
	}
	for n := range names {
		f, err := l.level(n)
		if err != nil {
			return err
		}
		if err := f.Truncate(hashSize * (size >> (tileHeight * n))); err != nil {
			return err
		}
	}
	if err := l.entries.Truncate(l.tail.bytes); err != nil {
		return err
	}
	return l.offsets.Truncate(8 * ((size + tileWidth - 1) / tileWidth))
}

func (l *Log) offset(bundle int64) (int64, error) {
	var b [8]byte
	if _, err := l.offsets.ReadAt(b[:], 8*bundle); err != nil {
		return 0, fmt.Errorf("%w: offset of bundle %d: %w", ErrDamaged, bundle, err)
	}
	return int64(binary.BigEndian.Uint64(b[:])), nil
}

// readBundle reads the first width entries of a bundle, with their lengths.
func (l *Log) readBundle(n int64, width int) ([]byte, error) {
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

func splitBundle(b []byte) ([][]byte, error) {
	var out [][]byte
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
			return nil, errors.New("an entry is cut short")
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		out, b = append(out, b[2:n]), b[n:]
	}
	return out, nil
}

// readHashes reads count hashes of a tile level from the first on.
func (l *Log) readHashes(level int, first, count int64) ([]tlog.Hash, error) {
	if count == 0 {
		return nil, nil
	}
	b, err := l.readLevel(level, first, count)
	if err != nil {
		return nil, err
	}
	out := make([]tlog.Hash, count)
	for i := range out {
		out[i] = tlog.Hash(b[i*hashSize:])
	}
	return out, nil
}

func (l *Log) readLevel(level int, first, count int64) ([]byte, error) {
	f, err := os.Open(filepath.Join(l.dir, fmt.Sprintf("hashes.%d", level)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer f.Close()
	b := make([]byte, count*hashSize)
	if _, err := f.ReadAt(b, first*hashSize); err != nil {
		return nil, fmt.Errorf("%w: hashes %d+%d of level %d: %w", ErrDamaged, first, count, level, err)
	}
	return b, nil
}

// hashReader reads single tree nodes from the tiles on disk.
func (l *Log) hashReader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			t := tlog.TileForIndex(tileHeight, index)
			data, err := l.readLevel(t.L, t.N*tileWidth, int64(t.W))
			if err != nil {
				return nil, err
			}
			if out[i], err = tlog.HashFromTile(t, data, index); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}
