package audit_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/audit"
)

var when = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// treeLog writes a log's files and keeps its roots.
type treeLog struct {
	t       testing.TB
	dir     string
	entries *bufio.Writer
	levels  []*bufio.Writer
	edges   [][]tlog.Hash
	files   []*os.File
	size    int64
}

func newTreeLog(t testing.TB) *treeLog {
	l := &treeLog{t: t, dir: t.TempDir()}
	l.entries = l.file(audit.EntriesFile)
	return l
}

func (l *treeLog) file(name string) *bufio.Writer {
	f, err := os.Create(filepath.Join(l.dir, name))
	if err != nil {
		l.t.Fatal(err)
	}
	l.files = append(l.files, f)
	return bufio.NewWriterSize(f, 1<<20)
}

func (l *treeLog) add(entry []byte) {
	l.entries.Write(binary.BigEndian.AppendUint16(nil, uint16(len(entry))))
	l.entries.Write(entry)
	l.hash(0, ledger.Leaf(entry))
	l.size++
}

func (l *treeLog) hash(level int, h tlog.Hash) {
	if len(l.levels) == level {
		l.levels, l.edges = append(l.levels, l.file(audit.HashesFile(level))), append(l.edges, nil)
	}
	l.levels[level].Write(h[:])
	l.edges[level] = append(l.edges[level], h)
	if len(l.edges[level]) == 256 {
		full := l.edges[level]
		l.edges[level] = nil
		l.hash(level+1, root(full))
	}
}

// root is RFC 6962's definition, as it stands there.
func root(hs []tlog.Hash) tlog.Hash {
	if len(hs) == 1 {
		return hs[0]
	}
	k := 1
	for 2*k < len(hs) {
		k *= 2
	}
	return tlog.NodeHash(root(hs[:k]), root(hs[k:]))
}

// point returns the root of all that was added.
func (l *treeLog) point() audit.Point {
	if err := l.flush(); err != nil {
		l.t.Fatal(err)
	}
	var trees []tlog.Hash
	for level := len(l.edges) - 1; level >= 0; level-- {
		for rest := l.edges[level]; len(rest) > 0; {
			k := 1
			for 2*k <= len(rest) {
				k *= 2
			}
			trees, rest = append(trees, root(rest[:k])), rest[k:]
		}
	}
	h := trees[len(trees)-1]
	for i := len(trees) - 2; i >= 0; i-- {
		h = tlog.NodeHash(trees[i], h)
	}
	return audit.Point{Size: l.size, Root: h}
}

func (l *treeLog) flush() error {
	errs := []error{l.entries.Flush()}
	for _, w := range l.levels {
		errs = append(errs, w.Flush())
	}
	return errors.Join(errs...)
}

// entryOf is an entry's bytes with the record's id at a place.
func entryOf(t testing.TB) (entry []byte, id []byte) {
	e := ledger.Entry{ID: uuid.NameSpaceDNS, Kind: "grant.created", Org: "databureau", Tag: ledger.Tag{1}, Seq: 1, Prev: -1,
		From: when, To: when, Count: 1, Relation: ledger.Generated, Inputs: []uuid.UUID{uuid.NameSpaceURL}}
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), string(uuid.NameSpaceDNS[:]))
	return b, b[at : at+16]
}

// grow adds n entries, each with an id of its own.
func (l *treeLog) grow(n int64) *treeLog {
	entry, id := entryOf(l.t)
	for range n {
		binary.BigEndian.PutUint64(id, uint64(l.size))
		l.add(entry)
	}
	return l
}

func TestTreeIsRightAtEverySize(t *testing.T) {
	l := newTreeLog(t)
	var points []audit.Point
	for _, n := range []int64{1, 1, 5, 248, 1, 1, 255, 256, 300, 4096, 70000} {
		points = append(points, l.grow(n).point())
	}
	if err := audit.Tree(t.Context(), l.dir, points...); err != nil {
		t.Error(err)
	}
	points[5].Root[0] ^= 1
	err := audit.Tree(t.Context(), l.dir, points...)
	if want := "authz entry 256"; fault(err) != want {
		t.Errorf("with another root of size %d: %v, want %s", points[5].Size, err, want)
	}
}

func fault(err error) string {
	var f *audit.Fault
	if !errors.As(err, &f) {
		return fmt.Sprintf("no fault: %v", err)
	}
	return f.Object
}

func TestTreeNamesTheFirstBadObject(t *testing.T) {
	l := newTreeLog(t)
	points := []audit.Point{l.grow(300).point(), l.grow(70000).point()}
	entry, _ := entryOf(t)
	frame := int64(2 + len(entry))
	for _, tt := range []struct {
		file string
		at   int64
		want string
	}{
		{"entries", 2 + 17, "authz entry 0"},
		{"entries", 299*frame + 30, "authz entry 299"},
		{"entries", 299 * frame, "authz entry 299"},       // the length
		{"entries", 60000*frame + 1, "authz entry 60000"}, // likewise
		{"entries", 70299*frame + 2, "authz entry 70299"},
		{"hashes.0", 32 * 299, "authz tile hash 299 of level 0"},
		{"hashes.0", 32*70299 + 31, "authz tile hash 70299 of level 0"},
		{"hashes.1", 32 * 7, "authz tile hash 7 of level 1"},
		{"hashes.2", 3, "authz tile hash 0 of level 2"},
	} {
		flip(t, filepath.Join(l.dir, tt.file), tt.at)
		if err := audit.Tree(t.Context(), l.dir, points...); fault(err) != tt.want {
			t.Errorf("%s, byte %d: %v, want %s", tt.file, tt.at, err, tt.want)
		}
		flip(t, filepath.Join(l.dir, tt.file), tt.at)
	}
	for _, tt := range []struct {
		file string
		size int64
		want string
	}{
		{"entries", 70299 * frame, "authz entry 70299"},
		{"entries", 70299*frame + 1, "authz entry 70299"},
		{"entries", 0, "authz entry 0"},
		{"entries", 70300*frame + 1, "authz entry 70300"},
		{"hashes.0", 32 * 70299, "authz tile hash 70299 of level 0"},
		{"hashes.1", 33, "authz tile hash 1 of level 1"},
		{"hashes.2", 33, "authz tile hash 1 of level 2"},
	} {
		name := filepath.Join(l.dir, tt.file)
		whole, err := os.ReadFile(name)
		if err == nil {
			err = os.Truncate(name, tt.size)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := audit.Tree(t.Context(), l.dir, points...); fault(err) != tt.want {
			t.Errorf("%s of %d bytes: %v, want %s", tt.file, tt.size, err, tt.want)
		}
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := audit.Tree(t.Context(), l.dir, points...); err != nil {
		t.Errorf("after all was put back: %v", err)
	}
}

func flip(t testing.TB, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	_, readErr := f.ReadAt(b[:], at)
	b[0] ^= 1
	_, writeErr := f.WriteAt(b[:], at)
	if err := errors.Join(readErr, writeErr, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkTree audits trees of growing size: one million entries, and ten when PLINTH_AUDIT_ENTRIES says so.
func BenchmarkTree(b *testing.B) {
	sizes := []int64{100_000, 1_000_000}
	if os.Getenv("PLINTH_AUDIT_ENTRIES") != "" {
		var n int64
		if _, err := fmt.Sscan(os.Getenv("PLINTH_AUDIT_ENTRIES"), &n); err != nil {
			b.Fatal(err)
		}
		sizes = append(sizes, n)
	}
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := newTreeLog(b)
			p := l.grow(n).point()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				if err := audit.Tree(b.Context(), l.dir, p); err != nil {
					b.Fatal(err)
				}
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/1e6, "MB/audit")
		})
	}
}
