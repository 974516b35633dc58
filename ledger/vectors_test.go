package ledger_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

const vectors = "testdata/vectors"

// vector is one line of vectors.json: a file and what a verifier must say of it under roots.json at the time.
type vector struct {
	File string      `json:"file"`
	Note string      `json:"note"`
	At   string      `json:"at"`
	Word ledger.Word `json:"word"`
	Part ledger.Part `json:"part,omitempty"`
	Org  string      `json:"org,omitempty"`
}

func TestVectorsHaveTheirVerdicts(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	checkVectors(t, "")
}

// TestFirstVectorsKeepTheirVerdicts is over the vectors of the first release, which are never written anew: a receipt
// never needs a later upgrade.
func TestFirstVectorsKeepTheirVerdicts(t *testing.T) { checkVectors(t, "first/") }

func checkVectors(t *testing.T, dir string) {
	t.Helper()
	var all []vector
	if err := json.Unmarshal(read(t, dir+"vectors.json"), &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.File, func(t *testing.T) {
			p := policyOf(t, dir+"roots.json")
			var err error
			if p.At, err = time.Parse(time.RFC3339, v.At); err != nil {
				t.Fatal(err)
			}
			got, err := verifyAny(readForm(t, dir+v.File), p)
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

// readForm reads a vector that may lie as base64.
func readForm(t testing.TB, name string) []byte {
	t.Helper()
	b := read(t, name)
	if !strings.HasSuffix(name, ".b64") {
		return b
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// writeForm writes a binary vector as base64.
func writeForm(t *testing.T, name string, b []byte) {
	t.Helper()
	if strings.HasSuffix(name, ".b64") {
		b = append([]byte(base64.StdEncoding.EncodeToString(b)), '\n')
	}
	write(t, name, b)
}

// verifyAny checks a file of any form.
func verifyAny(file []byte, p ledger.Policy) (ledger.Verdict, error) {
	if ledger.IsBatch(file) {
		v, err := ledger.VerifyBatch(file, p)
		return v.Verdict, err
	}
	return ledger.VerifyReceipt(file, p)
}

func vectorPolicy(t testing.TB) ledger.Policy { return policyOf(t, "roots.json") }

func policyOf(t testing.TB, name string) ledger.Policy {
	t.Helper()
	trust, err := ledger.ParseTrust(read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	p, err := trust.Policy()
	if err != nil {
		t.Fatal(err)
	}
	p.At = ledgertest.Begin.AddDate(1, 0, 0)
	return p
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeVectors(t *testing.T) {
	f := newFixture(t, 1777)
	trust := ledger.Trust{LogKeys: []string{f.vkey}}
	for _, o := range f.orgs {
		trust.Roots = append(trust.Roots, ledger.TrustedRoot{MSP: o.MSP, Name: "root of " + o.MSP,
			PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.Root.Raw}))})
	}
	write(t, "roots.json", indent(t, trust))
	var all []vector
	add := func(name, note string, word ledger.Word, part ledger.Part, org string, bend func(*ledger.Receipt)) {
		r := f.receipt(t, 700)
		bend(&r)
		write(t, name, encode(t, r))
		all = append(all, vector{name, note, "2027-01-01T00:00:00Z", word, part, org})
	}
	answer := func(orgs []*ledgertest.Org, bend func(*ledgertest.Answer)) func(*ledger.Receipt) {
		return func(r *ledger.Receipt) {
			a := f.answer()
			bend(&a)
			r.Attestation = a.Attest(orgs...)
		}
	}
	add("proven.tlog-proof", "an honest receipt", ledger.Proven, "", "", func(*ledger.Receipt) {})
	add("proven-with-data.tlog-proof", "with payload and salt", ledger.ProvenWithData, "", "",
		func(r *ledger.Receipt) { r.Salt, r.Payload = salt, payload })
	add("other-payload.tlog-proof", "another payload", ledger.Untrusted, ledger.PartPayload, "",
		func(r *ledger.Receipt) { r.Salt, r.Payload = salt, []byte("{}") })
	add("entry-bit.tlog-proof", "a bit of the entry's commitment", ledger.Untrusted, ledger.PartInclusion, "",
		func(r *ledger.Receipt) { r.Entry = slices.Clone(r.Entry); r.Entry[120] ^= 1 })
	add("path-bit.tlog-proof", "a bit of the path", ledger.Untrusted, ledger.PartInclusion, "",
		func(r *ledger.Receipt) { r.Path[3][0] ^= 1 })
	add("other-index.tlog-proof", "another index", ledger.Untrusted, ledger.PartInclusion, "",
		func(r *ledger.Receipt) { r.Index++ })
	add("one-org.tlog-proof", "one organisation only", ledger.PolicyFailed, ledger.PartEndorsement, "OverseerMSP",
		answer(f.orgs[:1], func(*ledgertest.Answer) {}))
	add("stranger.tlog-proof", "endorsed by a peer of another root", ledger.Untrusted, ledger.PartChain, "BureauMSP",
		answer([]*ledgertest.Org{ledgertest.NewOrg("BureauMSP", "peer"), f.orgs[1]}, func(*ledgertest.Answer) {}))
	add("endorsement-bit.tlog-proof", "a bit of a signature", ledger.Untrusted, ledger.PartEndorsement, "OverseerMSP",
		func(r *ledger.Receipt) { r.Attestation.Endorsements[1].Signature[20] ^= 1 })
	add("other-read.tlog-proof", "the answer to another question", ledger.Untrusted, ledger.PartReadSet, "",
		answer(f.orgs, func(a *ledgertest.Answer) { a.Keys = []string{"head/x"} }))
	add("other-channel.tlog-proof", "the same from a test channel", ledger.PolicyFailed, ledger.PartValue, "",
		answer(f.orgs, func(a *ledgertest.Answer) {
			c := ledger.AttestedCheckpoint{Channel: "test", Origin: origin, Size: f.cp.Size, Root: f.cp.Root, TxID: "4f"}
			a.Value = c.String()
		}))
	add("checkpoint-signature.tlog-proof", "a bit of the log's signature", ledger.Untrusted, ledger.PartSignature, "",
		func(r *ledger.Receipt) {
			s := string(r.Checkpoint)
			b := []byte(s)
			if b[len(b)-20] ^= 1; b[len(b)-20] == '*' || b[len(b)-20] == '.' { // stay within base64
				b[len(b)-20] = 'A'
			}
			r.Checkpoint = b
		})
	file := encode(t, f.receipt(t, 700))
	write(t, "cut.tlog-proof", file[:len(file)/2])
	all = append(all, vector{"cut.tlog-proof", "the first half", "2027-01-01T00:00:00Z", ledger.CannotEvaluate, ledger.PartFile, ""})
	forms(t, f, &trust, func(v vector, file []byte) { writeForm(t, v.File, file); all = append(all, v) })
	write(t, "roots.json", indent(t, trust))
	write(t, "vectors.json", indent(t, all))
}

func indent(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(vectors, name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(vectors, name), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// forms writes the vectors of the forms beside the text form, and of what a receipt may carry.
func forms(t *testing.T, f *fixture, trust *ledger.Trust, add func(vector, []byte)) {
	in2027, in2040 := "2027-01-01T00:00:00Z", "2040-01-01T00:00:00Z"
	r := f.receipt(t, 700)
	for _, e := range r.Attestation.Endorsements {
		trust.Certificates = append(trust.Certificates, certificate(e.Certificate))
	}
	byReference, err := r.EncodeByReference()
	if err != nil {
		t.Fatal(err)
	}
	add(vector{"by-reference.tlog-proof", "certificates by hash, found in roots.json", in2027, ledger.Proven, "", ""}, byReference)
	unknown, err := ledger.ParseReceipt(byReference)
	if err != nil {
		t.Fatal(err)
	}
	unknown.Attestation.Endorsements[0].Reference[0] ^= 1
	add(vector{"unknown-reference.tlog-proof", "a certificate that nobody has", in2027, ledger.CannotEvaluate, ledger.PartChain, "BureauMSP"},
		encode(t, unknown))
	stampVectors(t, f, trust, add)
	fieldVectors(t, f, add)

	add(vector{"proven.cose.b64", "an honest receipt as COSE", in2027, ledger.Proven, "", ""}, f.cose(t, r))
	add(vector{"expired.cose.b64", "the same when certificates have expired", in2040, ledger.Untrusted, ledger.PartChain, "BureauMSP"}, f.cose(t, r))
	bent := func(bend func(*ledger.COSEReceipt)) []byte {
		c, err := ledger.ParseCOSE(f.cose(t, f.receipt(t, 700)))
		if err != nil {
			t.Fatal(err)
		}
		bend(&c)
		file, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	add(vector{"cose-path-bit.cose.b64", "a bit of the path", in2027, ledger.Untrusted, ledger.PartInclusion, ""},
		bent(func(c *ledger.COSEReceipt) { c.Path[3][0] ^= 1 }))
	add(vector{"cose-size.cose.b64", "another tree size", in2027, ledger.Untrusted, ledger.PartCheckpoint, ""},
		bent(func(c *ledger.COSEReceipt) { c.Size++ }))
	add(vector{"cose-signature-bit.cose.b64", "a bit of the log's signature", in2027, ledger.Untrusted, ledger.PartSignature, ""},
		bent(func(c *ledger.COSEReceipt) { c.Signature[9] ^= 1 }))
	add(vector{"cose-tail.cose.b64", "a byte behind it", in2027, ledger.CannotEvaluate, ledger.PartFile, ""}, append(f.cose(t, r), 0))
	batchVectors(t, f, add)
}

func stampVectors(t *testing.T, f *fixture, trust *ledger.Trust, add func(vector, []byte)) {
	in2040 := "2040-01-01T00:00:00Z"
	tsa := ledgertest.NewTSA()
	trust.TimestampRoots = []string{certificate(tsa.Root.Raw)}
	r := f.receipt(t, 700)
	f.stamp(t, &r, tsa)
	add(vector{"stamped.tlog-proof", "stamped while certificates were valid, judged long after", in2040, ledger.Proven, "", ""}, encode(t, r))
	stripped := r
	stripped.Timestamp = nil
	add(vector{"stamp-stripped.tlog-proof", "the same without its token", in2040, ledger.Untrusted, ledger.PartChain, "BureauMSP"}, encode(t, stripped))
	swapped := f.receipt(t, 700)
	swapped.Timestamp = r.Timestamp
	add(vector{"stamp-swapped.tlog-proof", "the token of other endorsements", in2040, ledger.Untrusted, ledger.PartTimestamp, ""}, encode(t, swapped))
	foreign := f.receipt(t, 700)
	f.stamp(t, &foreign, ledgertest.NewTSA())
	add(vector{"stamp-stranger.tlog-proof", "the token of another authority", in2040, ledger.PolicyFailed, ledger.PartTimestamp, ""}, encode(t, foreign))
}

// fieldVectors are of a log of its own with the same keys, in which the ninth record commits to fields.
func fieldVectors(t *testing.T, f *fixture, add func(vector, []byte)) {
	in2027 := "2027-01-01T00:00:00Z"
	g, _ := documentReceipt(t)
	g.orgs, g.skey, g.vkey = f.orgs, f.skey, f.vkey
	r := g.receipt(t, 8)
	o, err := document(t, grant).OpenFields(salt, "purpose", "id")
	if err != nil {
		t.Fatal(err)
	}
	r.Openings = &o
	add(vector{"fields.tlog-proof", "two fields opened, two withheld", in2027, ledger.Proven, "", ""}, encode(t, r))
	o.Fields[0].Disclosure = append([]byte{}, o.Fields[0].Disclosure...)
	o.Fields[0].Disclosure[len(o.Fields[0].Disclosure)-2] ^= 1
	add(vector{"field-bit.tlog-proof", "a bit of an opened value", in2027, ledger.Untrusted, ledger.PartFields, ""}, encode(t, r))
	r.Openings, r.Salt, r.Payload = nil, salt, []byte(grant)
	add(vector{"document.tlog-proof", "the whole payload of the same", in2027, ledger.ProvenWithData, "", ""}, encode(t, r))
	whole := f.receipt(t, 700)
	whole.Openings = &o
	add(vector{"fields-of-whole.tlog-proof", "fields for a commitment to a whole payload", in2027, ledger.Untrusted, ledger.PartFields, ""}, encode(t, whole))
}

func batchVectors(t *testing.T, f *fixture, add func(vector, []byte)) {
	in2027 := "2027-01-01T00:00:00Z"
	add(vector{"proven.batch.b64", "two records of a tile", in2027, ledger.Proven, "", ""}, encodeBatch(t, f.batch(t, 2, 512, 700)))
	add(vector{"last-tile.batch.b64", "the tile at the end, not full", in2027, ledger.Proven, "", ""}, encodeBatch(t, f.batch(t, 6, 1776)))
	b := f.batch(t, 2, 512, 700)
	b.Leaves[9][0] ^= 1
	add(vector{"batch-leaf-bit.batch.b64", "a bit of a leaf", in2027, ledger.Untrusted, ledger.PartInclusion, ""}, encodeBatch(t, b))
	b = f.batch(t, 2, 512, 700)
	b.Entries[700] = f.entries[701]
	add(vector{"batch-entry.batch.b64", "an entry in another's place", in2027, ledger.Untrusted, ledger.PartInclusion, ""}, encodeBatch(t, b))
	b = f.batch(t, 6, 1776)
	b.Leaves = b.Leaves[:len(b.Leaves)-1]
	b.Entries = nil
	add(vector{"batch-short.batch.b64", "a leaf left out", in2027, ledger.Untrusted, ledger.PartInclusion, ""}, encodeBatch(t, b))
	file := encodeBatch(t, f.batch(t, 2, 512))
	add(vector{"batch-cut.batch.b64", "the first half", in2027, ledger.CannotEvaluate, ledger.PartFile, ""}, file[:len(file)/2])
}

func certificate(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
