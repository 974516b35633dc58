package ledger_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"testing"
	"time"

	"plinth/ledger"
)

// twinVector is a vector that is judged by a choice of trees.
type twinVector struct {
	vector
	Hash ledger.Hash `json:"hash,omitempty"` // the policy's default without
}

func TestTwinVectorsHaveTheirVerdicts(t *testing.T) {
	if *update {
		writeTwinVectors(t)
	}
	var all []twinVector
	if err := json.Unmarshal(read(t, "twin/vectors.json"), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d vectors", len(all))
	}
	for _, v := range all {
		t.Run(v.File+" by "+string(v.Hash), func(t *testing.T) {
			p := policyOf(t, "twin/roots.json")
			p.Hash = v.Hash
			var err error
			if p.At, err = time.Parse(time.RFC3339, v.At); err != nil {
				t.Fatal(err)
			}
			got, err := ledger.VerifyReceipt(readForm(t, "twin/"+v.File), p)
			var fault *ledger.Fault
			if errors.As(err, &fault); fault == nil {
				fault = &ledger.Fault{}
			}
			if got.Word != v.Word || fault.Part != v.Part || fault.Org != v.Org {
				t.Errorf("%s: got %s, %v; want %s, %s %s", v.Note, got.Word, err, v.Word, v.Part, v.Org)
			}
		})
	}
}

func writeTwinVectors(t *testing.T) {
	s := newSecond(t, newFixture(t, 9))
	trust := ledger.Trust{LogKeys: []string{s.vkey, s.signer.VerifierKey()}}
	for _, o := range s.orgs {
		trust.Roots = append(trust.Roots, ledger.TrustedRoot{MSP: o.MSP, Name: "root of " + o.MSP,
			PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.Root.Raw}))})
	}
	var all []twinVector
	add := func(h ledger.Hash, file, note string, word ledger.Word, part ledger.Part, org string) {
		all = append(all, twinVector{vector{file, note, "2027-01-01T00:00:00Z", word, part, org}, h})
	}
	r := s.receipt(t, 4)
	writeForm(t, "twin/proven.tlog-proof", encode(t, r))
	writeForm(t, "twin/proven.cose.b64", s.cose(t, r))
	for _, h := range allHashes {
		add(h, "proven.tlog-proof", "an honest receipt with a twin", ledger.Proven, "", "")
		add(h, "proven.cose.b64", "the same as COSE", ledger.Proven, "", "")
	}
	for _, f := range twinForgeries(t, s) {
		if f.file == "" {
			continue
		}
		r := s.receipt(t, 4)
		f.bend(&r)
		name := f.file + ".tlog-proof"
		writeForm(t, "twin/"+name, encode(t, r))
		hashes := f.by()
		add(hashes[0], name, f.name, f.word, ledger.PartTwin, f.org)
		add(ledger.HashSHA256, name, f.name+", by the log alone", ledger.Proven, "", "")
	}
	write(t, "twin/roots.json", indent(t, trust))
	write(t, "twin/vectors.json", indent(t, all))
}

func FuzzVerifyTwin(f *testing.F) {
	good, p := read(f, "twin/proven.tlog-proof"), policyOf(f, "twin/roots.json")
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ledger.ParseReceipt(b); err == nil {
			if again, err := r.Encode(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("a receipt has two forms: %v", err)
			}
		}
		p.Hash = ledger.HashBoth
		if _, err := ledger.Verify(b, p); err == nil && !bytes.Equal(b, good) {
			t.Error("a receipt that nobody made is proven by both trees")
		}
	})
}
