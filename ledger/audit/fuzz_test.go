package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"plinth/ledger"
	"plinth/ledger/audit"
	"plinth/ledger/ledgertest"
)

// block is a block of one envelope, without a peer's and an orderer's part.
func block() []byte {
	k := audit.Block{Number: 7, PreviousHash: make([]byte, 32), DataHash: make([]byte, 32), Envelopes: [][]byte{{1, 2}}, Codes: []byte{0}}
	return k.Encode()
}

func TestBlocksHaveOneForm(t *testing.T) {
	good := block()
	if k, err := audit.ParseBlock(good); err != nil || !bytes.Equal(k.Encode(), good) {
		t.Fatalf("a good block: %v", err)
	}
	for name, bad := range map[string][]byte{
		"empty":                {},
		"cut short":            good[:len(good)-1],
		"one byte more":        append(bytes.Clone(good), 0),
		"a field twice":        append(bytes.Clone(good), 0x1a, 0),
		"an unknown field":     append(bytes.Clone(good), 0x22, 0),
		"fields out of order":  append(append([]byte{}, good[len(good)-12:]...), good[:len(good)-12]...),
		"number not minimal":   bytes.Replace(good, []byte{8, 7}, []byte{8, 0x87, 0}, 1),
		"no envelope":          (&audit.Block{DataHash: make([]byte, 32)}).Encode(),
		"hash of wrong length": (&audit.Block{DataHash: make([]byte, 31), Envelopes: [][]byte{{1}}, Codes: []byte{0}}).Encode(),
		"two codes for one":    (&audit.Block{DataHash: make([]byte, 32), Envelopes: [][]byte{{1}}, Codes: []byte{0, 0}}).Encode(),
	} {
		if _, err := audit.ParseBlock(bad); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

func FuzzBlock(f *testing.F) {
	f.Add(block())
	f.Add([]byte{0x0a, 0, 0x12, 0, 0x1a, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := audit.ParseBlock(b)
		if err != nil {
			return
		}
		k.HeaderBytes()
		for _, e := range k.Envelopes {
			audit.Parse(e)
		}
	})
}

func FuzzTransactionAndConfig(f *testing.F) {
	a := ledgertest.AnswerFor(ledger.AttestedCheckpoint{Channel: "evidence", Origin: "a/authz", Size: 1, TxID: "x"}, 7)
	f.Add(a.Payload())
	f.Fuzz(func(t *testing.T, b []byte) {
		audit.Parse(b)
		n, err := audit.AttestedBlock(ledger.Attestation{Payload: b})
		if err != nil && n != 0 {
			t.Errorf("block %d beside the error %v", n, err)
		}
	})
}

// FuzzObjects reads the objects of a folder, which have one form.
func FuzzObjects(f *testing.F) {
	r, _ := audit.Record{ID: make([]byte, 16), Kind: "a.b", Payload: []byte("x"), Salt: make([]byte, 32)}.Encode()
	rows, _ := audit.Rows{Rows: [][]byte{{1}}}.Encode()
	at, _ := audit.Attested{Note: []byte("n"), Attestation: []byte("a")}.Encode()
	for _, b := range [][]byte{r, rows, at, {0xbf, 0xff}, {0xa2, 1, 0, 1, 0}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(again []byte, err error) {
			if err != nil || !bytes.Equal(again, b) {
				t.Errorf("%x is taken and written as %x, %v", b, again, err)
			}
		}
		if v, err := audit.ParseRecord(b); err == nil {
			same(v.Encode())
		}
		if v, err := audit.ParseRows(b); err == nil {
			same(v.Encode())
		}
		if v, err := audit.ParseAttested(b); err == nil {
			same(v.Encode())
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add(audit.NewManifest("", "").Encode())
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, audit.ManifestFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := audit.ReadManifest(dir); err == nil && !bytes.Equal(m.Encode(), b) {
			t.Errorf("%q is taken and written as %q", b, m.Encode())
		}
	})
}

// FuzzTree audits trees of damaged files: it must end, with a fault or without.
func FuzzTree(f *testing.F) {
	entry, _ := entryOf(f)
	file := append([]byte{0, byte(len(entry))}, entry...)
	leaf := ledger.Leaf(entry)
	f.Add(file, leaf[:], int64(1))
	f.Add(file[:3], leaf[:7], int64(300))
	f.Fuzz(func(t *testing.T, entries, hashes []byte, size int64) {
		if size < 1 || size > 1<<16 {
			return
		}
		dir := t.TempDir()
		for name, b := range map[string][]byte{audit.EntriesFile: entries, audit.HashesFile(0): hashes} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := audit.Tree(t.Context(), dir, audit.Point{Size: size, Root: leaf}); err == nil && (size != 1 || !bytes.Equal(entries, file)) {
			t.Errorf("%d entries in %x are taken for another log's", size, entries)
		}
	})
}
