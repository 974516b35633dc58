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

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

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

// Log is one transparency log in files: per tile level one file of hashes, one file of entries in bundle form, one of
// the bundles' offsets, and the newest signed checkpoint, which alone says how much of the others counts. One
// goroutine appends; any number read, and they see only what is under a checkpoint.
type Log struct {
	dir     string
	signer  note.Signer
	minFree uint64
	lock    *os.File
	entries *os.File
	offsets *os.File
	levels  []*os.File
	mu      sync.RWMutex // guards what follows
	tail    tail
	fault   func(step string) error // set by tests alone
}

// tail is the right edge of the tree under the newest checkpoint.
type tail struct {
	checkpoint ledger.Checkpoint
	note       []byte
	bytes      int64         // of the entry file that count
	edges      [][]tlog.Hash // per level the hashes of the last tile, when it is not full
}

// OpenLog opens or begins the log in dir. Files are cut to the newest checkpoint: what lies beyond was never signed
// and is appended again.
func OpenLog(dir, skey string, minFree uint64) (*Log, error) {
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, fmt.Errorf("log key: %w", err)
	}
	l := &Log{dir: dir, signer: signer, minFree: minFree, fault: func(string) error { return nil }}
	if err := l.open(skey); err != nil {
		l.Close()
		return nil, fmt.Errorf("open log %s: %w", signer.Name(), err)
	}
	return l, nil
}

func (l *Log) open(skey string) (err error) {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
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
	vkey, err := VerifierKey(skey)
	if err != nil {
		return err
	}
	return l.recover(vkey)
}

func (l *Log) file(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(l.dir, name), os.O_RDWR|os.O_CREATE, 0o644)
}

// level returns the file of a tile level, making it on first use.
func (l *Log) level(n int) (*os.File, error) {
	for len(l.levels) <= n {
		f, err := l.file(fmt.Sprintf("hashes.%d", len(l.levels)))
		if err != nil {
			return nil, err
		}
		l.levels = append(l.levels, f)
	}
	return l.levels[n], nil
}

// Close releases the log for other processes.
func (l *Log) Close() error {
	var errs []error
	for _, f := range append([]*os.File{l.entries, l.offsets, l.lock}, l.levels...) {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// Origin returns the log's origin line.
func (l *Log) Origin() string { return l.signer.Name() }

// Checkpoint returns the newest checkpoint and its signed note, nil while the log is empty.
func (l *Log) Checkpoint() (ledger.Checkpoint, []byte) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.tail.checkpoint, l.tail.note
}

func (l *Log) size() int64 {
	c, _ := l.Checkpoint()
	return c.Size
}

// Append makes the entries durable, reads them back, and signs a checkpoint that covers them. After an error nothing
// of them counts, and Append may be called again.
func (l *Log) Append(entries [][]byte) (ledger.Checkpoint, error) {
	old := l.tail // this goroutine alone changes it
	if len(entries) == 0 {
		return old.checkpoint, nil
	}
	if err := l.checkSpace(); err != nil {
		return ledger.Checkpoint{}, err
	}
	w := newBatch(old, entries)
	if err := l.write(w); err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("append to %s: %w", l.Origin(), err)
	}
	if err := l.reread(old, w); err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("append to %s: %w", l.Origin(), err)
	}
	next := tail{checkpoint: ledger.Checkpoint{Origin: l.Origin(), Size: w.size, Root: rootOf(w.edges)},
		bytes: old.bytes + int64(len(w.bundle)), edges: w.edges}
	if err := l.sign(&next); err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("append to %s: %w", l.Origin(), err)
	}
	l.mu.Lock()
	l.tail = next
	l.mu.Unlock()
	return next.checkpoint, l.step("end")
}

// step is where a test may stop what runs.
func (l *Log) step(name string) error {
	l.mu.RLock()
	fault := l.fault
	l.mu.RUnlock()
	return fault(name)
}

// checkSpace refuses input while the disk is nearly full: a log whose disk ran full in the middle of a write has been
// lost before.
func (l *Log) checkSpace() error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(l.dir, &st); err != nil {
		return fmt.Errorf("free space of %s: %w", l.dir, err)
	}
	if free := st.Bavail * uint64(st.Bsize); free < l.minFree {
		return fmt.Errorf("free space of %s is %d MiB, the floor is %d MiB", l.dir, free>>20, l.minFree>>20)
	}
	return nil
}

// batch is what one Append adds to each file.
type batch struct {
	size    int64
	bundle  []byte        // entries with their lengths (C2SP tlog-tiles)
	offsets []byte        // of the bundles that begin in this batch
	hashes  [][]tlog.Hash // per level
	edges   [][]tlog.Hash
}

func newBatch(old tail, entries [][]byte) *batch {
	b := &batch{size: old.checkpoint.Size}
	for _, e := range old.edges {
		b.edges = append(b.edges, slices.Clone(e))
	}
	for _, e := range entries {
		if b.size%tileWidth == 0 {
			b.offsets = binary.BigEndian.AppendUint64(b.offsets, uint64(old.bytes)+uint64(len(b.bundle)))
		}
		b.bundle = binary.BigEndian.AppendUint16(b.bundle, uint16(len(e)))
		b.bundle = append(b.bundle, e...)
		b.add(0, ledger.Leaf(e))
		b.size++
	}
	return b
}

// add puts a hash at the end of a level; a tile that fills becomes one hash of the level above.
func (b *batch) add(level int, h tlog.Hash) {
	for len(b.edges) <= level {
		b.edges = append(b.edges, nil)
	}
	for len(b.hashes) <= level {
		b.hashes = append(b.hashes, nil)
	}
	b.hashes[level] = append(b.hashes[level], h)
	b.edges[level] = append(b.edges[level], h)
	if len(b.edges[level]) == tileWidth {
		full := b.edges[level]
		b.edges[level] = nil
		b.add(level+1, perfect(full))
	}
}

// perfect returns the root over 2^k hashes. It uses the slice up.
func perfect(hs []tlog.Hash) tlog.Hash {
	for len(hs) > 1 {
		for i := range len(hs) / 2 {
			hs[i] = tlog.NodeHash(hs[2*i], hs[2*i+1])
		}
		hs = hs[:len(hs)/2]
	}
	return hs[0]
}

// rootOf returns the tree's root from its right edge: the perfect subtrees from the largest to the smallest, hashed
// together from the right (RFC 6962 §2.1).
func rootOf(edges [][]tlog.Hash) tlog.Hash {
	var trees []tlog.Hash
	for _, edge := range slices.Backward(edges) {
		for rest := slices.Clone(edge); len(rest) > 0; {
			n := 1
			for 2*n <= len(rest) {
				n *= 2
			}
			trees, rest = append(trees, perfect(rest[:n])), rest[n:]
		}
	}
	root := trees[len(trees)-1]
	for _, t := range slices.Backward(trees[:len(trees)-1]) {
		root = tlog.NodeHash(t, root)
	}
	return root
}

// write puts the batch behind what counts, and makes it durable with one set of fsyncs.
func (l *Log) write(b *batch) error {
	first := l.tail.checkpoint.Size
	dirty := []*os.File{l.entries}
	if err := l.writeAt(l.entries, b.bundle, l.tail.bytes, "entries"); err != nil {
		return err
	}
	if len(b.offsets) > 0 {
		dirty = append(dirty, l.offsets)
		if err := l.writeAt(l.offsets, b.offsets, 8*((first+tileWidth-1)/tileWidth), "offsets"); err != nil {
			return err
		}
	}
	for n, hs := range b.hashes {
		f, err := l.level(n)
		if err != nil {
			return err
		}
		dirty = append(dirty, f)
		if err := l.writeAt(f, flat(hs), hashSize*(first>>(tileHeight*n)), "hashes"); err != nil {
			return err
		}
	}
	for _, f := range dirty {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return l.step("synced")
}

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

// sign stores the tail's checkpoint: beside the old one, durable, then in its place.
func (l *Log) sign(t *tail) (err error) {
	if t.note, err = t.checkpoint.Sign(l.signer); err != nil {
		return err
	}
	path := filepath.Join(l.dir, checkpointFile)
	if err := writeDurably(path+".new", t.note); err != nil {
		return err
	}
	if err := l.step("checkpoint written"); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	if err := l.step("checkpoint renamed"); err != nil {
		return err
	}
	return syncDir(l.dir)
}

const checkpointFile = "checkpoint"

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
