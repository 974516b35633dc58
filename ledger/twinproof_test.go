package ledger_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/twin"
)

var allHashes = []ledger.Hash{ledger.HashDefault, ledger.HashBoth, ledger.HashSHA256, ledger.HashSM3}

func TestReceiptWithTwinIsProvenByEachTreeAndByBoth(t *testing.T) {
	for _, size := range []int64{1, 2, 3, 257, 600} {
		s := newSecond(t, newFixture(t, size))
		for _, index := range []int64{0, size / 2, size - 1} {
			r := s.receipt(t, index)
			r.Salt, r.Payload = salt, payload
			byReference, err := r.EncodeByReference()
			if err != nil {
				t.Fatal(err)
			}
			for form, file := range map[string][]byte{"text": encode(t, r), "by reference": byReference, "COSE": s.cose(t, r)} {
				for _, h := range allHashes {
					p := s.policy(h)
					for _, e := range r.Attestation.Endorsements {
						p.Certificates = append(p.Certificates, e.Certificate)
					}
					v, err := ledger.VerifyReceipt(file, p)
					if err != nil || v.Word != ledger.ProvenWithData || v.Index != index {
						t.Fatalf("size %d, index %d, %s by %q: %s, %v", size, index, form, h, v.Word, err)
					}
				}
			}
		}
	}
}

func TestVerdictSaysWhichTreesWereJudged(t *testing.T) {
	s := newSecond(t, newFixture(t, 9))
	with, without := s.receipt(t, 4), s.fixture.receipt(t, 4)
	oldTrust := s.policy(ledger.HashDefault)
	oldTrust.LogKeys = oldTrust.LogKeys[:1]
	keyless := s.policy(ledger.HashSM3)
	keyless.LogKeys = nil
	type tells struct {
		Origin           string
		Twin             ledger.Checkpoint
		Checked, Skipped []ledger.Check
	}
	of := func(all []ledger.Check) (out []ledger.Check) {
		for _, c := range []ledger.Check{ledger.CheckTwin, ledger.CheckTwinSignature, ledger.CheckLogTree, ledger.CheckLogSignature} {
			if slices.Contains(all, c) {
				out = append(out, c)
			}
		}
		return out
	}
	type checks = []ledger.Check
	for _, tt := range []struct {
		name string
		r    ledger.Receipt
		p    ledger.Policy
		want tells
	}{
		{"with a twin", with, s.policy(ledger.HashDefault), tells{origin, s.cp2,
			checks{ledger.CheckTwin, ledger.CheckTwinSignature, ledger.CheckLogSignature}, nil}},
		{"with a twin, trust without its key", with, oldTrust, tells{origin, s.cp2,
			checks{ledger.CheckTwin, ledger.CheckLogSignature}, checks{ledger.CheckTwinSignature}}},
		{"the log alone", with, s.policy(ledger.HashSHA256), tells{origin, ledger.Checkpoint{},
			checks{ledger.CheckLogSignature}, checks{ledger.CheckTwin}}},
		{"the twin alone", with, s.policy(ledger.HashSM3), tells{twin.Origin(origin), ledger.Checkpoint{},
			checks{ledger.CheckTwin, ledger.CheckLogSignature}, checks{ledger.CheckLogTree}}},
		{"the twin alone, trust without keys", with, keyless, tells{twin.Origin(origin), ledger.Checkpoint{},
			checks{ledger.CheckTwin}, checks{ledger.CheckLogTree, ledger.CheckLogSignature}}},
		{"without a twin where one is known", without, s.policy(ledger.HashDefault), tells{origin, ledger.Checkpoint{},
			checks{ledger.CheckLogSignature}, checks{ledger.CheckTwin}}},
		{"without a twin where none is known", without, oldTrust, tells{origin, ledger.Checkpoint{},
			checks{ledger.CheckLogSignature}, nil}},
	} {
		v, err := ledger.Verify(encode(t, tt.r), tt.p)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		got := tells{v.Checkpoint.Origin, v.Twin, of(v.Checked), of(v.NotChecked)}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
		if out := v.Report(err); (out.Proof.Twin != nil) != (tt.want.Twin.Size > 0) {
			t.Errorf("%s: the report tells of the twin: %v", tt.name, out.Proof.Twin)
		}
	}
}

func TestTwinIsToldInBothLanguages(t *testing.T) {
	for _, l := range []ledger.Lang{ledger.Chinese, ledger.English} {
		for _, c := range []ledger.Check{ledger.CheckTwin, ledger.CheckTwinSignature, ledger.CheckLogTree} {
			if c.Say(l) == "" {
				t.Errorf("%s has no words in %s", c, l)
			}
		}
		if ledger.PartTwin.Say(l) == "" {
			t.Errorf("the part has no words in %s", l)
		}
	}
}

// TestForgedTwinsAreRefused has every forged twin signed and attested anew, where the forger could have that.
func TestForgedTwinsAreRefused(t *testing.T) {
	s := newSecond(t, newFixture(t, 9))
	for _, tt := range twinForgeries(t, s) {
		t.Run(tt.name, func(t *testing.T) {
			r := s.receipt(t, 4)
			tt.bend(&r)
			for _, form := range [][]byte{encode(t, r), s.cose(t, r)} {
				for _, h := range tt.by() {
					v, err := ledger.VerifyReceipt(form, s.policy(h))
					var f *ledger.Fault
					if !errors.As(err, &f) || v.Word != tt.word || f.Org != tt.org || h != ledger.HashSM3 && f.Part != ledger.PartTwin {
						t.Errorf("by %q: got %s, %v; want %s", h, v.Word, err, tt.word)
					}
					if err != nil && !strings.Contains(err.Error(), tt.says) {
						t.Errorf("by %q: %q does not say %q", h, err, tt.says)
					}
				}
				if v, err := ledger.VerifyReceipt(form, s.policy(ledger.HashSHA256)); err != nil {
					t.Errorf("by the log alone: got %s, %v", v.Word, err)
				}
			}
		})
	}
}

// twinForgery is one way to bend the twin of a receipt of entry 4 of 9.
type twinForgery struct {
	name, file string
	bend       func(*ledger.Receipt)
	beside     bool // only the log beside it gives it away: alone, it is a true proof of its own
	stripped   bool // refused only where a twin is demanded
	word       ledger.Word
	org, says  string
}

// by are the choices of trees under which the forgery is refused.
func (f twinForgery) by() []ledger.Hash {
	switch {
	case f.beside:
		return []ledger.Hash{ledger.HashDefault, ledger.HashBoth}
	case f.stripped:
		return []ledger.Hash{ledger.HashBoth, ledger.HashSM3}
	}
	return []ledger.Hash{ledger.HashDefault, ledger.HashBoth, ledger.HashSM3}
}

func twinForgeries(t testing.TB, s *second) []twinForgery {
	other := s.cp2
	other.Root[3] ^= 1
	shaRoot := ledger.Checkpoint{Origin: s.cp2.Origin, Size: s.cp.Size, Root: s.cp.Root}
	foreign := s.cp2
	foreign.Origin = twin.Origin("putuo.plinth/device")
	plain := s.cp2
	plain.Origin = origin
	stranger := []*ledgertest.Org{ledgertest.NewOrg("BureauMSP", "peer"), s.orgs[1]}
	untrusted, failed := ledger.Untrusted, ledger.PolicyFailed
	set := func(p *ledger.TwinProof) func(*ledger.Receipt) { return func(r *ledger.Receipt) { r.Twin = p } }
	return []twinForgery{
		{name: "stripped", file: "stripped", bend: func(r *ledger.Receipt) { r.Twin = nil }, stripped: true, word: failed, says: "missing"},
		{name: "path of another entry", file: "other-entry", bend: set(s.proof(t, s.cp2, 5)), word: untrusted, says: "place 4"},
		{name: "a bit of the path", file: "path-bit", bend: func(r *ledger.Receipt) { r.Twin.Path[1][7] ^= 1 }, word: untrusted, says: "place 4"},
		{name: "a shorter path", file: "path-short", bend: func(r *ledger.Receipt) { r.Twin.Path = r.Twin.Path[1:] }, word: untrusted, says: "place 4"},
		{name: "no path", bend: func(r *ledger.Receipt) { r.Twin.Path = nil }, word: untrusted, says: "place 4"},
		{name: "an honest smaller twin", file: "other-size", bend: set(s.proof(t, s.checkpoint(t, 8), 4)), beside: true, word: untrusted, says: "size 8"},
		{name: "another root", file: "other-root", bend: set(s.proof(t, other, 4)), word: untrusted, says: "place 4"},
		{name: "the root of SHA-256", file: "sha256-root", bend: set(s.proof(t, shaRoot, 4)), word: untrusted, says: "place 4"},
		{name: "twin of another log", file: "other-origin", bend: set(s.proof(t, foreign, 4)), beside: true, word: untrusted, says: "not the twin of"},
		{name: "origin of the log itself", file: "origin-of-log", bend: set(s.proof(t, plain, 4)), word: untrusted, says: "not the"},
		{name: "attestation of the log", file: "attestation-of-log",
			bend: func(r *ledger.Receipt) { r.Twin.Attestation = r.Attestation }, word: untrusted, says: "attest"},
		{name: "attestation of another size", file: "attestation-of-other-size",
			bend: func(r *ledger.Receipt) { r.Twin.Attestation = s.proof(t, s.checkpoint(t, 8), 4).Attestation }, word: untrusted, says: "attest"},
		{name: "one organisation", file: "one-org", bend: set(s.proof(t, s.cp2, 4, s.orgs[:1]...)), word: failed, org: "OverseerMSP"},
		{name: "a peer of another root", file: "stranger", bend: set(s.proof(t, s.cp2, 4, stranger...)), word: untrusted, org: "BureauMSP"},
		{name: "a bit of an endorsement", file: "endorsement-bit",
			bend: func(r *ledger.Receipt) { r.Twin.Attestation.Endorsements[1].Signature[20] ^= 1 }, word: untrusted, org: "OverseerMSP"},
		{name: "checkpoint of the log", file: "checkpoint-of-log", bend: func(r *ledger.Receipt) { r.Twin.Checkpoint = r.Checkpoint }, word: untrusted, says: "attest"},
		{name: "signed by another key of the name", file: "other-key", bend: func(r *ledger.Receipt) {
			signed, err := s.cp2.Sign(newSecond(t, s.fixture).signer)
			if err != nil {
				t.Fatal(err)
			}
			r.Twin.Checkpoint = signed
		}, word: untrusted, says: "unknown key"},
		{name: "no checkpoint", bend: func(r *ledger.Receipt) { r.Twin.Checkpoint = nil }, word: untrusted},
		{name: "a time-stamp that is none", bend: func(r *ledger.Receipt) { r.Twin.Timestamp = []byte{1} }, word: untrusted, says: "time-stamp"},
	}
}

// TestEntryThatOnlyOneTreeHoldsIsRefused attacks each tree alone.
func TestEntryThatOnlyOneTreeHoldsIsRefused(t *testing.T) {
	s := newSecond(t, newFixture(t, 9))
	r := s.receipt(t, 4)
	r.Path = slices.Clone(r.Path)
	r.Path[0][0] ^= 1
	file := encode(t, r)
	for _, h := range []ledger.Hash{ledger.HashDefault, ledger.HashBoth, ledger.HashSHA256} {
		wantFault(t, file, s.policy(h), ledger.Untrusted, ledger.PartInclusion, "")
	}
	if v, err := ledger.Verify(file, s.policy(ledger.HashSM3)); err != nil {
		t.Errorf("by the twin alone: %s, %v", v.Word, err)
	}
	r.Index = 5
	for _, h := range allHashes {
		wantFault(t, encode(t, r), s.policy(h), ledger.Untrusted, ledger.PartInclusion, "")
	}
}

func TestEveryAlteredByteOfATwinIsRefused(t *testing.T) {
	s := newSecond(t, newFixture(t, 9))
	for _, tt := range []struct {
		name string
		of   func(*ledger.TwinProof) *[]byte
	}{
		{"checkpoint", func(p *ledger.TwinProof) *[]byte { return &p.Checkpoint }},
		{"answer", func(p *ledger.TwinProof) *[]byte { return &p.Attestation.Payload }},
		{"certificate", func(p *ledger.TwinProof) *[]byte { return &p.Attestation.Endorsements[0].Certificate }},
		{"signature", func(p *ledger.TwinProof) *[]byte { return &p.Attestation.Endorsements[1].Signature }},
	} {
		r := s.receipt(t, 4)
		b := tt.of(r.Twin)
		good := *b
		for i := range good {
			*b = bytes.Clone(good)
			(*b)[i] ^= 1
			file := encode(t, r)
			for _, h := range []ledger.Hash{ledger.HashDefault, ledger.HashSM3} {
				if v, err := ledger.Verify(file, s.policy(h)); err == nil {
					t.Fatalf("%s, byte %d, by %q: %s", tt.name, i, h, v.Word)
				}
			}
		}
	}
}

// TestEveryAlteredByteOfAReceiptWithTwinIsRefused flips a bit of every third byte of the file, armour and all.
func TestEveryAlteredByteOfAReceiptWithTwinIsRefused(t *testing.T) {
	s := newSecond(t, newFixture(t, 9))
	file, p := encode(t, s.receipt(t, 4)), s.policy(ledger.HashDefault)
	for i := 0; i < len(file); i += 3 {
		mutant := bytes.Clone(file)
		mutant[i] ^= 1 << (i % 8)
		_, err := ledger.Verify(mutant, p)
		var f *ledger.Fault
		if !errors.As(err, &f) || f.Part == "" {
			t.Fatalf("byte %d changed to %q: %v", i, mutant[i], err)
		}
	}
}

func TestEvidenceWithoutTwinsIsNotJudgedBySM3(t *testing.T) {
	s := newSecond(t, newFixture(t, 9))
	for _, h := range []ledger.Hash{ledger.HashBoth, ledger.HashSM3} {
		v, err := ledger.VerifyBatch(encodeBatch(t, s.batch(t, 0, 4)), s.policy(h))
		if v.Word != ledger.CannotEvaluate || err == nil {
			t.Errorf("a batch by %q: %s, %v", h, v.Word, err)
		}
	}
	wantFault(t, encode(t, s.receipt(t, 4)), s.policy("md5"), ledger.CannotEvaluate, ledger.PartPolicy, "")
}

// TestKeysOfTwinsAreSM2 keeps an Ed25519 key from speaking for a twin, and SM2 from speaking for another log.
func TestKeysOfTwinsAreSM2(t *testing.T) {
	s := newSecond(t, newFixture(t, 9))
	p := s.policy(ledger.HashDefault)
	p.LogKeys = []string{s.vkey, vkey(t, twin.Origin(origin))}
	wantFault(t, encode(t, s.receipt(t, 4)), p, ledger.CannotEvaluate, ledger.PartPolicy, "")
}

// TestTwinHasATimestampOfItsOwn lets certificates expire: log and twin are each judged at their own token's time.
func TestTwinHasATimestampOfItsOwn(t *testing.T) {
	s := newSecond(t, newFixture(t, 9))
	tsa := ledgertest.NewTSA()
	r := s.receipt(t, 4)
	s.stamp(t, &r, tsa)
	half := encode(t, r)
	text, err := ledger.StampedText(s.cp2, r.Twin.Attestation)
	if err != nil {
		t.Fatal(err)
	}
	r.Twin.Timestamp = token(t, tsa, text)
	whole := encode(t, r)
	r.Twin.Timestamp = r.Timestamp
	swapped := encode(t, r)
	late := func(h ledger.Hash) ledger.Policy {
		p := s.policy(h)
		p.TimestampRoots, p.At = append(p.TimestampRoots, tsa.Root), ledgertest.End.AddDate(10, 0, 0)
		return p
	}
	for _, h := range allHashes {
		if v, err := ledger.Verify(whole, late(h)); err != nil {
			t.Errorf("by %q: %s, %v", h, v.Word, err)
		}
	}
	wantFault(t, half, late(ledger.HashDefault), ledger.Untrusted, ledger.PartTwin, "BureauMSP")
	wantFault(t, half, late(ledger.HashSM3), ledger.Untrusted, ledger.PartChain, "BureauMSP")
	if v, err := ledger.Verify(half, late(ledger.HashSHA256)); err != nil {
		t.Errorf("the log alone: %s, %v", v.Word, err)
	}
	wantFault(t, swapped, late(ledger.HashDefault), ledger.Untrusted, ledger.PartTwin, "")
	wantFault(t, swapped, late(ledger.HashSM3), ledger.Untrusted, ledger.PartTimestamp, "")
}
