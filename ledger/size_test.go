package ledger_test

import (
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

// largeReceipt is one from a log of 10^8 entries. Two organisations with certificates as cryptogen makes them attest
// its checkpoint.
func largeReceipt(t testing.TB) (*fixture, ledger.Receipt) {
	t.Helper()
	f := newFixture(t, 1)
	c, b, path := large(t, 77_777_777)
	f.cp = c
	signer, err := note.NewSigner(f.skey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := c.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	a := ledgertest.AnswerFor(ledger.AttestedCheckpoint{Channel: ledger.DefaultChannel, Origin: origin, Size: c.Size,
		Root: c.Root, TxID: strings.Repeat("4f1c9e07", 8)}, 270_000)
	return f, ledger.Receipt{Index: 77_777_777, Path: path, Checkpoint: signed, Entry: b, Attestation: a.Attest(f.orgs...)}
}

func TestReceiptsByReferenceAreResolved(t *testing.T) {
	f, r := largeReceipt(t)
	file, err := r.EncodeByReference()
	if err != nil {
		t.Fatal(err)
	}
	p := f.policy()
	wantFault(t, file, p, ledger.CannotEvaluate, ledger.PartChain, "BureauMSP")
	for _, e := range r.Attestation.Endorsements {
		p.Certificates = append(p.Certificates, e.Certificate)
	}
	if v, err := ledger.Verify(file, p); err != nil || v.Word != ledger.Proven {
		t.Errorf("with the bundle: got %s, %v", v.Word, err)
	}
	p.Certificates = p.Certificates[:1]
	wantFault(t, file, p, ledger.CannotEvaluate, ledger.PartChain, "OverseerMSP")
	again, err := ledger.ParseReceipt(file)
	if err != nil {
		t.Fatal(err)
	}
	again.Attestation.Endorsements[0].Reference = again.Attestation.Endorsements[0].Reference[1:]
	wantFault(t, encode(t, again), p, ledger.CannotEvaluate, ledger.PartFile, "")
	again.Attestation.Endorsements[0].Reference = nil
	wantFault(t, encode(t, again), p, ledger.CannotEvaluate, ledger.PartFile, "")
}

func TestReceiptsAreSmall(t *testing.T) {
	f, r := largeReceipt(t)
	if _, err := ledger.Verify(encode(t, r), f.policy()); err != nil {
		t.Fatal(err)
	}
	byReference, err := r.EncodeByReference()
	if err != nil {
		t.Fatal(err)
	}
	compact := f.cose(t, r)
	r.Attestation = r.Attestation.ByReference()
	for _, tt := range []struct {
		form       string
		got, limit int
	}{
		{"text by reference", len(byReference), 2560}, {"COSE", len(compact), 3072}, {"COSE by reference", len(f.cose(t, r)), 2048},
	} {
		if tt.got > tt.limit {
			t.Errorf("%s: %d bytes, at most %d are wanted", tt.form, tt.got, tt.limit)
		}
		t.Logf("%s: %d bytes", tt.form, tt.got)
	}
	if v, err := ledger.VerifyCOSE(compact, nil, f.policy()); err != nil || v.Word != ledger.Proven {
		t.Errorf("got %s, %v", v.Word, err)
	}
}

// BenchmarkVerify checks a receipt that nothing of is known yet: two certificate chains, two endorsements, a path.
func BenchmarkVerify(b *testing.B) {
	f, r := largeReceipt(b)
	file, p := encode(b, r), f.policy()
	byReference, err := r.EncodeByReference()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ledger.Verify(file, p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(file)), "bytes-full")
	b.ReportMetric(float64(len(byReference)), "bytes-by-reference")
	b.ReportMetric(float64(len(f.cose(b, r))), "bytes-cose")
}
