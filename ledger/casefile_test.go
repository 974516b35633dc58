package ledger_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

func TestCaseFileProvesAllStepsInTheirOrder(t *testing.T) {
	w := newCasework(t)
	f := w.file(t, 6, w.places...)
	f.Refused = []ledger.CaseEntry{{Index: w.tried, Entry: w.entries[w.tried]}}
	w.prove(t, &f)
	v, err := ledger.VerifyCase(encodeCase(t, f), w.policy())
	if err != nil || v.Word != ledger.Proven {
		t.Fatalf("%s, %v", v.Word, err)
	}
	if len(v.Steps) != 6 || len(v.Refused) != 1 || v.Attested.State != "revoked" || v.AsOf.Block != 106 {
		t.Errorf("the verdict is %+v", v)
	}
	for i, s := range v.Steps {
		if s.Entry.Kind != lifeOfAGrant[i] || s.Seq != uint64(i+1) || s.Index != w.places[i] {
			t.Errorf("step %d is %+v", i+1, s)
		}
	}
	r := v.Report(err)
	if r.Case == nil || r.Case.Count != 6 || r.Case.Steps[5].State != "revoked" || r.Proof != nil {
		t.Errorf("the report is %+v", r)
	}
}

// TestOlderWordOnACaseIsOfItsBlock takes the organisations' word from before the end: it proves the case as of then.
func TestOlderWordOnACaseIsOfItsBlock(t *testing.T) {
	w := newCasework(t)
	for n := 1; n <= 6; n++ {
		v, err := ledger.VerifyCase(encodeCase(t, w.file(t, n, w.places[:n]...)), w.policy())
		if err != nil || v.AsOf.Block != uint64(100+n) || v.Attested.Count != uint64(n) {
			t.Errorf("after %d steps: %v, as of block %d", n, err, v.AsOf.Block)
		}
	}
	v, err := ledger.VerifyCase(encodeCase(t, w.file(t, 5, w.places...)), w.policy())
	if v.Word != ledger.Untrusted || err == nil {
		t.Errorf("with a step after the word: %s, %v", v.Word, err)
	}
}

func TestBentCaseFileIsNotProven(t *testing.T) {
	w := newCasework(t)
	for _, c := range caseBends {
		f := w.file(t, 6, w.places...)
		c.bend(t, w, &f)
		v, err := ledger.VerifyCase(encodeCase(t, f), w.policy())
		var fault *ledger.Fault
		if !errors.As(err, &fault) || v.Word != c.word || fault.Part != c.part {
			t.Errorf("%s: got %s, %v; want %s, %s", c.note, v.Word, err, c.word, c.part)
		}
		if r := v.Report(err); r.Case != nil {
			t.Errorf("%s: the report tells of a case that is not proven", c.note)
		}
	}
}

// TestEveryBitOfACaseFileMatters changes every byte of the file in one bit.
func TestEveryBitOfACaseFileMatters(t *testing.T) {
	w := newCasework(t)
	good, p := encodeCase(t, w.file(t, 6, w.places...)), w.policy()
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1 << (i % 8)
		if v, err := ledger.VerifyCase(b, p); err == nil {
			t.Fatalf("byte %d changed: %s", i, v.Word)
		}
	}
}

// caseVector is one line of case/vectors.json: a file, and what a verifier must say of it under case/roots.json.
type caseVector struct {
	File  string      `json:"file"`
	Note  string      `json:"note"`
	At    time.Time   `json:"at"`
	Word  ledger.Word `json:"word"`
	Part  ledger.Part `json:"part,omitempty"`
	Count int         `json:"steps,omitempty"`
	State string      `json:"state,omitempty"`
	Block uint64      `json:"asOfBlock,omitempty"`
}

func TestCaseVectorsHaveTheirVerdicts(t *testing.T) {
	if *update {
		writeCaseVectors(t)
	}
	trust, err := ledger.ParseTrust(read(t, "case/roots.json"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := trust.Policy()
	if err != nil {
		t.Fatal(err)
	}
	var all []caseVector
	if err := json.Unmarshal(read(t, "case/vectors.json"), &all); err != nil || len(all) < len(caseBends) {
		t.Fatalf("%d vectors, %v", len(all), err)
	}
	for _, v := range all {
		b, err := base64.StdEncoding.DecodeString(string(read(t, filepath.Join("case", v.File))))
		if err != nil {
			t.Fatal(err)
		}
		p.At = v.At
		got, err := ledger.VerifyCase(b, p)
		var fault *ledger.Fault
		if errors.As(err, &fault); fault == nil {
			fault = &ledger.Fault{}
		}
		if got.Word != v.Word || fault.Part != v.Part {
			t.Errorf("%s: got %s, %v; want %s, %s", v.Note, got.Word, err, v.Word, v.Part)
		}
		if err == nil && (len(got.Steps) != v.Count || got.Attested.State != v.State || got.AsOf.Block != v.Block) {
			t.Errorf("%s: %d steps, %q as of block %d", v.Note, len(got.Steps), got.Attested.State, got.AsOf.Block)
		}
	}
}

func writeCaseVectors(t *testing.T) {
	if err := os.MkdirAll(filepath.Join(vectors, "case"), 0o755); err != nil {
		t.Fatal(err)
	}
	w := newCasework(t)
	trust := ledger.Trust{LogKeys: []string{w.vkey}}
	for _, o := range w.orgs {
		trust.Roots = append(trust.Roots, ledger.TrustedRoot{MSP: o.MSP, Name: "root of " + o.MSP,
			PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.Root.Raw}))})
	}
	write(t, "case/roots.json", indent(t, trust))
	var all []caseVector
	add := func(v caseVector, b []byte) {
		v.At = ledgertest.Begin.AddDate(1, 0, 0)
		write(t, filepath.Join("case", v.File), append(base64.StdEncoding.AppendEncode(nil, b), '\n'))
		all = append(all, v)
	}
	honest := encodeCase(t, w.file(t, 6, w.places...))
	add(caseVector{File: "proven.b64", Note: "an honest file", Word: ledger.Proven, Count: 6, State: "revoked", Block: 106}, honest)
	add(caseVector{File: "older.b64", Note: "as of the approval", Word: ledger.Proven, Count: 2, State: "approved", Block: 102},
		encodeCase(t, w.file(t, 2, w.places[:2]...)))
	for _, c := range caseBends {
		f := w.file(t, 6, w.places...)
		c.bend(t, w, &f)
		add(caseVector{File: c.name + ".b64", Note: c.note, Word: c.word, Part: c.part}, encodeCase(t, f))
	}
	add(caseVector{File: "cut.b64", Note: "the first 900 bytes", Word: ledger.CannotEvaluate, Part: ledger.PartFile}, honest[:900])
	write(t, "case/vectors.json", indent(t, all))
}

func FuzzParseCaseFile(f *testing.F) {
	w := newCasework(f)
	f.Add(encodeCase(f, w.file(f, 6, w.places...)))
	f.Add([]byte{0xa1, 0x01, 0x60})
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := ledger.ParseCaseFile(b)
		if err != nil {
			return
		}
		if again, err := file.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("a case file has two forms: %v", err)
		}
	})
}

func FuzzVerifyCase(f *testing.F) {
	w := newCasework(f)
	good, p := encodeCase(f, w.file(f, 6, w.places...)), w.policy()
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ledger.VerifyCase(b, p); err == nil && !bytes.Equal(b, good) {
			t.Error("a case file that nobody made is proven")
		}
	})
}
