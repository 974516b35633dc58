package sequencer_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/merkle"
	"plinth/ledger/sequencer"
	"plinth/ledger/twin"
)

func twinKey(t testing.TB) string {
	t.Helper()
	skey, _, err := twin.GenerateKey(rand.Reader, twin.Origin(origin))
	if err != nil {
		t.Fatal(err)
	}
	return skey
}

// twinOracle computes the twin's root from the entries alone.
func twinOracle(t *testing.T, size int64) tlog.Hash {
	t.Helper()
	var leaves []twin.Hash
	for _, e := range entries(0, size) {
		leaves = append(leaves, twin.Leaf(e))
	}
	var read merkle.Nodes[twin.Hash]
	read = func(level int, n int64) (twin.Hash, error) {
		if level == 0 {
			return leaves[n], nil
		}
		l, _ := read(level-1, 2*n)
		r, err := read(level-1, 2*n+1)
		return twin.Node(l, r), err
	}
	root, err := twin.Tree.Root(size, read)
	if err != nil {
		t.Fatal(err)
	}
	return tlog.Hash(root)
}

func checkTwin(t *testing.T, l *sequencer.Log, vkey string, size int64) {
	t.Helper()
	key, err := twin.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	c, signed, err := l.TwinNoteAt(size)
	if err != nil || c.Root != twinOracle(t, size) {
		t.Fatalf("twin of %d: %v, %v", size, c, err)
	}
	if opened, err := ledger.OpenCheckpoint(signed, key); err != nil || opened != c {
		t.Fatalf("twin's note of %d: %v", size, err)
	}
	for _, index := range []int64{0, size / 2, size - 1} {
		path, err := l.ProveTwinRecord(size, index)
		if err != nil {
			t.Fatal(err)
		}
		var hs []twin.Hash
		for _, h := range path {
			hs = append(hs, twin.Hash(h))
		}
		if err := twin.CheckInclusion(hs, size, twin.Hash(c.Root), index, twin.Leaf(entries(index, 1)[0])); err != nil {
			t.Fatalf("entry %d under the twin of %d: %v", index, size, err)
		}
	}
}

func TestTwinHasTheSameEntriesUnderSM3(t *testing.T) {
	dir, skey, second := t.TempDir(), signerKey(t), twinKey(t)
	c := config(dir, skey)
	c.Twin = []sequencer.SigningKey{{Key: second}}
	vkey, err := sequencer.VerifierKey(second)
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, n := range []int64{1, 254, 1, 1, 700, 65000} {
		l, err := sequencer.OpenLog(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(entries(size, n)); err != nil {
			t.Fatal(err)
		}
		size += n
		checkTwin(t, l, vkey, size)
		proof, err := l.ProveTwinTree(size, 1)
		if err != nil || twin.Tree.CheckTree(asTwin(proof), size, twin.Hash(twinOracle(t, size)), 1, twin.Leaf(entries(0, 1)[0])) != nil {
			t.Errorf("the twin of %d does not extend the twin of 1: %v", size, err)
		}
		l.Close()
	}
}

func asTwin(hs []tlog.Hash) []twin.Hash {
	var out []twin.Hash
	for _, h := range hs {
		out = append(out, twin.Hash(h))
	}
	return out
}

// TestTwinTurnedOnLaterIsBuiltFromTheEntries begins without a twin, runs without it once more in between, and compares.
func TestTwinTurnedOnLaterIsBuiltFromTheEntries(t *testing.T) {
	dir, skey, second := t.TempDir(), signerKey(t), twinKey(t)
	vkey, err := sequencer.VerifierKey(second)
	if err != nil {
		t.Fatal(err)
	}
	with := config(dir, skey)
	with.Twin = []sequencer.SigningKey{{Key: second}}
	var size int64
	for i, c := range []sequencer.LogConfig{config(dir, skey), with, config(dir, skey), with} {
		l, err := sequencer.OpenLog(c)
		if err != nil {
			t.Fatal(err)
		}
		if l.HasTwin() && size > 0 {
			checkTwin(t, l, vkey, size)
		}
		n := int64(20000 + i)
		if _, err := l.Append(entries(size, n)); err != nil {
			t.Fatal(err)
		}
		size += n
		if l.HasTwin() {
			checkTwin(t, l, vkey, size)
		}
		l.Close()
	}
}

// TestTwinSurvivesACrashAtEveryStep stops Append at every step, the twin's among them.
func TestTwinSurvivesACrashAtEveryStep(t *testing.T) {
	skey, second := signerKey(t), twinKey(t)
	vkey, err := sequencer.VerifierKey(second)
	if err != nil {
		t.Fatal(err)
	}
	for step := 0; ; step++ {
		c := config(t.TempDir(), skey)
		c.Twin = []sequencer.SigningKey{{Key: second}}
		l, err := sequencer.OpenLog(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(entries(0, 300)); err != nil {
			t.Fatal(err)
		}
		seen := 0
		l.SetFault(func(string) error {
			if seen++; seen > step {
				return errors.New("crash")
			}
			return nil
		})
		_, crash := l.Append(entries(300, 300))
		l.Close()
		if crash == nil {
			if step < 17 {
				t.Fatalf("only %d steps were seen", step)
			}
			return
		}
		if l, err = sequencer.OpenLog(c); err != nil {
			t.Fatalf("after a crash at step %d: %v", step, err)
		}
		at, _ := l.Checkpoint()
		if _, err := l.Append(entries(at.Size, 700-at.Size)); err != nil {
			t.Fatalf("after a crash at step %d: %v", step, err)
		}
		checkTwin(t, l, vkey, 700)
		l.Close()
	}
}

func TestDamagedTwinIsNotOpened(t *testing.T) {
	skey, second := signerKey(t), twinKey(t)
	for name, harm := range map[string]func(dir string){
		"checkpoint altered": func(dir string) { flip(t, filepath.Join(dir, "checkpoint-sm3"), 24) },
		"edge altered":       func(dir string) { flip(t, filepath.Join(dir, "hashes-sm3.0"), 32*299) },
		"tile altered":       func(dir string) { flip(t, filepath.Join(dir, "hashes-sm3.0"), 32*17) },
		"hashes cut":         func(dir string) { cut(t, filepath.Join(dir, "hashes-sm3.0"), 32*299) },
		"hashes gone":        func(dir string) { os.Remove(filepath.Join(dir, "hashes-sm3.1")) },
	} {
		c := config(t.TempDir(), skey)
		c.Twin = []sequencer.SigningKey{{Key: second}}
		l, err := sequencer.OpenLog(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(entries(0, 300)); err != nil {
			t.Fatal(err)
		}
		l.Close()
		harm(c.Dir)
		if _, err := sequencer.OpenLog(c); !errors.Is(err, sequencer.ErrDamaged) {
			t.Errorf("%s: got %v, want ErrDamaged", name, err)
		}
	}
}
