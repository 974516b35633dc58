package ledger_test

import (
	"testing"

	"github.com/google/uuid"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

// casework is a log with the steps of one case among other entries, and the steps of another case.
type casework struct {
	*fixture
	tag    ledger.Tag
	places []int64 // of the case's steps
	other  []int64 // of the other case's
	tried  int64   // of an entry that the chain refused
}

var lifeOfAGrant = []string{"request.created", "request.approved", "grant.created", "decision.permit", "decision.permit", "grant.revoked"}

func newCasework(t testing.TB) *casework {
	t.Helper()
	w := &casework{fixture: newFixture(t, 3), tag: ledger.SubjectTag([]byte("tenant"), "request:rq_1")}
	for _, kind := range lifeOfAGrant {
		w.places = append(w.places, w.add(t, w.tag, kind))
		w.other = append(w.other, w.add(t, ledger.SubjectTag([]byte("tenant"), "request:rq_2"), kind))
		w.add(t, ledger.Tag{}, "token.created")
	}
	w.tried = w.add(t, w.tag, "decision.permit")
	w.add(t, ledger.Tag{}, "token.created")
	return w
}

func (w *casework) add(t testing.TB, in ledger.Tag, kind string) int64 {
	t.Helper()
	n := int64(len(w.entries))
	e := entry(n)
	e.Kind, e.Case, e.ID = kind, in, uuid.NewSHA1(uuid.NameSpaceURL, append([]byte(kind), byte(n)))
	w.append(t, e)
	return n
}

// file makes a case file of entries at places; with attested, the organisations' word is about the first so many of
// the case's true steps.
func (w *casework) file(t testing.TB, attested int, places ...int64) ledger.CaseFile {
	t.Helper()
	r := w.receipt(t, 0)
	f := ledger.CaseFile{Case: w.tag, Checkpoint: r.Checkpoint, Attestation: r.Attestation,
		CaseAttestation: w.word(t, attested).Attest(w.orgs...)}
	for _, at := range places {
		f.Steps = append(f.Steps, ledger.CaseEntry{Index: at, Entry: w.entries[at]})
	}
	w.prove(t, &f)
	return f
}

func (w *casework) prove(t testing.TB, f *ledger.CaseFile) {
	t.Helper()
	at, _ := f.Places()
	if proof, err := ledger.ProveLeaves(w.cp.Size, at, w.hashes.node); err == nil {
		f.Proof = proof
	}
}

// word is what the chain answers of the case after some of its steps.
func (w *casework) word(t testing.TB, steps int) ledgertest.Answer {
	t.Helper()
	c := ledger.AttestedCase{Channel: ledger.DefaultChannel, Case: w.tag, TxID: "5a5a"}
	for i := range steps {
		e, err := ledger.ParseEntry(w.entries[w.places[i]])
		if err != nil {
			t.Fatal(err)
		}
		c.Count++
		c.Digest = c.Digest.Add(ledger.Step{Kind: e.Kind, Record: e.ID, Leaf: ledger.Leaf(w.entries[w.places[i]])})
		if c.State, err = ledger.NextState(c.State, e.Kind); err != nil {
			t.Fatal(err)
		}
	}
	return ledgertest.AnswerForCase(c, 100+uint64(steps))
}

func encodeCase(t testing.TB, f ledger.CaseFile) []byte {
	t.Helper()
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// caseBend is one way to make a false case file, and what a verifier must say of it.
type caseBend struct {
	name, note string
	word       ledger.Word
	part       ledger.Part
	bend       func(t testing.TB, w *casework, f *ledger.CaseFile)
}

// steps replaces the file's steps by entries at places, with an honest proof.
func steps(places func(w *casework) []int64) func(testing.TB, *casework, *ledger.CaseFile) {
	return func(t testing.TB, w *casework, f *ledger.CaseFile) {
		f.Steps = nil
		for _, at := range places(w) {
			f.Steps = append(f.Steps, ledger.CaseEntry{Index: at, Entry: w.entries[at]})
		}
		w.prove(t, f)
	}
}

var caseBends = []caseBend{
	{"omitted-use", "a use is left out", ledger.Untrusted, ledger.PartCase,
		steps(func(w *casework) []int64 { return append(append([]int64{}, w.places[:3]...), w.places[4:]...) })},
	{"omitted-approval", "the approval is left out", ledger.Untrusted, ledger.PartStep,
		steps(func(w *casework) []int64 { return append([]int64{w.places[0]}, w.places[2:]...) })},
	{"omitted-end", "the revocation is left out", ledger.Untrusted, ledger.PartCase,
		steps(func(w *casework) []int64 { return w.places[:5] })},
	{"swapped", "two uses have changed places", ledger.Untrusted, ledger.PartStep,
		steps(func(w *casework) []int64 {
			p := append([]int64{}, w.places...)
			p[3], p[4] = p[4], p[3]
			return p
		})},
	{"duplicate", "a use is told twice, at one place", ledger.Untrusted, ledger.PartStep,
		steps(func(w *casework) []int64 { return append(append([]int64{}, w.places[:4]...), w.places[3:]...) })},
	{"foreign", "a use of another case in the place of one", ledger.Untrusted, ledger.PartStep,
		steps(func(w *casework) []int64 {
			p := append([]int64{}, w.places...)
			p[3] = w.other[3]
			return p
		})},
	{"added", "an entry that the chain refused is told as a step before the end", ledger.Untrusted, ledger.PartStep,
		steps(func(w *casework) []int64 { return append(append([]int64{}, w.places...), w.tried) })},
	{"renamed-place", "a step is said to be at another place", ledger.Untrusted, ledger.PartInclusion,
		func(_ testing.TB, _ *casework, f *ledger.CaseFile) { f.Steps[5].Index++ }},
	{"other-case", "the file names another case", ledger.Untrusted, ledger.PartCase,
		func(_ testing.TB, _ *casework, f *ledger.CaseFile) { f.Case[0] ^= 1 }},
	{"one-org", "the case is attested by one organisation only", ledger.PolicyFailed, ledger.PartCase,
		func(t testing.TB, w *casework, f *ledger.CaseFile) {
			f.CaseAttestation = w.word(t, 6).Attest(w.orgs[:1]...)
		}},
	{"not-a-case", "the checkpoint's attestation in the place of the case's", ledger.Untrusted, ledger.PartCase,
		func(_ testing.TB, _ *casework, f *ledger.CaseFile) { f.CaseAttestation = f.Attestation }},
	{"other-state", "the attested state is not where the steps lead", ledger.Untrusted, ledger.PartCase,
		func(t testing.TB, w *casework, f *ledger.CaseFile) {
			a := w.word(t, 6)
			c, err := ledger.ParseAttestedCase(a.Value)
			if err != nil {
				t.Fatal(err)
			}
			c.State = "granted"
			a.Value = c.String()
			f.CaseAttestation = a.Attest(w.orgs...)
		}},
	{"entry-bit", "a bit of an entry's commitment", ledger.Untrusted, ledger.PartCase,
		func(_ testing.TB, _ *casework, f *ledger.CaseFile) {
			b := append([]byte{}, f.Steps[3].Entry...)
			b[120] ^= 1
			f.Steps[3].Entry = b
		}},
	{"refused-step", "a step stands among the refused too", ledger.Untrusted, ledger.PartStep,
		func(_ testing.TB, _ *casework, f *ledger.CaseFile) { f.Refused = f.Steps[3:4] }},
	{"short-proof", "the proof lacks a hash", ledger.Untrusted, ledger.PartInclusion,
		func(_ testing.TB, _ *casework, f *ledger.CaseFile) { f.Proof = f.Proof[1:] }},
	{"checkpoint-bit", "a bit of the checkpoint", ledger.Untrusted, ledger.PartCheckpoint,
		func(_ testing.TB, _ *casework, f *ledger.CaseFile) {
			f.Checkpoint = append([]byte{}, f.Checkpoint...)
			f.Checkpoint[len("putuo.plinth/authz\n")] ^= 3
		}},
	{"endorsement-bit", "a bit of a signature under the case", ledger.Untrusted, ledger.PartCase,
		func(_ testing.TB, _ *casework, f *ledger.CaseFile) {
			s := append([]byte{}, f.CaseAttestation.Endorsements[1].Signature...)
			s[20] ^= 1
			f.CaseAttestation.Endorsements[1].Signature = s
		}},
}
