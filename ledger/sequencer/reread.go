package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"plinth/ledger"
)

// reread reads from the disk what write has put there and computes the new root from it: entries give leaves, leaves
// give tiles, tiles give the root, and each must be what the files hold. Otherwise a bit that flipped on its way would
// be signed for ever, as has ended a public log before.
//
// What this proves: the kernel is told to drop its pages first (see fromDisk), so the bytes come back from the block
// device and have gone through memory, controller and cable twice. It does not prove that they are on the medium: a
// drive may answer from its own cache, and a virtual disk from its host's. Where the kernel does not drop pages, which
// it may decline to do, it proves as much as a copy in memory can.
func (l *Log) reread(old tail, b *batch) error {
	read, err := fromDisk(l.entries, old.bytes, len(b.bundle))
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	entries, err := splitBundle(read)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	again := l.main.grow(old.main, entries)
	if err := l.compare(l.main, again, b.main); err != nil {
		return err
	}
	if l.twin != nil { // its leaves are of the entries that were just found to be as they were in memory
		if err := l.compare(l.twin, b.twin, b.twin); err != nil {
			return err
		}
	}
	offsets, err := fromDisk(l.offsets, 8*bundles(old.main.checkpoint.Size), len(b.offsets))
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if string(offsets) != string(b.offsets) {
		return fmt.Errorf("%w: the offsets of bundles are not what was written", ErrDamaged)
	}
	return l.step("reread")
}

// compare holds what the disk has of a side against what the entries read back give, and this against what the batch
// gave in memory.
func (l *Log) compare(s *side, again, written growth) error {
	if again.size != written.size {
		return fmt.Errorf("%w: %d entries were read back, %d were written", ErrDamaged, again.size-again.from,
			written.size-written.from)
	}
	for n, want := range again.hashes {
		f, err := s.level(n)
		if err != nil {
			return err
		}
		at := again.from >> (tileHeight * n)
		got, err := fromDisk(f, at*hashSize, len(want)*hashSize)
		if err != nil {
			return fmt.Errorf("read back: %w", err)
		}
		for i := range want {
			if tlog.Hash(got[i*hashSize:]) != want[i] {
				return fmt.Errorf("%w: hash %d of %s.%d is not what its entries give", ErrDamaged, at+int64(i), s.files, n)
			}
		}
	}
	if s.rootOf(again.edges) != s.rootOf(written.edges) {
		return fmt.Errorf("%w: the hashes on disk give another root", ErrDamaged)
	}
	return nil
}

// pageSize is the unit in which the kernel drops what it has cached.
const pageSize = 4096

// fromDisk reads bytes that were synced just now, after asking the kernel to forget them, so that they come from the
// device. Only clean pages are forgotten: nothing can be lost.
func fromDisk(f *os.File, at int64, n int) ([]byte, error) {
	b := make([]byte, n)
	if n == 0 {
		return b, nil
	}
	from := at / pageSize * pageSize
	_ = unix.Fadvise(int(f.Fd()), from, at+int64(n)-from+pageSize, unix.FADV_DONTNEED)
	_, err := f.ReadAt(b, at)
	return b, err
}

func (l *Log) offset(bundle int64) (int64, error) {
	var b [8]byte
	if _, err := l.offsets.ReadAt(b[:], 8*bundle); err != nil {
		return 0, fmt.Errorf("%w: offset of bundle %d: %w", ErrDamaged, bundle, err)
	}
	return int64(binary.BigEndian.Uint64(b[:])), nil
}

func splitBundle(b []byte) ([][]byte, error) {
	out := make([][]byte, 0, tileWidth)
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
			return nil, errors.New("an entry is cut short")
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		if n > 2+ledger.MaxEntry {
			return nil, errors.New("an entry is too long")
		}
		out, b = append(out, b[2:n:n]), b[n:]
	}
	return out, nil
}

// readHashes reads count hashes of a tile level from the first on.
func (s *side) readHashes(level int, first, count int64) ([]tlog.Hash, error) {
	if count == 0 {
		return nil, nil
	}
	b, err := s.readLevel(level, first, count)
	if err != nil {
		return nil, err
	}
	out := make([]tlog.Hash, count)
	for i := range out {
		out[i] = tlog.Hash(b[i*hashSize:])
	}
	return out, nil
}

func (s *side) readLevel(level int, first, count int64) ([]byte, error) {
	f, err := s.level(level)
	if err != nil {
		return nil, err
	}
	b := make([]byte, count*hashSize)
	if _, err := f.ReadAt(b, first*hashSize); err != nil {
		return nil, fmt.Errorf("%w: hashes %d+%d of %s.%d: %w", ErrDamaged, first, count, s.files, level, err)
	}
	return b, nil
}
