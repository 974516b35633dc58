package ledger_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

func TestHonestReceiptIsProven(t *testing.T) {
	for _, size := range []int64{1, 2, 3, 255, 256, 257, 1777} {
		f := newFixture(t, size)
		for _, index := range []int64{0, size / 2, size - 1} {
			v, err := ledger.Verify(encode(t, f.receipt(t, index)), f.policy())
			if err != nil || v.Word != ledger.Proven {
				t.Fatalf("size %d, index %d: got %s, %v", size, index, v.Word, err)
			}
			if v.Index != index || v.Checkpoint != f.cp || v.Chain.Block != 27 || v.Entry.ID != entry(index).ID {
				t.Errorf("size %d, index %d: the verdict tells %+v", size, index, v)
			}
			if !slices.Contains(v.NotChecked, ledger.NotRevocation) || !slices.Contains(v.NotChecked, ledger.CheckPayload) {
				t.Errorf("not checked: %v", v.NotChecked)
			}
		}
	}
}

func TestPayloadIsProvenWithItsSalt(t *testing.T) {
	f := newFixture(t, 5)
	r := f.receipt(t, 3)
	r.Salt, r.Payload = salt, payload
	if v, err := ledger.Verify(encode(t, r), f.policy()); err != nil || v.Word != ledger.ProvenWithData {
		t.Errorf("inside the receipt: got %s, %v", v.Word, err)
	}
	r.Payload = nil
	p := f.policy()
	p.Payload = payload
	if v, err := ledger.Verify(encode(t, r), p); err != nil || v.Word != ledger.ProvenWithData {
		t.Errorf("beside the receipt: got %s, %v", v.Word, err)
	}
	p.Payload = []byte("another")
	wantFault(t, encode(t, r), p, ledger.Untrusted, ledger.PartPayload, "")
	r.Salt = append(slices.Clone(salt), 0) // HMAC would take it for the same key
	p.Payload = payload
	wantFault(t, encode(t, r), p, ledger.Untrusted, ledger.PartPayload, "")
}

func TestReceiptWithoutLogKeySaysSo(t *testing.T) {
	f := newFixture(t, 5)
	p := f.policy()
	p.LogKeys = nil
	v, err := ledger.Verify(encode(t, f.receipt(t, 1)), p)
	if err != nil || v.NotChecked[1] != ledger.CheckLogSignature && v.NotChecked[0] != ledger.CheckLogSignature {
		t.Errorf("got %v, not checked %v", err, v.NotChecked)
	}
}

func wantFault(t *testing.T, file []byte, p ledger.Policy, word ledger.Word, part ledger.Part, org string) {
	t.Helper()
	v, err := ledger.Verify(file, p)
	var fault *ledger.Fault
	if !errors.As(err, &fault) {
		t.Errorf("got %s, %v; want a fault in %q", v.Word, err, part)
		return
	}
	if v.Word != word || fault.Part != part || fault.Org != org {
		t.Errorf("got %s, fault %q of %q (%v); want %s, %q of %q", v.Word, fault.Part, fault.Org, err, word, part, org)
	}
}

// TestForgeriesAreRefused bends one thing at a time, with every signature renewed after the bending: what only the
// content can give away.
func TestForgeriesAreRefused(t *testing.T) {
	f := newFixture(t, 9)
	client := ledgertest.NewOrg("BureauMSP", "client")
	other := newFixture(t, 9)
	attested := func(bend func(*ledger.AttestedCheckpoint)) func(*ledgertest.Answer) {
		return func(a *ledgertest.Answer) {
			c, err := ledger.ParseAttestedCheckpoint(a.Value)
			if err != nil {
				t.Fatal(err)
			}
			bend(&c)
			a.Value = c.String()
			a.Keys = []string{ledger.CheckpointKey(c.Origin, c.Size)}
		}
	}
	for _, tt := range []struct {
		name string
		bend func(*ledgertest.Answer)
		orgs []*ledgertest.Org
		word ledger.Word
		part ledger.Part
		org  string
	}{
		{name: "one organisation only", orgs: f.orgs[:1], word: ledger.PolicyFailed, part: ledger.PartEndorsement, org: "OverseerMSP"},
		{name: "other roots", orgs: other.orgs, word: ledger.Untrusted, part: ledger.PartChain, org: "BureauMSP"},
		{name: "a third organisation", orgs: append(slices.Clone(f.orgs), ledgertest.NewOrg("ThirdMSP", "peer")),
			word: ledger.PolicyFailed, part: ledger.PartPolicy, org: "ThirdMSP"},
		{name: "other channel", bend: attested(func(c *ledger.AttestedCheckpoint) { c.Channel = "test" }),
			word: ledger.PolicyFailed, part: ledger.PartValue},
		{name: "other origin", bend: attested(func(c *ledger.AttestedCheckpoint) { c.Origin = "putuo.plinth/device" }),
			word: ledger.Untrusted, part: ledger.PartCheckpoint},
		{name: "other size", bend: attested(func(c *ledger.AttestedCheckpoint) { c.Size = 8 }),
			word: ledger.Untrusted, part: ledger.PartCheckpoint},
		{name: "other root", bend: attested(func(c *ledger.AttestedCheckpoint) { c.Root[0]++ }),
			word: ledger.Untrusted, part: ledger.PartCheckpoint},
		{name: "value of another function", bend: func(a *ledgertest.Answer) { a.Value = "x\n" + a.Value },
			word: ledger.Untrusted, part: ledger.PartValue},
		{name: "other chaincode", bend: func(a *ledgertest.Answer) { a.Chaincode = "other" },
			word: ledger.PolicyFailed, part: ledger.PartChaincode},
		{name: "refused answer", bend: func(a *ledgertest.Answer) { a.Status = 500 },
			word: ledger.Untrusted, part: ledger.PartAnswer},
		{name: "with an event", bend: func(a *ledgertest.Answer) { a.Events = []byte("x") },
			word: ledger.Untrusted, part: ledger.PartAnswer},
		{name: "another key read", bend: func(a *ledgertest.Answer) { a.Keys = []string{"head/x"} },
			word: ledger.Untrusted, part: ledger.PartReadSet},
		{name: "one key more read", bend: func(a *ledgertest.Answer) { a.Keys = append(a.Keys, "head/x") },
			word: ledger.Untrusted, part: ledger.PartReadSet},
		{name: "a client's certificate", orgs: []*ledgertest.Org{client, f.orgs[1]},
			word: ledger.Untrusted, part: ledger.PartChain, org: "BureauMSP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, a, p := f.receipt(t, 4), f.answer(), f.policy()
			if tt.bend != nil {
				tt.bend(&a)
			}
			if tt.orgs == nil {
				tt.orgs = f.orgs
			}
			if tt.orgs[0] == client {
				p.Roots["BureauMSP"] = append(p.Roots["BureauMSP"], client.Root)
			}
			r.Attestation = a.Attest(tt.orgs...)
			wantFault(t, encode(t, r), p, tt.word, tt.part, tt.org)
		})
	}
}

func TestPolicyOfAnotherDeploymentIsRefused(t *testing.T) {
	f := newFixture(t, 9)
	file := encode(t, f.receipt(t, 4))
	for _, tt := range []struct {
		name string
		bend func(*ledger.Policy)
		word ledger.Word
		part ledger.Part
		org  string
	}{
		{"expired certificates", func(p *ledger.Policy) { p.At = ledgertest.End.Add(time.Second) },
			ledger.Untrusted, ledger.PartChain, "BureauMSP"},
		{"no roots", func(p *ledger.Policy) { p.Roots = nil }, ledger.CannotEvaluate, ledger.PartPolicy, ""},
		{"no time", func(p *ledger.Policy) { p.At = time.Time{} }, ledger.CannotEvaluate, ledger.PartPolicy, ""},
		{"payload without salt", func(p *ledger.Policy) { p.Payload = payload }, ledger.CannotEvaluate, ledger.PartPayload, ""},
		{"key of another log", func(p *ledger.Policy) { p.LogKeys = []string{vkey(t, "x/authz")} },
			ledger.PolicyFailed, ledger.PartSignature, ""},
		{"another key of the log", func(p *ledger.Policy) { p.LogKeys = []string{vkey(t, origin)} },
			ledger.Untrusted, ledger.PartSignature, ""},
		{"a third organisation", func(p *ledger.Policy) { p.Orgs = []string{"BureauMSP", "ThirdMSP"} },
			ledger.PolicyFailed, ledger.PartEndorsement, "ThirdMSP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := f.policy()
			tt.bend(&p)
			wantFault(t, file, p, tt.word, tt.part, tt.org)
		})
	}
}

func vkey(t *testing.T, name string) string {
	t.Helper()
	_, v, err := note.GenerateKey(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHighSTwinIsRefused(t *testing.T) {
	f := newFixture(t, 9)
	r := f.receipt(t, 4)
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(r.Attestation.Endorsements[1].Signature, &sig); err != nil {
		t.Fatal(err)
	}
	sig.S.Sub(elliptic.P256().Params().N, sig.S)
	twin, err := asn1.Marshal(sig)
	if err != nil {
		t.Fatal(err)
	}
	r.Attestation.Endorsements[1].Signature = twin
	wantFault(t, encode(t, r), f.policy(), ledger.Untrusted, ledger.PartEndorsement, "OverseerMSP")
}

func TestSwappedSignaturesAreRefused(t *testing.T) {
	f := newFixture(t, 9)
	r := f.receipt(t, 4)
	e := r.Attestation.Endorsements
	e[0].Signature, e[1].Signature = e[1].Signature, e[0].Signature
	wantFault(t, encode(t, r), f.policy(), ledger.Untrusted, ledger.PartEndorsement, "BureauMSP")
	e[0], e[1] = e[1], e[0]
	wantFault(t, encode(t, r), f.policy(), ledger.CannotEvaluate, ledger.PartFile, "")
}

func TestUnknownSignatureLineIsRefused(t *testing.T) {
	f := newFixture(t, 9)
	r := f.receipt(t, 4)
	skey, _, err := note.GenerateKey(nil, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	other, err := f.cp.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(other), "\n\n")
	r.Checkpoint = append(r.Checkpoint, line...)
	wantFault(t, encode(t, r), f.policy(), ledger.Untrusted, ledger.PartSignature, "")
}

// TestEveryAlteredByteIsRefused flips every other bit of each byte and, outside the long extra line, sets each byte to all that base64
// could hold in its place: a loose decoder forgives some of these.
func TestEveryAlteredByteIsRefused(t *testing.T) {
	f := newFixture(t, 9)
	r := f.receipt(t, 4)
	r.Salt, r.Payload = salt, payload
	file, p := encode(t, r), f.policy()
	if _, err := ledger.Verify(file, p); err != nil {
		t.Fatal(err)
	}
	try := func(mutant []byte, at int) {
		_, err := ledger.Verify(mutant, p)
		var fault *ledger.Fault
		if !errors.As(err, &fault) || fault.Part == "" {
			t.Fatalf("byte %d changed to %q: got %v, want a fault that names its part", at, mutant[at], err)
		}
	}
	extra := bytes.Index(file, []byte("\nindex"))
	for i := range file {
		mutant := bytes.Clone(file)
		for bit := i % 2; bit < 8; bit += 2 {
			mutant[i] = file[i] ^ 1<<bit
			try(mutant, i)
		}
		if i > extra {
			for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \n\r\x00") {
				if mutant[i] = c; c != file[i] {
					try(mutant, i)
				}
			}
		}
	}
	for i := range file {
		if _, err := ledger.Verify(file[:i], p); err == nil {
			t.Fatalf("cut to %d bytes: accepted", i)
		}
	}
	if _, err := ledger.Verify(append(bytes.Clone(file), '\n'), p); err == nil {
		t.Error("one byte more: accepted")
	}
}

// TestEveryAlteredByteOfTheContentNamesItsPart flips the bytes inside the extra line, past the armour of base64.
func TestEveryAlteredByteOfTheContentNamesItsPart(t *testing.T) {
	f := newFixture(t, 40)
	p := f.policy()
	for _, tt := range []struct {
		name string
		of   func(*ledger.Receipt) *[]byte
		want []ledger.Part
		org  string
	}{
		{"entry", func(r *ledger.Receipt) *[]byte { return &r.Entry }, []ledger.Part{ledger.PartEntry, ledger.PartInclusion}, ""},
		{"certificate", func(r *ledger.Receipt) *[]byte { return &r.Attestation.Endorsements[0].Certificate },
			[]ledger.Part{ledger.PartChain, ledger.PartEndorsement}, "BureauMSP"},
		{"signature", func(r *ledger.Receipt) *[]byte { return &r.Attestation.Endorsements[1].Signature },
			[]ledger.Part{ledger.PartEndorsement}, "OverseerMSP"},
		{"answer", func(r *ledger.Receipt) *[]byte { return &r.Attestation.Payload },
			[]ledger.Part{ledger.PartEndorsement}, "BureauMSP"},
		{"checkpoint", func(r *ledger.Receipt) *[]byte { return &r.Checkpoint },
			[]ledger.Part{ledger.PartCheckpoint, ledger.PartSignature}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := f.receipt(t, 7)
			b := tt.of(&r)
			good := *b
			for i := range good {
				*b = bytes.Clone(good)
				(*b)[i] ^= 1
				_, err := ledger.Verify(encode(t, r), p)
				var fault *ledger.Fault
				if !errors.As(err, &fault) || !slices.Contains(tt.want, fault.Part) || fault.Org != tt.org {
					t.Fatalf("byte %d: got %v, want a fault in one of %q of %q", i, err, tt.want, tt.org)
				}
			}
		})
	}
}
