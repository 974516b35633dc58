package ledger_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	cose "github.com/veraison/go-cose"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

// cose encodes a receipt in the COSE form with the log's key.
func (f *fixture) cose(t testing.TB, r ledger.Receipt) []byte {
	t.Helper()
	signer, err := note.NewSigner(f.skey)
	if err != nil {
		t.Fatal(err)
	}
	file, err := r.COSE(signer)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (f *fixture) publicKey(t testing.TB) ed25519.PublicKey {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.SplitN(f.vkey, "+", 3)[2])
	if err != nil {
		t.Fatal(err)
	}
	return b[1:]
}

func TestCOSEReceiptIsProven(t *testing.T) {
	for _, size := range []int64{1, 2, 300} {
		f := newFixture(t, size)
		r := f.receipt(t, size/2)
		file := f.cose(t, r)
		for _, entry := range [][]byte{nil, r.Entry} {
			v, err := ledger.VerifyCOSE(file, entry, f.policy())
			if err != nil || v.Word != ledger.Proven || v.Checkpoint != f.cp || v.Index != size/2 || !has(v.Checked, ledger.CheckLogSignature) {
				t.Errorf("size %d: got %s, %v", size, v.Word, err)
			}
		}
		r.Salt, r.Payload = salt, payload
		if v, err := ledger.VerifyCOSE(f.cose(t, r), nil, f.policy()); err != nil || v.Word != ledger.ProvenWithData {
			t.Errorf("with payload: got %s, %v", v.Word, err)
		}
	}
}

// TestAnotherLibraryVerifiesCOSEReceipts checks one as a verifier of RFC 9942 does that knows nothing of ours.
func TestAnotherLibraryVerifiesCOSEReceipts(t *testing.T) {
	f := newFixture(t, 300)
	r := f.receipt(t, 77)
	var m cose.Sign1Message
	if err := m.UnmarshalCBOR(f.cose(t, r)); err != nil {
		t.Fatal(err)
	}
	if vds := m.Headers.Protected[int64(395)]; vds != int64(1) || m.Payload != nil {
		t.Fatalf("data structure %v, payload %x", vds, m.Payload)
	}
	var proof struct {
		_           struct{} `cbor:",toarray"`
		Size, Index int64
		Path        [][]byte
	}
	proofs := m.Headers.Unprotected[int64(396)].(map[any]any)[int64(-1)].([]any)
	if err := cbor.Unmarshal(proofs[0].([]byte), &proof); err != nil {
		t.Fatal(err)
	}
	var path tlog.RecordProof
	for _, h := range proof.Path {
		path = append(path, tlog.Hash(h))
	}
	if err := tlog.CheckRecord(path, proof.Size, f.cp.Root, proof.Index, tlog.RecordHash(r.Entry)); err != nil {
		t.Error(err)
	}
	v, err := cose.NewVerifier(cose.AlgorithmEdDSA, f.publicKey(t))
	if err != nil {
		t.Fatal(err)
	}
	m.Payload = f.cp.Root[:]
	if err := m.Verify(nil, v); err != nil {
		t.Error(err)
	}
	m.Payload = make([]byte, 32)
	if err := m.Verify(nil, v); err == nil {
		t.Error("another root is accepted")
	}
}

// TestReceiptsOfAnotherLibraryAreVerified has the same receipt encoded and signed by that library.
func TestReceiptsOfAnotherLibraryAreVerified(t *testing.T) {
	f := newFixture(t, 300)
	ours := f.cose(t, f.receipt(t, 77))
	var m cose.Sign1Message
	if err := m.UnmarshalCBOR(ours); err != nil {
		t.Fatal(err)
	}
	b, err := base64.StdEncoding.DecodeString(strings.SplitN(f.skey, "+", 5)[4])
	if err != nil {
		t.Fatal(err)
	}
	signer, err := cose.NewSigner(cose.AlgorithmEdDSA, ed25519.NewKeyFromSeed(b[1:]))
	if err != nil {
		t.Fatal(err)
	}
	m.Headers.RawProtected, m.Headers.RawUnprotected, m.Signature, m.Payload = nil, nil, nil, f.cp.Root[:]
	if err := m.Sign(nil, nil, signer); err != nil {
		t.Fatal(err)
	}
	m.Payload = nil
	theirs, err := m.MarshalCBOR()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, theirs) {
		t.Errorf("the same receipt has other bytes:\n%x\n%x", ours, theirs)
	}
	if _, err := ledger.VerifyCOSE(theirs, nil, f.policy()); err != nil {
		t.Error(err)
	}
}

func TestForgedCOSEReceiptsAreRefused(t *testing.T) {
	f := newFixture(t, 300)
	for _, tt := range []struct {
		name string
		bend func(*ledger.COSEReceipt)
		word ledger.Word
		part ledger.Part
	}{
		{"another log", func(c *ledger.COSEReceipt) { c.Origin = "putuo.plinth/device" }, ledger.Untrusted, ledger.PartCheckpoint},
		{"another size", func(c *ledger.COSEReceipt) { c.Size++ }, ledger.Untrusted, ledger.PartCheckpoint},
		{"another key", func(c *ledger.COSEReceipt) { c.KeyHash++ }, ledger.Untrusted, ledger.PartSignature},
		{"no signature", func(c *ledger.COSEReceipt) { c.Signature = []byte{} }, ledger.Untrusted, ledger.PartSignature},
		{"a bit of the signature", func(c *ledger.COSEReceipt) { c.Signature[9] ^= 1 }, ledger.Untrusted, ledger.PartSignature},
		{"another place", func(c *ledger.COSEReceipt) { c.Index++ }, ledger.Untrusted, ledger.PartInclusion},
		{"no path", func(c *ledger.COSEReceipt) { c.Path = nil }, ledger.Untrusted, ledger.PartInclusion},
		{"another entry", func(c *ledger.COSEReceipt) { c.Entry = f.entries[78] }, ledger.Untrusted, ledger.PartInclusion},
		{"one organisation", func(c *ledger.COSEReceipt) { c.Attestation.Endorsements = c.Attestation.Endorsements[:1] },
			ledger.PolicyFailed, ledger.PartEndorsement},
		{"a payload that is not its own", func(c *ledger.COSEReceipt) { c.Salt, c.Payload = salt, []byte("x") },
			ledger.Untrusted, ledger.PartPayload},
		{"a place beyond the size", func(c *ledger.COSEReceipt) { c.Index = 300 }, ledger.CannotEvaluate, ledger.PartFile},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := ledger.ParseCOSE(f.cose(t, f.receipt(t, 77)))
			if err != nil {
				t.Fatal(err)
			}
			tt.bend(&c)
			file, err := c.Encode()
			if err != nil {
				t.Fatal(err)
			}
			v, err := ledger.VerifyCOSE(file, nil, f.policy())
			var fault *ledger.Fault
			if !errors.As(err, &fault) || v.Word != tt.word || fault.Part != tt.part {
				t.Errorf("got %s, %v; want %s, %s", v.Word, err, tt.word, tt.part)
			}
		})
	}
	file := f.cose(t, f.receipt(t, 77))
	if _, err := ledger.VerifyCOSE(file, f.entries[78], f.policy()); err == nil {
		t.Error("another entry beside the file is accepted")
	}
	p := f.policy()
	p.LogKeys = nil
	if v, err := ledger.VerifyCOSE(file, nil, p); err != nil || !has(v.NotChecked, ledger.CheckLogSignature) {
		t.Errorf("without the log's key: %v, not checked %v", err, v.NotChecked)
	}
	other := newFixture(t, 1)
	r := f.receipt(t, 77)
	r.Checkpoint = []byte(strings.Replace(string(r.Checkpoint), "authz", "other", 1))
	signer, err := note.NewSigner(other.skey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.COSE(signer); err == nil {
		t.Error("a key signs for another log")
	}
}

func TestEveryAlteredByteOfACOSEReceiptIsRefused(t *testing.T) {
	f, tsa := newFixture(t, 40), ledgertest.NewTSA()
	r := f.receipt(t, 7)
	f.stamp(t, &r, tsa)
	r.Salt, r.Payload = salt, payload
	p := f.policy()
	p.TimestampRoots = []*x509.Certificate{tsa.Root}
	file := f.cose(t, r)
	if v, err := ledger.VerifyCOSE(file, nil, p); err != nil || v.Stamped.At.IsZero() {
		t.Fatal(err)
	}
	for i := range file {
		mutant := bytes.Clone(file)
		mutant[i] ^= 1 << (i % 8)
		_, err := ledger.VerifyCOSE(mutant, nil, p)
		var fault *ledger.Fault
		if !errors.As(err, &fault) || fault.Part == "" {
			t.Fatalf("byte %d: got %v, want a fault that names its part", i, err)
		}
		if _, err := ledger.VerifyCOSE(file[:i], nil, p); err == nil {
			t.Fatalf("cut to %d bytes: accepted", i)
		}
	}
	if _, err := ledger.VerifyCOSE(append(slices.Clone(file), 0), nil, p); err == nil {
		t.Error("one byte more: accepted")
	}
}

func FuzzVerifyCOSE(f *testing.F) {
	x := newFixture(f, 40)
	good := x.cose(f, x.receipt(f, 7))
	p := x.policy()
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ledger.ParseCOSE(b); err == nil {
			if again, err := c.Encode(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("a receipt has two forms: %v", err)
			}
		}
		if _, err := ledger.VerifyCOSE(b, nil, p); err == nil && !bytes.Equal(b, good) {
			t.Error("a receipt that nobody made is proven")
		}
	})
}

func BenchmarkVerifyCOSE(b *testing.B) {
	x := newFixture(b, 1777)
	file, p := x.cose(b, x.receipt(b, 700)), x.policy()
	for b.Loop() {
		if _, err := ledger.VerifyCOSE(file, nil, p); err != nil {
			b.Fatal(err)
		}
	}
}
