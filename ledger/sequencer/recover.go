package sequencer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"plinth/ledger"
)

// recover reads the newest checkpoint, cuts the files to it, and checks that they give its root.
func (l *Log) recover() error {
	var err error
	if l.tail.main, err = l.main.load(); err != nil {
		return err
	}
	if err := l.loadBytes(); err != nil {
		return err
	}
	return l.cut()
}

// load reads a side's newest checkpoint and its right edge, which must give the root that was signed, and cuts the
// files of hashes to it.
func (s *side) load() (edge, error) {
	c, signed, err := s.loadCheckpoint()
	if err != nil {
		return edge{}, err
	}
	e := edge{checkpoint: c, note: signed}
	for n := 0; c.Size>>(tileHeight*n) > 0; n++ {
		count := c.Size >> (tileHeight * n)
		hs, err := s.readHashes(n, count-count%tileWidth, count%tileWidth)
		if err != nil {
			return edge{}, err
		}
		e.edges = append(e.edges, hs)
	}
	if c.Size > 0 && s.rootOf(e.edges) != c.Root {
		return edge{}, fmt.Errorf("%w: the hashes on disk do not give the root that was signed", ErrDamaged)
	}
	if err := s.checkEdge(c.Size); err != nil {
		return edge{}, err
	}
	return e, s.cut(c.Size)
}

// loadCheckpoint reads the newest checkpoint, signed by any key that the log has had; size 0 when there is none.
func (s *side) loadCheckpoint() (ledger.Checkpoint, []byte, error) {
	signed, err := os.ReadFile(filepath.Join(s.dir, s.checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return ledger.Checkpoint{Origin: s.origin}, nil, nil
	}
	if err != nil {
		return ledger.Checkpoint{}, nil, err
	}
	c, err := s.keys.open(signed)
	if err != nil {
		return ledger.Checkpoint{}, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return c, signed, nil
}

// checkEdge hashes the newest full tile of each level and compares it with its hash one level up: the slices that the
// last batches touched. The tiles before them were compared when they were newest; all of them at once is the audit's.
func (s *side) checkEdge(size int64) error {
	for n := 0; size>>(tileHeight*(n+1)) > 0; n++ {
		last := size>>(tileHeight*(n+1)) - 1
		hs, err := s.readHashes(n, last*tileWidth, tileWidth)
		if err != nil {
			return err
		}
		above, err := s.readHashes(n+1, last, 1)
		if err != nil {
			return err
		}
		if s.perfect(hs) != above[0] {
			return fmt.Errorf("%w: tile %d of %s.%d does not give its hash in %s.%d", ErrDamaged, last, s.files, n, s.files, n+1)
		}
	}
	return nil
}

// cut removes the hashes beyond a size.
func (s *side) cut(size int64) error {
	names, err := filepath.Glob(filepath.Join(s.dir, s.files+".*"))
	if err != nil {
		return err
	}
	for n := range names {
		f, err := s.level(n)
		if err != nil {
			return err
		}
		if err := f.Truncate(hashSize * (size >> (tileHeight * n))); err != nil {
			return err
		}
	}
	return nil
}

// loadBytes finds the length of the entry file that counts, and compares the last two bundles with their leaves: the
// last one, and the last full one, whose tile checkEdge has compared with the level above.
func (l *Log) loadBytes() error {
	size := l.tail.main.checkpoint.Size
	if size == 0 {
		return nil
	}
	last := (size - 1) / tileWidth
	for n := max(0, last-1); n <= last; n++ {
		width := min(tileWidth, size-n*tileWidth)
		start, err := l.offset(n)
		if err != nil {
			return err
		}
		raw, err := l.scanBundle(n, int(width))
		if err != nil {
			return err
		}
		l.tail.bytes = start + int64(len(raw))
		if err := l.checkBundle(n, width, raw); err != nil {
			return err
		}
	}
	return nil
}

// scanBundle reads the first width entries of a bundle from the disk by their lengths alone: where the newest bundle
// ends is written nowhere else.
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
	return bundle{raw: buf[:got]}.prefix(width)
}

func (l *Log) checkBundle(n, width int64, raw []byte) error {
	entries, err := splitBundle(raw)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	leaves, err := l.main.readHashes(0, n*tileWidth, width)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if l.main.leaf(e) != leaves[i] {
			return fmt.Errorf("%w: entry %d is not what its leaf is of", ErrDamaged, n*tileWidth+int64(i))
		}
	}
	return nil
}

// cut removes entries and offsets beyond the checkpoint.
func (l *Log) cut() error {
	if err := l.entries.Truncate(l.tail.bytes); err != nil {
		return err
	}
	return l.offsets.Truncate(8 * bundles(l.tail.main.checkpoint.Size))
}

// catchUp is how many entries the twin takes under one of its checkpoints while it follows; a multiple of a tile.
const catchUp = 64 * tileWidth

// recoverTwin brings the twin to the first tree's size, from its own checkpoint on, or from nothing when it was turned
// on just now. Its hashes are made of the entries, each compared with its leaf in the first tree on the way.
func (l *Log) recoverTwin() (err error) {
	size := l.tail.main.checkpoint.Size
	at, err := l.twin.load()
	if err != nil {
		return err
	}
	if at.checkpoint.Size > size {
		return fmt.Errorf("%w: the twin has %d entries, the log %d", ErrDamaged, at.checkpoint.Size, size)
	}
	for at.checkpoint.Size < size {
		if at, err = l.follow(at, min(catchUp, size-at.checkpoint.Size)); err != nil {
			return err
		}
	}
	l.tail.twin = at
	return nil
}

// follow adds the next n entries to the twin.
func (l *Log) follow(at edge, n int64) (edge, error) {
	first := at.checkpoint.Size
	entries, err := l.Range(first, int(n))
	if err != nil {
		return edge{}, err
	}
	leaves, err := l.main.readHashes(0, first, int64(len(entries)))
	if err != nil {
		return edge{}, err
	}
	for i, e := range entries {
		if l.main.leaf(e) != leaves[i] {
			return edge{}, fmt.Errorf("%w: entry %d is not what its leaf is of", ErrDamaged, first+int64(i))
		}
	}
	g := l.twin.grow(at, entries)
	dirty, err := l.writeHashes(l.twin, g)
	if err != nil {
		return edge{}, err
	}
	for _, f := range dirty {
		if err := f.Sync(); err != nil {
			return edge{}, err
		}
	}
	if err := l.compare(l.twin, g, g); err != nil {
		return edge{}, err
	}
	next := g.edge(l.twin)
	return next, l.sign(l.twin, &next)
}
