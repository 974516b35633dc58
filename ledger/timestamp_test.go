package ledger_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

// stamp has the authority stamp the receipt.
func (f *fixture) stamp(t testing.TB, r *ledger.Receipt, tsa *ledgertest.TSA) {
	t.Helper()
	text, err := ledger.StampedText(f.cp, r.Attestation)
	if err != nil {
		t.Fatal(err)
	}
	r.Timestamp = token(t, tsa, text)
}

func token(t testing.TB, tsa *ledgertest.TSA, text []byte) []byte {
	t.Helper()
	request, err := ledger.TimestampRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := tsa.Answer(request)
	if err != nil {
		t.Fatal(err)
	}
	der, err := ledger.TimestampToken(answer)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestTimestampProvesTheTimeAndJudgesCertificatesThen(t *testing.T) {
	f, tsa := newFixture(t, 9), ledgertest.NewTSA()
	r, p := f.receipt(t, 4), f.policy()
	f.stamp(t, &r, tsa)
	p.TimestampRoots = []*x509.Certificate{tsa.Root}
	p.At = ledgertest.End.AddDate(5, 0, 0)
	v, err := ledger.Verify(encode(t, r), p)
	if err != nil || v.Word != ledger.Proven || !v.At.Equal(ledgertest.Begin.AddDate(1, 0, 0)) {
		t.Fatalf("years later: got %s, %v, judged at %s", v.Word, err, v.At)
	}
	out := v.Report(nil)
	if out.Stamped == nil || out.Stamped.By != "CN=tsa" || has(v.NotChecked, ledger.CheckSigningTime) || !has(v.Checked, ledger.CheckSigningTime) {
		t.Errorf("the report tells %+v, not checked %v", out.Stamped, v.NotChecked)
	}
	byReference, err := r.EncodeByReference()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range r.Attestation.Endorsements {
		p.Certificates = append(p.Certificates, e.Certificate)
	}
	if v, err := ledger.Verify(byReference, p); err != nil || v.Stamped.At.IsZero() {
		t.Errorf("by reference: got %s, %v", v.Word, err)
	}
}

func has(cs []ledger.Check, c ledger.Check) bool {
	for _, x := range cs {
		if x == c {
			return true
		}
	}
	return false
}

// TestNothingIsGainedByTokens is about who strips, swaps or makes tokens.
func TestNothingIsGainedByTokens(t *testing.T) {
	f, tsa := newFixture(t, 9), ledgertest.NewTSA()
	later := ledgertest.End.AddDate(5, 0, 0)
	stamped := f.receipt(t, 4)
	f.stamp(t, &stamped, tsa)
	again := f.receipt(t, 4) // the same checkpoint endorsed anew, as with keys that leaked since
	own := ledgertest.NewTSA()
	wrong := ledgertest.NewTSA(x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageCodeSigning)
	early := ledgertest.NewTSA()
	early.Clock = func() time.Time { return ledgertest.Begin.Add(-time.Hour) }
	for _, tt := range []struct {
		name  string
		bend  func(*ledger.Receipt)
		roots []*ledgertest.TSA
		word  ledger.Word
		part  ledger.Part
		org   string
	}{
		{"the token is stripped", func(r *ledger.Receipt) { r.Timestamp = nil }, []*ledgertest.TSA{tsa},
			ledger.Untrusted, ledger.PartChain, "BureauMSP"},
		{"the token of other endorsements", func(r *ledger.Receipt) { r.Attestation = again.Attestation },
			[]*ledgertest.TSA{tsa}, ledger.Untrusted, ledger.PartTimestamp, ""},
		{"the token of an authority that is not trusted", func(r *ledger.Receipt) { f.stamp(t, r, own) },
			[]*ledgertest.TSA{tsa}, ledger.PolicyFailed, ledger.PartTimestamp, ""},
		{"no authority is trusted", func(*ledger.Receipt) {}, nil, ledger.Untrusted, ledger.PartChain, "BureauMSP"},
		{"a certificate for other things as well", func(r *ledger.Receipt) { f.stamp(t, r, wrong) },
			[]*ledgertest.TSA{wrong}, ledger.PolicyFailed, ledger.PartTimestamp, ""},
		{"before the authority's certificate", func(r *ledger.Receipt) { f.stamp(t, r, early) },
			[]*ledgertest.TSA{early}, ledger.PolicyFailed, ledger.PartTimestamp, ""},
		{"over the checkpoint alone", func(r *ledger.Receipt) { r.Timestamp = token(t, tsa, []byte(f.cp.String())) },
			[]*ledgertest.TSA{tsa}, ledger.Untrusted, ledger.PartTimestamp, ""},
		{"not a token", func(r *ledger.Receipt) { r.Timestamp = []byte{0x30, 0} }, []*ledgertest.TSA{tsa},
			ledger.Untrusted, ledger.PartTimestamp, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, p := stamped, f.policy()
			p.At = later
			for _, a := range tt.roots {
				p.TimestampRoots = append(p.TimestampRoots, a.Root)
			}
			tt.bend(&r)
			wantFault(t, encode(t, r), p, tt.word, tt.part, tt.org)
		})
	}
}

func TestEveryAlteredBitOfATokenIsRefused(t *testing.T) {
	tsa, text := ledgertest.NewTSA(), []byte("text")
	good := token(t, tsa, text)
	roots := []*x509.Certificate{tsa.Root}
	if s, err := ledger.VerifyTimestamp(good, text, roots); err != nil || s.By != "CN=tsa" {
		t.Fatal(s, err)
	}
	for i := range good {
		for bit := range 8 {
			mutant := bytes.Clone(good)
			mutant[i] ^= 1 << bit
			if _, err := ledger.VerifyTimestamp(mutant, text, roots); err == nil {
				t.Errorf("byte %d, bit %d: accepted", i, bit)
			}
		}
		if _, err := ledger.VerifyTimestamp(good[:i], text, roots); err == nil {
			t.Errorf("cut to %d bytes: accepted", i)
		}
	}
}

func TestAnswersOfAuthoritiesAreRead(t *testing.T) {
	for name, answer := range map[string][]byte{
		"nothing": nil, "refused": {0x30, 5, 0x30, 3, 2, 1, 2}, "no token": {0x30, 5, 0x30, 3, 2, 1, 0}, "not DER": []byte("x"),
	} {
		if _, err := ledger.TimestampToken(answer); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzVerifyTimestamp(f *testing.F) {
	tsa, text := ledgertest.NewTSA(), []byte("text")
	good := token(f, tsa, text)
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ledger.VerifyTimestamp(b, text, []*x509.Certificate{tsa.Root}); err == nil && !bytes.Equal(b, good) {
			t.Error(errors.New("a token that nobody signed is accepted"))
		}
	})
}
