package ledger_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

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
	var all []vector
	if err := json.Unmarshal(read(t, "vectors.json"), &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.File, func(t *testing.T) {
			p := vectorPolicy(t)
			got, err := ledger.Verify(read(t, v.File), p)
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

func vectorPolicy(t testing.TB) ledger.Policy {
	t.Helper()
	trust, err := ledger.ParseTrust(read(t, "roots.json"))
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
	if err := os.MkdirAll(vectors, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(vectors, name), b, 0o644); err != nil {
		t.Fatal(err)
	}
}
