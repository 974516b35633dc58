package audit

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// anchorPoint is a size at which the tree's root is known from elsewhere.
type anchorPoint struct {
	size int64
	root tlog.Hash
	says string // who knows it, e.g. "block 12"
}

// treeAudit computes a log's tree anew from its entries and compares it with the tiles and with every known root.
type treeAudit struct {
	origin string
	dir    string
	size   int64
	points []anchorPoint // by size
	tell   func(done int64)

	tree   compact // at a tile's border
	offset int64   // in the entry file, there

	good   int64 // newest size whose root was right
	levels []*bufio.Reader
	files  []*os.File
	differ string // the first tile hash that differs from its entry or from the tile below
	entry  int64  // the entry there
}

const tilesInBatch = 16

// treeBatch is some whole tiles of entries, and at the end of the log what is left.
type treeBatch struct {
	buf     []byte
	ends    []int32 // of the entries in buf, each behind its two bytes of length
	stored  []byte  // the tile hashes as they are in the file
	leaves  []tlog.Hash
	tiles   []tlog.Hash // roots of the whole tiles
	differ  int         // first leaf that differs from its stored hash; -1 for none
	readErr error       // why the entry after those here could not be read
	border  int64       // offset of the entry file behind the last whole tile
}

func newTreeBatch() *treeBatch {
	const n = tilesInBatch * entriesInTile
	return &treeBatch{buf: make([]byte, 0, n*(2+ledger.MaxEntry)), stored: make([]byte, n*hashSize)}
}

// run goes through the log. It returns a *Fault for the first bad object.
func (t *treeAudit) run(ctx context.Context) error {
	f, err := os.Open(filepath.Join(t.dir, EntriesFile))
	if err != nil {
		return t.fault(fmt.Sprintf("entry %d", t.tree.size), "is missing: there is no file of entries")
	}
	defer f.Close()
	if _, err := f.Seek(t.offset, io.SeekStart); err != nil {
		return err
	}
	if err := t.openLevels(); err != nil {
		return err
	}
	defer t.closeLevels()
	r := &entryReader{r: bufio.NewReaderSize(f, 1<<20), next: t.tree.size, size: t.size, offset: t.offset,
		border: t.offset, tiles: t.levels[0]}
	if err := pipe(ctx, newTreeBatch, r.read, (*treeBatch).hash, t.take); err != nil {
		return err
	}
	return t.end(r)
}

// openLevels opens the tile files at the place that belongs to the tree's border.
func (t *treeAudit) openLevels() error {
	for level := 0; level == 0 || t.size>>(level*tileHeight) > 0; level++ {
		f, err := os.Open(filepath.Join(t.dir, HashesFile(level)))
		if errors.Is(err, os.ErrNotExist) {
			t.levels = append(t.levels, bufio.NewReader(eof{}))
			continue
		}
		if err != nil {
			return err
		}
		t.files = append(t.files, f)
		if _, err := f.Seek(hashSize*(t.tree.size>>(level*tileHeight)), io.SeekStart); err != nil {
			return err
		}
		t.levels = append(t.levels, bufio.NewReaderSize(f, 1<<16))
	}
	return nil
}

func (t *treeAudit) closeLevels() {
	for _, f := range t.files {
		f.Close()
	}
}

// entryReader reads entries batch by batch.
type entryReader struct {
	r      *bufio.Reader
	tiles  io.Reader
	next   int64 // index
	size   int64
	offset int64 // behind the entry read last
	border int64 // behind the whole tile read last
}

func (r *entryReader) read(b *treeBatch) (bool, error) {
	b.buf, b.ends, b.readErr = b.buf[:0], b.ends[:0], nil
	n := min(tilesInBatch*entriesInTile, r.size-r.next)
	if n == 0 {
		return false, nil
	}
	for int64(len(b.ends)) < n && b.readErr == nil {
		b.readErr = r.entry(b)
	}
	b.stored = b.stored[:len(b.ends)*hashSize]
	if got, err := io.ReadFull(r.tiles, b.stored); err != nil {
		b.stored = b.stored[:got-got%hashSize]
	}
	b.border = r.border
	if b.readErr != nil {
		r.size = r.next // nothing can be read behind it
	}
	return true, nil
}

func (r *entryReader) entry(b *treeBatch) error {
	var head [2]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return missing(err)
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if n == 0 || n > ledger.MaxEntry {
		return fmt.Errorf("its length is said to be %d bytes", n)
	}
	at := len(b.buf)
	b.buf = slices.Grow(b.buf, 2+n)[:at+2+n]
	copy(b.buf[at:], head[:])
	if _, err := io.ReadFull(r.r, b.buf[at+2:]); err != nil {
		b.buf = b.buf[:at]
		return missing(err)
	}
	b.ends = append(b.ends, int32(at+2+n))
	r.next++
	r.offset += int64(2 + n)
	if r.next%entriesInTile == 0 {
		r.border = r.offset
	}
	return nil
}

func missing(err error) error {
	if err == io.EOF {
		return errors.New("is missing")
	}
	return cut(err)
}

// hash computes the leaves and the whole tiles' roots.
func (b *treeBatch) hash() {
	b.leaves, b.tiles, b.differ = b.leaves[:0], b.tiles[:0], -1
	begin := int32(0)
	for i, end := range b.ends {
		b.buf[begin+1] = 0 // the leaf's prefix (RFC 6962 §2.1) in the place of the length's last byte
		leaf := tlog.Hash(sha256.Sum256(b.buf[begin+1 : end]))
		b.leaves, begin = append(b.leaves, leaf), end
		at := i * hashSize
		if b.differ < 0 && (at+hashSize > len(b.stored) || tlog.Hash(b.stored[at:at+hashSize]) != leaf) {
			b.differ = i
		}
	}
	for at := 0; at+entriesInTile <= len(b.leaves); at += entriesInTile {
		b.tiles = append(b.tiles, perfect(b.leaves[at:at+entriesInTile]))
	}
}

// perfect returns the root over one tile of leaves.
func perfect(leaves []tlog.Hash) tlog.Hash {
	var hs [entriesInTile / 2]tlog.Hash
	for i := range hs {
		hs[i] = node(leaves[2*i], leaves[2*i+1])
	}
	for n := len(hs) / 2; n > 0; n /= 2 {
		for i := range n {
			hs[i] = node(hs[2*i], hs[2*i+1])
		}
	}
	return hs[0]
}

// take adds a batch to the tree.
func (t *treeAudit) take(b *treeBatch) error {
	if b.differ >= 0 && t.differ == "" {
		t.entry = t.tree.size + int64(b.differ)
		t.differ = fmt.Sprintf("tile hash %d of level 0", t.entry)
	}
	begin := t.tree.size
	for i := 0; i*entriesInTile < len(b.leaves); i++ {
		rest := b.leaves[i*entriesInTile:]
		tile := rest[:min(entriesInTile, len(rest))]
		if err := t.checkInside(tile); err != nil {
			return err
		}
		if i < len(b.tiles) {
			t.addTile(b.tiles[i])
			if err := t.check(t.tree); err != nil {
				return err
			}
		}
	}
	if b.readErr != nil {
		return t.unreadable(begin+int64(len(b.ends)), b.readErr)
	}
	t.offset = b.border
	t.tell(begin + int64(len(b.leaves)))
	return nil
}

// unreadable names the entry that cannot be read; one before it that differs is what moved all behind it.
func (t *treeAudit) unreadable(index int64, err error) error {
	if t.differ != "" {
		return t.fault(fmt.Sprintf("entry %d", t.entry), "it is not what its leaf is the hash of; entry %d: %v", index, err)
	}
	return t.fault(fmt.Sprintf("entry %d", index), "%v", err)
}

// addTile adds a whole tile and compares the levels above with their files.
func (t *treeAudit) addTile(root tlog.Hash) {
	t.tree.add(root, tileHeight, func(height int, h tlog.Hash) {
		level := height / tileHeight
		if height%tileHeight != 0 || level >= len(t.levels) {
			return
		}
		var stored tlog.Hash
		_, err := io.ReadFull(t.levels[level], stored[:])
		if (err != nil || stored != h) && t.differ == "" {
			t.entry = -1
			t.differ = fmt.Sprintf("tile hash %d of level %d", t.tree.size>>height, level)
		}
	})
}

// checkInside compares the roots of sizes that end inside the next tile.
func (t *treeAudit) checkInside(tile []tlog.Hash) error {
	inside := t.tree.clone()
	for _, p := range t.due(t.tree.size + min(int64(len(tile)), entriesInTile-1)) {
		for inside.size < p.size {
			inside.add(tile[inside.size-t.tree.size], 0, nil)
		}
		if err := t.compare(inside, p); err != nil {
			return err
		}
	}
	return nil
}

// due takes the points up to a size off the list.
func (t *treeAudit) due(upTo int64) []anchorPoint {
	n := 0
	for n < len(t.points) && t.points[n].size <= upTo {
		n++
	}
	due := t.points[:n]
	t.points = t.points[n:]
	return due
}

func (t *treeAudit) check(tree compact) error {
	for _, p := range t.due(tree.size) {
		if err := t.compare(tree, p); err != nil {
			return err
		}
	}
	return nil
}

// compare compares the tree's root with what is known. When the entries give the root that is known, they are right
// and a tile that differs is wrong; when not, the entry is.
func (t *treeAudit) compare(tree compact, p anchorPoint) error {
	right := tree.root() == p.root
	entry := t.differ != "" && t.entry >= 0 && t.entry < p.size
	switch {
	case right && (entry || t.differ != "" && t.entry < 0):
		return t.fault(t.differ, "it is not the hash of what is below it")
	case right:
		t.good = p.size
		return nil
	case entry:
		return t.fault(fmt.Sprintf("entry %d", t.entry), "it is not what its leaf is the hash of, nor what %s has", p.says)
	}
	return &forked{Fault: bad(StageTree, t.named(t.between(p.size)), "the tree of size %d has not the root that %s has", p.size,
		p.says), from: t.good, to: p.size}
}

// forked is a fault that lies somewhere among entries: the data of record may tell where.
type forked struct {
	*Fault
	from, to int64
}

func (f *forked) Unwrap() error { return f.Fault }

func (t *treeAudit) between(size int64) string {
	if t.good == size-1 {
		return fmt.Sprintf("entry %d", t.good)
	}
	return fmt.Sprintf("entries %d to %d", t.good, size-1)
}

// end checks what the batches did not reach.
func (t *treeAudit) end(r *entryReader) error {
	if len(t.points) > 0 {
		return t.fault(fmt.Sprintf("entry %d", t.size), "is missing: %s has a tree of size %d", t.points[0].says, t.points[0].size)
	}
	if t.differ != "" {
		return t.fault(t.differ, "it is not the hash of what is below it")
	}
	if _, err := r.r.ReadByte(); err == nil {
		return t.fault(fmt.Sprintf("entry %d", t.size), "is beyond the newest checkpoint")
	}
	for level, f := range t.levels {
		if _, err := f.ReadByte(); err == nil {
			return t.fault(fmt.Sprintf("tile hash %d of level %d", t.size>>(level*tileHeight), level), "is beyond the newest checkpoint")
		}
	}
	return nil
}

func (t *treeAudit) named(object string) string { return t.origin + " " + object }

func (t *treeAudit) fault(object, format string, args ...any) error {
	return bad(StageTree, t.named(object), format, args...)
}
