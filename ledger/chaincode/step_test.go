package chaincode_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/chaincode"
)

// file is a case of which steps are put one after another.
type file struct {
	tag    ledger.Tag
	seq    uint64
	digest ledger.CaseDigest
}

func newFile(id string) *file { return &file{tag: ledger.SubjectTag([]byte("key"), id)} }

// next is the case's next step, of a kind.
func (f *file) next(kind string) ledger.Step {
	record := uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "%s %s %d", f.tag, kind, f.seq))
	return ledger.Step{Case: f.tag, Seq: f.seq + 1, Kind: kind, Record: record, Origin: origin, Index: int64(f.seq), Leaf: tlog.RecordHash(record[:])}
}

func (f *file) took(s ledger.Step) { f.seq, f.digest = s.Seq, f.digest.Add(s) }

func put(p *peer, s ledger.Step) (answer, refusal string) {
	return p.call("PutStep", []byte(s.String()))
}

// mustPut puts steps that must be taken.
func (f *file) mustPut(p *peer, kinds ...string) {
	p.t.Helper()
	for _, k := range kinds {
		s := f.next(k)
		want(p.t, fmt.Sprintf("put tx%d", p.txs+1))(put(p, s))
		f.took(s)
	}
}

func TestStepsGoOnTheChainInTheirOrder(t *testing.T) {
	p, _ := anchored(t)
	f := newFile("request:rq_1")
	f.mustPut(p, "request.created", "request.approved", "grant.created", "decision.permit", "grant.revoked")
	if p.events["step"] == "" {
		t.Errorf("events are %v", p.events)
	}
	for _, kind := range []string{"decision.permit", "grant.created", "grant.expired", "request.approved", "unheard.of"} {
		want(t, "ORDER")(put(p, f.next(kind)))
	}
	f.mustPut(p, "review.passed")
}

func TestAGrantIsNotOnTheChainBeforeItsApproval(t *testing.T) {
	p, _ := anchored(t)
	f := newFile("request:rq_1")
	want(t, "ORDER")(put(p, f.next("grant.created")))
	f.mustPut(p, "request.created")
	want(t, "ORDER")(put(p, f.next("grant.created")))
	want(t, "ORDER")(put(p, f.next("decision.permit")))
}

func TestSeqHasNoGapAndNoPlaceIsTakenTwice(t *testing.T) {
	p, _ := anchored(t)
	f := newFile("request:rq_1")
	first := f.next("request.created")
	ahead := first
	ahead.Seq = 2
	want(t, "SEQ")(put(p, ahead))
	f.mustPut(p, "request.created")
	want(t, "same tx"+fmt.Sprint(p.txs))(put(p, first))
	other := first
	other.Leaf[0] ^= 1
	want(t, "EXISTS")(put(p, other))
	f.mustPut(p, "request.approved")
	gap := f.next("grant.created")
	gap.Seq++
	want(t, "SEQ")(put(p, gap))
	want(t, "same tx4")(put(p, first))
}

func TestARecordIsAStepOnce(t *testing.T) {
	p, _ := anchored(t)
	f, g := newFile("request:rq_1"), newFile("request:rq_2")
	f.mustPut(p, "request.created", "request.approved", "grant.created")
	use := f.next("decision.permit")
	f.mustPut(p, "decision.permit")
	again := f.next("decision.permit")
	again.Record = use.Record
	want(t, "EXISTS")(put(p, again))
	elsewhere := g.next("request.created")
	elsewhere.Record = use.Record
	want(t, "EXISTS")(put(p, elsewhere))
}

func TestWhoMayPutWhichStep(t *testing.T) {
	p, _ := anchored(t)
	f := newFile("request:rq_1")
	for _, who := range [][2]string{{"OverseerMSP", "client"}, {"OverseerMSP", "admin"}, {"BureauMSP", "peer"}, {"BureauMSP", "orderer"}, {"StrangerMSP", "client"}} {
		want(t, "ORG")(put(p.as(who[0], who[1]), f.next("request.created")))
	}
	admin := p.as("BureauMSP", "admin")
	f.mustPut(admin, "request.created")
	review := f.next("review.objected")
	for _, who := range [][2]string{{"OverseerMSP", "admin"}, {"OverseerMSP", "peer"}, {"BureauMSP", "peer"}, {"StrangerMSP", "client"}} {
		want(t, "ORG")(put(p.as(who[0], who[1]), review))
	}
	overseer := p.as("OverseerMSP", "client")
	f.mustPut(overseer, "review.objected")
	want(t, "ORG")(put(overseer, f.next("request.approved")))
	want(t, "ARGS")(p.call("PutStep", []byte("review.objected")))
	want(t, "ORG")(overseer.call("PutStep", []byte("review.objected")))
}

func TestTheOrganisationsNamesAreConfigured(t *testing.T) {
	p, _ := anchored(t)
	p.c = chaincode.Contract{Writer: "CityMSP", Overseer: "AuditMSP"}
	f := newFile("request:rq_1")
	want(t, "ORG")(put(p, f.next("request.created")))
	f.mustPut(p.as("CityMSP", "client"), "request.created")
	f.mustPut(p.as("AuditMSP", "client"), "review.noted")
	want(t, "ORG")(put(p.as("OverseerMSP", "client"), f.next("review.noted")))
}

func TestPutStepRefusesBadSteps(t *testing.T) {
	p, _ := anchored(t)
	s := newFile("request:rq_1").next("request.created")
	unknown := s
	unknown.Origin = "nobody"
	want(t, "LOG")(put(p, unknown))
	for _, text := range []string{"", "x", s.String() + "\n", strings.Replace(s.String(), "\n1\n", "\n01\n", 1), strings.Repeat("x", 601)} {
		want(t, "ARGS")(p.call("PutStep", []byte(text)))
	}
	want(t, "ARGS")(p.call("PutStep"))
	want(t, "ARGS")(p.call("PutStep", []byte(s.String()), nil))
}

func TestAttestCaseSumsUpTheSteps(t *testing.T) {
	p, _ := anchored(t)
	f := newFile("request:rq_1")
	want(t, "NOTFOUND")(p.call("AttestCase", []byte(f.tag.String())))
	f.mustPut(p, "request.created", "request.approved", "grant.created")
	last := fmt.Sprintf("tx%d", p.txs)
	newFile("request:rq_2").mustPut(p, "request.created")
	q := p.as("OverseerMSP", "client")
	answer, refusal := q.call("AttestCase", []byte(f.tag.String()))
	got, err := ledger.ParseAttestedCase(answer)
	wanted := ledger.AttestedCase{Channel: "evidence", Case: f.tag, Count: 3, State: "granted", Digest: f.digest, TxID: last}
	if err != nil || refusal != "" || got != wanted {
		t.Errorf("got %+v, %v, refusal %q; want %+v", got, err, refusal, wanted)
	}
	if !slices.Equal(q.reads, []string{ledger.CaseKey(f.tag)}) {
		t.Errorf("it reads %v; the peers sign what is read, which must be the case alone", q.reads)
	}
	want(t, "ARGS")(p.call("AttestCase", []byte(strings.ToUpper(f.tag.String()))))
	want(t, "ARGS")(p.call("AttestCase", []byte(strings.Repeat("0", 41))))
}

// An attestation is known by its first line, so nothing else may begin like one.
func TestNoFunctionAnswersInTheFormOfAnothersAttestation(t *testing.T) {
	p := newPeer(t)
	for _, test := range []struct{ domain, answer, want string }{
		{"", "plinth-attest/v1\nx", "STATE"},
		{"", "plinth-attest-case/v1\nx", "STATE"},
		{"", "plinth-attest-anything", "STATE"},
		{ledger.AttestDomain, "plinth-attest-case/v1\nx", "STATE"},
		{ledger.AttestCaseDomain, "plinth-attest/v1\nx", "STATE"},
		{ledger.AttestDomain, "harmless", "STATE"},
		{ledger.AttestDomain, "plinth-attest/v1\nx", "plinth-attest/v1\nx"},
		{"", "harmless", "harmless"},
	} {
		done := chaincode.AddFunction("Liar", test.domain, test.answer)
		want(t, test.want)(p.call("Liar"))
		done()
	}
}

func FuzzPutStep(f *testing.F) {
	f.Add(newFile("x").next("request.created").String())
	f.Fuzz(func(t *testing.T, text string) {
		p, _ := anchored(t)
		answer, refusal := p.call("PutStep", []byte(text))
		s, err := ledger.ParseStep(text)
		begins := err == nil && s.Seq == 1 && s.Origin == origin
		if (answer == "") == (refusal == "") || answer != "" && !begins {
			t.Errorf("%q was answered with %q, refusal %q", text, answer, refusal)
		}
	})
}
