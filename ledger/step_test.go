package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

func aStep() ledger.Step {
	return ledger.Step{Case: ledger.SubjectTag([]byte("key"), "request:rq_1"), Seq: 1, Kind: "request.created",
		Record: uuid.MustParse("0190a1b2-0000-7000-8000-000000000001"), Origin: "putuo.plinth/authz", Index: 41,
		Leaf: tlog.RecordHash([]byte("entry"))}
}

func TestStepReadsBackFromItsText(t *testing.T) {
	got, err := ledger.ParseStep(aStep().String())
	if err != nil || got != aStep() {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseStepRefusesEveryOtherForm(t *testing.T) {
	good := aStep().String()
	lines := strings.SplitAfter(good, "\n")
	with := func(i int, s string) string {
		l := append([]string(nil), lines...)
		l[i] = s + "\n"
		return strings.Join(l, "")
	}
	for name, text := range map[string]string{
		"empty": "", "one line short": strings.Join(lines[1:], ""), "one line more": good + "x\n", "no last newline": strings.TrimSuffix(good, "\n"),
		"tag in capitals": with(0, strings.ToUpper(strings.TrimSpace(lines[0]))), "short tag": with(0, "00ff"), "tag of zeros": with(0, strings.Repeat("0", 32)),
		"seq 0": with(1, "0"), "seq with a zero before": with(1, "01"), "seq with a sign": with(1, "+1"), "seq too large": with(1, "18446744073709551616"),
		"no kind": with(2, ""), "kind with a space": with(2, "request created"), "kind too long": with(2, strings.Repeat("a", ledger.MaxKind+1)),
		"record in braces": with(3, "{0190a1b2-0000-7000-8000-000000000001}"), "record zero": with(3, uuid.Nil.String()), "record no id": with(3, "x"),
		"no origin": with(4, ""), "origin too long": with(4, strings.Repeat("o", 201)),
		"index negative": with(5, "-1"), "index with a zero": with(5, "041"), "leaf short": with(6, "AAAA"), "leaf with stray bits": with(6, strings.Repeat("A", 42)+"B="),
		"oversized": with(4, strings.Repeat("o", 1000)),
	} {
		if s, err := ledger.ParseStep(text); err == nil {
			t.Errorf("%s: read as %+v", name, s)
		}
	}
}

func FuzzParseStep(f *testing.F) {
	f.Add(aStep().String())
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ledger.ParseStep(text); err == nil && (s.String() != text || s.Validate() != nil) {
			t.Errorf("%q was read, and is written %q", text, s)
		}
	})
}

func TestDigestTellsKindRecordLeafAndOrder(t *testing.T) {
	a := aStep()
	b := a
	b.Seq, b.Kind, b.Record = 2, "request.approved", uuid.MustParse("0190a1b2-0000-7000-8000-000000000002")
	want := ledger.CaseDigest{}.Add(a).Add(b)
	for name, change := range map[string]func(*ledger.Step){
		"kind":   func(s *ledger.Step) { s.Kind = "request.refused" },
		"record": func(s *ledger.Step) { s.Record[15]++ },
		"leaf":   func(s *ledger.Step) { s.Leaf[0] ^= 1 },
	} {
		c := b
		change(&c)
		if got := (ledger.CaseDigest{}).Add(a).Add(c); got == want {
			t.Errorf("another %s has the same digest", name)
		}
	}
	if got := (ledger.CaseDigest{}).Add(b).Add(a); got == want {
		t.Error("another order has the same digest")
	}
	// For other implementations: the digest of the one step above.
	if got := (ledger.CaseDigest{}).Add(a).String(); got != "RdClrIF3qItUAUgxZc4W0kTaT+8ynE5hhITmA9s8qLo=" {
		t.Errorf("got %s", got)
	}
}

func aCase() ledger.AttestedCase {
	return ledger.AttestedCase{Channel: "evidence", Case: aStep().Case, Count: 3, State: "granted",
		Digest: ledger.CaseDigest{}.Add(aStep()), TxID: strings.Repeat("ab", 32)}
}

func TestCaseAttestationIsVerified(t *testing.T) {
	bureau, overseer := ledgertest.NewOrg("BureauMSP", "peer"), ledgertest.NewOrg("OverseerMSP", "peer")
	policy := ledgertest.Policy(bureau, overseer)
	got, place, err := ledger.VerifyCaseAttestation(ledgertest.AnswerForCase(aCase(), 9).Attest(bureau, overseer), policy)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(aCase(), got); diff != "" || place.Block != 9 || place.TxID != aCase().TxID {
		t.Errorf("at %+v: %s", place, diff)
	}
}

func TestCaseAttestationRefuses(t *testing.T) {
	bureau, overseer, stranger := ledgertest.NewOrg("BureauMSP", "peer"), ledgertest.NewOrg("OverseerMSP", "peer"), ledgertest.NewOrg("OverseerMSP", "peer")
	client := ledgertest.NewOrg("OverseerMSP", "client")
	policy := ledgertest.Policy(bureau, overseer)
	honest := ledgertest.AnswerForCase(aCase(), 9)
	bend := func(change func(*ledgertest.Answer)) ledger.Attestation {
		a := honest
		a.Keys = append([]string(nil), a.Keys...)
		change(&a)
		return a.Attest(bureau, overseer)
	}
	other := aCase()
	other.Case[0] ^= 1
	elsewhere := aCase()
	elsewhere.Channel = "test"
	checkpoint := ledger.AttestedCheckpoint{Channel: "evidence", Origin: "o", Size: 1, TxID: "t"}
	for name, test := range map[string]struct {
		att  ledger.Attestation
		part ledger.Part
	}{
		"one organisation alone":     {honest.Attest(bureau), ledger.PartEndorsement},
		"a stranger's root":          {honest.Attest(bureau, stranger), ledger.PartChain},
		"a client's certificate":     {honest.Attest(bureau, client), ledger.PartChain},
		"another case's key":         {bend(func(a *ledgertest.Answer) { a.Keys[0] = ledger.CaseKey(other.Case) }), ledger.PartReadSet},
		"a second key":               {bend(func(a *ledgertest.Answer) { a.Keys = append(a.Keys, "case/x") }), ledger.PartReadSet},
		"no key":                     {bend(func(a *ledgertest.Answer) { a.Keys = nil }), ledger.PartReadSet},
		"an event":                   {bend(func(a *ledgertest.Answer) { a.Events = []byte("x") }), ledger.PartAnswer},
		"a refusal":                  {bend(func(a *ledgertest.Answer) { a.Status = 500 }), ledger.PartAnswer},
		"another chaincode":          {bend(func(a *ledgertest.Answer) { a.Chaincode = "other" }), ledger.PartChaincode},
		"another channel":            {ledgertest.AnswerForCase(elsewhere, 9).Attest(bureau, overseer), ledger.PartValue},
		"a checkpoint's attestation": {ledgertest.AnswerFor(checkpoint, 9).Attest(bureau, overseer), ledger.PartValue},
		"a count of 0":               {bend(func(a *ledgertest.Answer) { a.Value = strings.Replace(a.Value, "\n3\n", "\n0\n", 1) }), ledger.PartValue},
		"a count of two spellings":   {bend(func(a *ledgertest.Answer) { a.Value = strings.Replace(a.Value, "\n3\n", "\n03\n", 1) }), ledger.PartValue},
		"a line more":                {bend(func(a *ledgertest.Answer) { a.Value += "x\n" }), ledger.PartValue},
	} {
		got, _, err := ledger.VerifyCaseAttestation(test.att, policy)
		var fault *ledger.Fault
		if !errors.As(err, &fault) || fault.Part != test.part {
			t.Errorf("%s: got %+v, %v; want a fault of %s", name, got, err, test.part)
		}
	}
	if _, _, err := ledger.VerifyCaseAttestation(honest.Attest(bureau, overseer), ledger.Policy{}); err == nil {
		t.Error("a policy without roots trusts nobody")
	}
	if _, err := ledger.VerifyAttestation(honest.Attest(bureau, overseer), checkpoint.Checkpoint(), policy); err == nil {
		t.Error("a case's attestation passes for a checkpoint's")
	}
}

func FuzzParseAttestedCase(f *testing.F) {
	f.Add(aCase().String())
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ledger.ParseAttestedCase(text); err == nil && c.String() != text {
			t.Errorf("%q was read, and is written %q", text, c)
		}
	})
}
