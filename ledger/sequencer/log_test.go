package sequencer_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

const origin = "putuo.plinth/authz"

func signerKey(t testing.TB) string {
	t.Helper()
	skey, _, err := note.GenerateKey(nil, origin)
	if err != nil {
		t.Fatal(err)
	}
	return skey
}

func config(dir, skey string) sequencer.LogConfig {
	return sequencer.LogConfig{Dir: dir, Keys: []sequencer.SigningKey{{Key: skey}}}
}

func openLog(t testing.TB, dir, skey string) *sequencer.Log {
	t.Helper()
	l, err := sequencer.OpenLog(config(dir, skey))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func entries(first, n int64) [][]byte {
	var out [][]byte
	for i := first; i < first+n; i++ {
		out = append(out, fmt.Appendf(nil, "entry %d %s", i, strings.Repeat("x", int(i*7%90))))
	}
	return out
}

// oracle builds the same tree with x/mod.
type oracle []tlog.Hash

func (o oracle) ReadHashes(idx []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(idx))
	for i, n := range idx {
		out[i] = o[n]
	}
	return out, nil
}

func (o *oracle) add(t testing.TB, at int64, entries [][]byte) {
	t.Helper()
	for i, e := range entries {
		hs, err := tlog.StoredHashes(at+int64(i), e, *o)
		if err != nil {
			t.Fatal(err)
		}
		*o = append(*o, hs...)
	}
}

func (o oracle) root(t testing.TB, size int64) tlog.Hash {
	t.Helper()
	h, err := tlog.TreeHash(size, o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRootsAreThoseOfRFC6962AtOddSizes(t *testing.T) {
	dir, skey := t.TempDir(), signerKey(t)
	l := openLog(t, dir, skey)
	var o oracle
	var size int64
	for _, n := range []int64{1, 1, 1, 4, 93, 155, 1, 1, 254, 1, 700, 3001, 61319, 1, 255, 77} {
		es := entries(size, n)
		o.add(t, size, es)
		size += n
		c, err := l.Append(es)
		if err != nil {
			t.Fatal(err)
		}
		if c.Size != size || c.Root != o.root(t, size) {
			t.Fatalf("size %d: got %v", size, c)
		}
		if n%2 == 1 { // now and then as another process would see it
			l.Close()
			l = openLog(t, dir, skey)
			if again, _ := l.Checkpoint(); again != c {
				t.Fatalf("reopened at %d: got %v", size, again)
			}
		}
	}
	for range 200 {
		at := 1 + rand.Int64N(size)
		if root, err := l.RootAt(at); err != nil || root != o.root(t, at) {
			t.Fatalf("root at %d: %v", at, err)
		}
		index := rand.Int64N(at)
		path, err := l.ProveRecord(at, index)
		if err != nil {
			t.Fatal(err)
		}
		e, err := l.Entry(index)
		if err != nil || !bytes.Equal(e, entries(index, 1)[0]) {
			t.Fatalf("entry %d: got %q, %v", index, e, err)
		}
		if err := tlog.CheckRecord(path, at, o.root(t, at), index, ledger.Leaf(e)); err != nil {
			t.Fatal(err)
		}
		proof, err := l.ProveTree(size, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(proof, size, o.root(t, size), at, o.root(t, at)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTilesAreThoseOfC2SP reads the log as a stranger's client does, by tiles alone.
func TestTilesAreThoseOfC2SP(t *testing.T) {
	l := openLog(t, t.TempDir(), signerKey(t))
	const size = 70000 // the example of tlog-tiles
	if _, err := l.Append(entries(0, size)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		level int
		n     int64
		width int
		ok    bool
	}{
		{0, 0, 256, true}, {0, 272, 256, true}, {0, 273, 112, true}, {0, 273, 113, false}, {0, 274, 1, false},
		{1, 0, 256, true}, {1, 1, 17, true}, {1, 1, 18, false}, {2, 0, 1, true}, {2, 0, 2, false}, {3, 0, 1, false},
		{0, -1, 1, false}, {-1, 0, 1, false}, {0, 0, 0, false}, {64, 0, 1, false}, {0, 1 << 62, 1, false},
	} {
		b, err := l.Tile(tt.level, tt.n, tt.width)
		if (err == nil) != tt.ok || tt.ok && len(b) != 32*tt.width {
			t.Errorf("tile %d/%d.p/%d: %d bytes, %v", tt.level, tt.n, tt.width, len(b), err)
		}
		if err != nil && !errors.Is(err, plinth.ErrNotFound) {
			t.Errorf("tile %d/%d.p/%d: %v", tt.level, tt.n, tt.width, err)
		}
	}
	c, _ := l.Checkpoint()
	reader := tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileReader{l})
	if _, err := tlog.ProveRecord(c.Size, 69999, reader); err != nil {
		t.Error(err)
	}
	if b, err := l.Bundle(273, 112); err != nil || !bytes.HasSuffix(b, entries(69999, 1)[0]) {
		t.Errorf("last bundle: %v", err)
	}
}

type tileReader struct{ l *sequencer.Log }

func (r tileReader) Height() int                     { return 8 }
func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		b, err := r.l.Tile(t.L, t.N, t.W)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// TestCrashAtEveryStepLosesNothingSigned stops Append at each of its steps, spoils what was not signed yet, and opens
// the log again: it has the old checkpoint or the new one, and goes on from there to the same root.
func TestCrashAtEveryStepLosesNothingSigned(t *testing.T) {
	for step := 0; ; step++ {
		dir, skey := t.TempDir(), signerKey(t)
		l := openLog(t, dir, skey)
		before, err := l.Append(entries(0, 300))
		if err != nil {
			t.Fatal(err)
		}
		crash, seen, at := errors.New("crash"), 0, ""
		l.SetFault(func(name string) error {
			if seen++; seen > step {
				at = name
				return crash
			}
			return nil
		})
		_, err = l.Append(entries(300, 700))
		l.Close()
		if err == nil {
			if step < 12 {
				t.Fatalf("only %d steps were seen", step)
			}
			return
		}
		spoil(t, dir, before.Size, at)
		l = openLog(t, dir, skey)
		c, _ := l.Checkpoint()
		signed := at == "checkpoint renamed" || at == "end"
		if signed && c.Size != 1000 || !signed && c != before {
			t.Fatalf("crash at %q: the log has size %d", at, c.Size)
		}
		var o oracle
		o.add(t, 0, entries(0, 1003))
		if c, err = l.Append(entries(c.Size, 1003-c.Size)); err != nil || c.Root != o.root(t, 1003) {
			t.Fatalf("crash at %q: after it, %v", at, err)
		}
		l.Close()
	}
}

// spoil does to unsigned bytes what a lost page cache may: zeros, junk, or nothing there.
func spoil(t *testing.T, dir string, size int64, step string) {
	t.Helper()
	if step == "checkpoint renamed" || step == "end" {
		return
	}
	path := filepath.Join(dir, "hashes.0")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xaa}, 50), 32*size); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"entries", "offsets"} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString("junk that was never signed")
		f.Close()
	}
}

func TestFailedAppendCanBeRepeated(t *testing.T) {
	l := openLog(t, t.TempDir(), signerKey(t))
	fail := true
	l.SetFault(func(step string) error {
		if fail && step == "synced" {
			return errors.New("disk")
		}
		return nil
	})
	if _, err := l.Append(entries(0, 900)); err == nil {
		t.Fatal("no error")
	}
	fail = false
	c, err := l.Append(entries(0, 5)) // shorter than what lies there
	var o oracle
	o.add(t, 0, entries(0, 5))
	if err != nil || c.Root != o.root(t, 5) {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestFlippedBitOnDiskIsNeverSigned(t *testing.T) {
	for _, file := range []string{"entries", "hashes.0", "hashes.1"} {
		dir := t.TempDir()
		l := openLog(t, dir, signerKey(t))
		l.SetFault(func(step string) error {
			if step == "synced" {
				flip(t, filepath.Join(dir, file), 40)
			}
			return nil
		})
		if _, err := l.Append(entries(0, 1000)); !errors.Is(err, sequencer.ErrDamaged) {
			t.Errorf("%s: got %v, want ErrDamaged", file, err)
		}
		if c, _ := l.Checkpoint(); c.Size != 0 {
			t.Errorf("%s: signed size %d", file, c.Size)
		}
	}
}

func flip(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 4
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFilesAreNotOpened(t *testing.T) {
	skey := signerKey(t)
	for name, harm := range map[string]func(dir string){
		"checkpoint altered": func(dir string) { flip(t, filepath.Join(dir, "checkpoint"), 20) },
		"edge altered":       func(dir string) { flip(t, filepath.Join(dir, "hashes.0"), 32*299) },
		"last entry altered": func(dir string) { flip(t, filepath.Join(dir, "entries"), size(t, filepath.Join(dir, "entries"))-1) },
		"full tile altered":  func(dir string) { flip(t, filepath.Join(dir, "hashes.0"), 32*17) },
		"tile hash altered":  func(dir string) { flip(t, filepath.Join(dir, "hashes.1"), 3) },
		"hashes cut":         func(dir string) { cut(t, filepath.Join(dir, "hashes.0"), 32*299) },
		"entries cut":        func(dir string) { cut(t, filepath.Join(dir, "entries"), 100) },
		"offsets gone":       func(dir string) { cut(t, filepath.Join(dir, "offsets"), 0) },
	} {
		dir := t.TempDir()
		l := openLog(t, dir, skey)
		if _, err := l.Append(entries(0, 300)); err != nil {
			t.Fatal(err)
		}
		l.Close()
		harm(dir)
		if _, err := sequencer.OpenLog(config(dir, skey)); !errors.Is(err, sequencer.ErrDamaged) {
			t.Errorf("%s: got %v, want ErrDamaged", name, err)
		}
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func cut(t *testing.T, path string, n int64) {
	t.Helper()
	if err := os.Truncate(path, n); err != nil {
		t.Fatal(err)
	}
}

func TestLogIsOpenedOnce(t *testing.T) {
	dir, skey := t.TempDir(), signerKey(t)
	openLog(t, dir, skey)
	if _, err := sequencer.OpenLog(config(dir, skey)); err == nil {
		t.Error("opened twice")
	}
}

func TestFullDiskIsRefusedBeforeWriting(t *testing.T) {
	l, err := sequencer.OpenLog(sequencer.LogConfig{Dir: t.TempDir(), Keys: []sequencer.SigningKey{{Key: signerKey(t)}}, MinFree: 1 << 62})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Append(entries(0, 1)); err == nil || !strings.Contains(err.Error(), "floor") {
		t.Errorf("got %v", err)
	}
}

func TestKeysAreMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	first, err := sequencer.LoadKeys(dir, "putuo.plinth")
	if err != nil {
		t.Fatal(err)
	}
	again, err := sequencer.LoadKeys(dir, "putuo.plinth")
	if err != nil || !cmp.Equal(again.Logs[ledger.Authz].Known(), first.Logs[ledger.Authz].Known()) || !bytes.Equal(again.Salts, first.Salts) {
		t.Errorf("other keys the second time: %v", err)
	}
	if _, err := sequencer.LoadKeys(dir, "elsewhere"); err == nil {
		t.Error("keys of another log were taken")
	}
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := sequencer.LoadKeys(dir, "putuo.plinth"); err == nil {
		t.Error("a folder that others may enter was taken")
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "salts.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := sequencer.LoadKeys(dir, "putuo.plinth"); err == nil {
		t.Error("a key that others may read was taken")
	}
	if err := os.Remove(filepath.Join(dir, "salts.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := sequencer.LoadKeys(dir, "putuo.plinth"); err == nil {
		t.Error("a missing key was made anew")
	}
}

func BenchmarkAppend(b *testing.B) {
	l := openLog(b, b.TempDir(), signerKey(b))
	var es [][]byte
	for i := range 10000 {
		es = append(es, bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 128))
	}
	for b.Loop() {
		if _, err := l.Append(es); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(es)*b.N)/b.Elapsed().Seconds(), "leaves/s")
}
