package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"plinth/ledger"
)

// ErrDamaged means that the files of a log are not what was signed, or that the log does not extend what the chain or
// the database has seen of it: a restored backup, a lost disk, a bit that flipped. The log refuses to go on.
var ErrDamaged = errors.New("the log is damaged")

// Geometry of C2SP tlog-tiles: a tile holds 256 hashes.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	hashSize   = tlog.HashSize
)

// LogConfig says where a log lies and who signs it.
type LogConfig struct {
	Dir     string
	Keys    []SigningKey // the last one signs what is new; of one name, the log's origin
	Twin    []SigningKey // SM2 keys of the twin; without any the log has no twin
	MinFree uint64       // bytes of disk below which nothing is appended
}

// Log is one transparency log in files: per tile level one file of hashes, one file of entries in bundle form, one of
// the bundles' offsets, and the newest signed checkpoint, which alone says how much of the others counts. With a twin
// there are as many files of SM3 hashes and a second checkpoint, which follows the first. One goroutine appends at a
// time; any number read, and they see only what is under a checkpoint.
type Log struct {
	cfg     LogConfig
	main    *side
	twin    *side // nil without one
	lock    *os.File
	entries *os.File
	offsets *os.File
	bundles *cache[int64, bundle]

	appending sync.Mutex // held by who appends, or puts another key in
	mu        sync.RWMutex
	tail      tail                    // guarded by mu
	fault     func(step string) error // guarded by mu; set by tests alone
	free      func() (uint64, error)  // bytes left on the disk; replaced by tests alone
}

// tail is the right edge of the log under the newest checkpoint.
type tail struct {
	main, twin edge
	bytes      int64 // of the entry file that count
}

// OpenLog opens or begins the log in a folder. Files are cut to the newest checkpoint: what lies beyond was never
// signed and is appended again. A twin that is behind, or new, is brought up from the entries.
func OpenLog(c LogConfig) (*Log, error) {
	l := &Log{cfg: c, bundles: newCache[int64, bundle](maxBundles), fault: func(string) error { return nil }}
	l.free = l.statfs
	if err := l.open(); err != nil {
		l.Close()
		return nil, fmt.Errorf("open the log in %s: %w", c.Dir, err)
	}
	return l, nil
}

func (l *Log) open() (err error) {
	if l.main, err = newSide(l.cfg.Dir, shaHasher, l.cfg.Keys); err != nil {
		return err
	}
	if err := os.MkdirAll(l.cfg.Dir, 0o755); err != nil {
		return err
	}
	if l.lock, err = l.file("lock"); err != nil {
		return err
	}
	if err := syscall.Flock(int(l.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.New("another process has it open")
	}
	if l.entries, err = l.file("entries"); err != nil {
		return err
	}
	if l.offsets, err = l.file("offsets"); err != nil {
		return err
	}
	if err := l.recover(); err != nil || len(l.cfg.Twin) == 0 {
		return err
	}
	if l.twin, err = newSide(l.cfg.Dir, sm3Hasher, l.cfg.Twin); err != nil {
		return err
	}
	return l.recoverTwin()
}

func (l *Log) file(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(l.cfg.Dir, name), os.O_RDWR|os.O_CREATE, 0o644)
}

// Close releases the log for other processes.
func (l *Log) Close() error {
	var errs []error
	for _, f := range []*os.File{l.entries, l.offsets, l.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	for _, s := range l.sides() {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

func (l *Log) sides() []*side {
	return slices.DeleteFunc([]*side{l.main, l.twin}, func(s *side) bool { return s == nil })
}

// Origin returns the log's origin line.
func (l *Log) Origin() string { return l.main.origin }

// Checkpoint returns the newest checkpoint and its signed note, nil while the log is empty.
func (l *Log) Checkpoint() (ledger.Checkpoint, []byte) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.tail.main.checkpoint, l.tail.main.note
}

func (l *Log) size() int64 {
	c, _ := l.Checkpoint()
	return c.Size
}

// Append makes the entries durable, reads them back, and signs a checkpoint that covers them. After an error nothing
// of them counts, and Append may be called again, unless the error is ErrDamaged.
func (l *Log) Append(entries [][]byte) (ledger.Checkpoint, error) {
	l.appending.Lock()
	defer l.appending.Unlock()
	old := l.tail // changed only by who holds appending
	if len(entries) == 0 {
		return old.main.checkpoint, nil
	}
	if err := l.checkEntries(entries); err != nil {
		return ledger.Checkpoint{}, err
	}
	if err := l.checkSpace(); err != nil {
		return ledger.Checkpoint{}, err
	}
	next, err := l.append(old, entries)
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("append to %s: %w", l.Origin(), err)
	}
	l.mu.Lock()
	l.tail = next
	l.mu.Unlock()
	return next.main.checkpoint, l.step("end")
}

// append takes the entries from memory to under a signed checkpoint, step by step: write, sync, read back, sign.
func (l *Log) append(old tail, entries [][]byte) (tail, error) {
	b := l.newBatch(old, entries)
	if err := l.write(old, b); err != nil {
		return tail{}, err
	}
	if err := l.reread(old, b); err != nil {
		return tail{}, err
	}
	next := tail{main: b.main.edge(l.main), bytes: old.bytes + int64(len(b.bundle))}
	if err := l.sign(l.main, &next.main); err != nil {
		return tail{}, err
	}
	if l.twin == nil {
		return next, nil
	}
	// The twin signs last: what the first checkpoint covers can no longer change, so the twin never signs two histories.
	next.twin = b.twin.edge(l.twin)
	if err := l.sign(l.twin, &next.twin); err != nil {
		return tail{}, fmt.Errorf("%w: the twin's checkpoint is behind: %w", ErrDamaged, err)
	}
	return next, nil
}

// step is where a test may stop what runs.
func (l *Log) step(name string) error {
	l.mu.RLock()
	fault := l.fault
	l.mu.RUnlock()
	return fault(name)
}

func (l *Log) checkEntries(entries [][]byte) error {
	for i, e := range entries {
		if len(e) > ledger.MaxEntry {
			return fmt.Errorf("entry %d of the batch has %d bytes, at most %d are allowed", i, len(e), ledger.MaxEntry)
		}
	}
	return nil
}

// checkSpace refuses input while the disk is nearly full: a log whose disk ran full in the middle of a write has been
// lost before.
func (l *Log) checkSpace() error {
	free, err := l.free()
	if err != nil {
		return fmt.Errorf("free space of %s: %w", l.cfg.Dir, err)
	}
	if free < l.cfg.MinFree {
		return fmt.Errorf("free space of %s is %d MiB, the floor is %d MiB", l.cfg.Dir, free>>20, l.cfg.MinFree>>20)
	}
	return nil
}

func (l *Log) statfs() (uint64, error) {
	var st syscall.Statfs_t
	err := syscall.Statfs(l.cfg.Dir, &st)
	return st.Bavail * uint64(st.Bsize), err
}

// batch is what one Append adds to each file.
type batch struct {
	bundle  []byte // entries with their lengths (C2SP tlog-tiles)
	offsets []byte // of the bundles that begin in this batch
	main    growth
	twin    growth
}

func (l *Log) newBatch(old tail, entries [][]byte) *batch {
	b := &batch{main: l.main.grow(old.main, entries), bundle: make([]byte, 0, bundleSize(entries))}
	if l.twin != nil {
		b.twin = l.twin.grow(old.twin, entries)
	}
	for i, e := range entries {
		if (old.main.checkpoint.Size+int64(i))%tileWidth == 0 {
			b.offsets = binary.BigEndian.AppendUint64(b.offsets, uint64(old.bytes)+uint64(len(b.bundle)))
		}
		b.bundle = binary.BigEndian.AppendUint16(b.bundle, uint16(len(e)))
		b.bundle = append(b.bundle, e...)
	}
	return b
}

func bundleSize(entries [][]byte) int {
	n := 0
	for _, e := range entries {
		n += 2 + len(e)
	}
	return n
}

// write puts the batch behind what counts, and makes it durable with one set of fsyncs. They run side by side: the
// file system takes them into few journal commits.
func (l *Log) write(old tail, b *batch) error {
	dirty := []*os.File{l.entries}
	if err := l.writeAt(l.entries, b.bundle, old.bytes, "entries"); err != nil {
		return err
	}
	if len(b.offsets) > 0 {
		dirty = append(dirty, l.offsets)
		if err := l.writeAt(l.offsets, b.offsets, 8*bundles(old.main.checkpoint.Size), "offsets"); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		side  *side
		grown growth
	}{{l.main, b.main}, {l.twin, b.twin}} {
		files, err := l.writeHashes(part.side, part.grown)
		if err != nil {
			return err
		}
		dirty = append(dirty, files...)
	}
	var g errgroup.Group
	for _, f := range dirty {
		g.Go(f.Sync)
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return l.step("synced")
}

func (l *Log) writeHashes(s *side, g growth) (dirty []*os.File, err error) {
	for n, hs := range g.hashes {
		f, err := s.level(n)
		if err != nil {
			return nil, err
		}
		dirty = append(dirty, f)
		if err := l.writeAt(f, flat(hs), hashSize*(g.from>>(tileHeight*n)), s.files); err != nil {
			return nil, err
		}
	}
	return dirty, nil
}

// bundles returns how many bundles begin below a size.
func bundles(size int64) int64 { return (size + tileWidth - 1) / tileWidth }

// writeAt writes in two halves, so that a test can stop between them.
func (l *Log) writeAt(f *os.File, b []byte, at int64, step string) error {
	half := len(b) / 2
	if _, err := f.WriteAt(b[:half], at); err != nil {
		return err
	}
	if err := l.step(step + " torn"); err != nil {
		return err
	}
	if _, err := f.WriteAt(b[half:], at+int64(half)); err != nil {
		return err
	}
	return l.step(step)
}

func flat(hs []tlog.Hash) []byte {
	b := make([]byte, 0, len(hs)*hashSize)
	for _, h := range hs {
		b = append(b, h[:]...)
	}
	return b
}

// sign stores a side's checkpoint: beside the old one, durable, then in its place.
func (l *Log) sign(s *side, e *edge) (err error) {
	if e.note, err = s.sign(e.checkpoint); err != nil {
		return err
	}
	return l.replace(s.checkpointFile, e.note)
}

// replace puts a checkpoint's file in the place of the old one. When the folder cannot be synced after the rename,
// nobody can tell which of the two a crash will leave: only opening the log anew can.
func (l *Log) replace(name string, b []byte) error {
	path := filepath.Join(l.cfg.Dir, name)
	if err := writeDurably(path+".new", b); err != nil {
		return err
	}
	if err := l.step(name + " written"); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	if err := l.step(name + " renamed"); err != nil {
		return err
	}
	if err := syncDir(l.cfg.Dir); err != nil {
		return fmt.Errorf("%w: the checkpoint is not known to be durable: %w", ErrDamaged, err)
	}
	return nil
}

func writeDurably(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
