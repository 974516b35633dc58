package fabric_test

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	"plinth/ledger/fabric"
	"plinth/ledger/fabric/network"
)

// overseer opens a client that speaks as the overseer's organisation.
func overseer(t *testing.T) *fabric.Client {
	t.Helper()
	d, err := network.Read(stacktest.Fabric(t))
	if err != nil {
		t.Fatal(err)
	}
	d.Client.Organisation = "overseer"
	d.Client.Cert = strings.ReplaceAll(d.Client.Cert, "bureau.plinth", "overseer.plinth")
	d.Client.Key = strings.ReplaceAll(d.Client.Key, "bureau.plinth", "overseer.plinth")
	path := filepath.Join(t.TempDir(), "network.json")
	if err := network.Write(path, d); err != nil {
		t.Fatal(err)
	}
	return openAt(t, path, fabric.Config{})
}

// file is a case of a log, to which steps are added.
type file struct {
	log    *testLog
	tag    ledger.Tag
	seq    uint64
	digest ledger.CaseDigest
}

func newFile(l *testLog) *file {
	return &file{log: l, tag: ledger.SubjectTag(nil, rand.Text())}
}

// next is the case's next step of a kind.
func (f *file) next(kind string) ledger.Step {
	record := uuid.New()
	return ledger.Step{Case: f.tag, Seq: f.seq + 1, Kind: kind, Record: record, Origin: f.log.origin, Leaf: tlog.RecordHash(record[:])}
}

func (f *file) mustPut(c *fabric.Client, kinds ...string) *file {
	f.log.t.Helper()
	for _, k := range kinds {
		s := f.next(k)
		a, err := c.PutStep(f.log.t.Context(), s)
		if err != nil || a.TxID == "" || a.Block == 0 {
			f.log.t.Fatalf("%s: %+v, %v", k, a, err)
		}
		f.seq, f.digest = s.Seq, f.digest.Add(s)
	}
	return f
}

func TestACaseIsAttestedWithItsOrder(t *testing.T) {
	c := open(t, fabricConfig)
	f := newFile(newLog(t).register(c))
	if _, err := c.AttestCase(t.Context(), f.tag); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("a case without a step: %v, want not found", err)
	}
	f.mustPut(c, "request.created", "request.approved", "grant.created")
	last := f.next("decision.permit")
	at, err := c.PutStep(t.Context(), last)
	if err != nil {
		t.Fatal(err)
	}
	f.seq, f.digest = last.Seq, f.digest.Add(last)

	attestation, err := overseer(t).AttestCase(t.Context(), f.tag)
	if err != nil {
		t.Fatal(err)
	}
	got, place, err := ledger.VerifyCaseAttestation(attestation, trust(t))
	want := ledger.AttestedCase{Channel: "evidence", Case: f.tag, Count: 4, State: "granted", Digest: f.digest, TxID: at.TxID}
	if err != nil || got != want || place.Block != at.Block {
		t.Errorf("attested %+v at %+v, %v; want %+v in block %d", got, place, err, want, at.Block)
	}
}

func TestStepsOutOfOrderAreRefused(t *testing.T) {
	c := open(t, fabricConfig)
	f := newFile(newLog(t).register(c))
	put := func(s ledger.Step) error { _, err := c.PutStep(t.Context(), s); return err }
	wantRefusal(t, put(f.next("grant.created")), "ORDER")
	f.mustPut(c, "request.created")
	wantRefusal(t, put(f.next("grant.created")), "ORDER")
	ahead := f.next("request.approved")
	ahead.Seq++
	wantRefusal(t, put(ahead), "SEQ")
	f.mustPut(c, "request.approved", "grant.created", "decision.permit", "grant.revoked")
	wantRefusal(t, put(f.next("decision.permit")), "ORDER") // a use after the revocation
	elsewhere := f.next("review.noted")
	elsewhere.Origin = "nobody"
	wantRefusal(t, put(elsewhere), "LOG")
}

func TestTheOverseerReviewsAndDoesNothingElse(t *testing.T) {
	c, o := open(t, fabricConfig), overseer(t)
	l := newLog(t).register(c).grow(2, "leaf")
	f := newFile(l)
	denied := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, plinth.ErrDenied) || !strings.Contains(err.Error(), "ORG: ") {
			t.Errorf("%s by the overseer: got %v, want a denial with ORG", what, err)
		}
	}
	_, err := o.PutStep(t.Context(), f.next("request.created"))
	denied("a step", err)
	denied("an anchor", anchorErr(t, o, l, 0))
	denied("a log", o.RegisterLog(t.Context(), newLog(t).origin, l.vkey))
	_, err = o.SetStatus(t.Context(), uuid.New(), "revoked", uuid.New())
	denied("a status", err)
	_, err = o.Redact(t.Context(), uuid.New(), uuid.New())
	denied("a redaction", err)
	_, err = o.RotateKey(t.Context(), l.origin, l.vkey, nil)
	denied("a key", err)
	f.mustPut(c, "request.created").mustPut(o, "review.objected").mustPut(c, "request.refused")
}

func TestAStepAgainIsTheSameTransaction(t *testing.T) {
	c := open(t, fabricConfig)
	f := newFile(newLog(t).register(c))
	s := f.next("request.created")
	first, err := c.PutStep(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.PutStep(t.Context(), s)
	if err != nil || again != first {
		t.Errorf("put again: %+v, %v; want %+v", again, err, first)
	}
	other := s
	other.Leaf[0] ^= 1
	_, err = c.PutStep(t.Context(), other)
	wantRefusal(t, err, "EXISTS")
}

func TestRivalStepsLeaveOneWinner(t *testing.T) {
	c, d := open(t, fabricConfig), open(t, fabricConfig)
	f := newFile(newLog(t).register(c)).mustPut(c, "request.created")
	results := make(chan error, 2)
	go func() { _, err := c.PutStep(t.Context(), f.next("request.approved")); results <- err }()
	go func() { _, err := d.PutStep(t.Context(), f.next("request.refused")); results <- err }()
	x, y := <-results, <-results
	if (x == nil) == (y == nil) || !errors.Is(errors.Join(x, y), plinth.ErrConflict) {
		t.Errorf("got %v and %v, want one winner and one conflict", x, y)
	}
}

func TestRivalsWithTheSameStepBothSucceed(t *testing.T) {
	c, d := open(t, fabricConfig), open(t, fabricConfig)
	s := newFile(newLog(t).register(c)).next("request.created")
	type result struct {
		tx  string
		err error
	}
	results := make(chan result, 2)
	for _, client := range []*fabric.Client{c, d} {
		go func() {
			a, err := client.PutStep(t.Context(), s)
			results <- result{a.TxID, err}
		}()
	}
	if x, y := <-results, <-results; x.err != nil || y.err != nil || x.tx != y.tx {
		t.Errorf("got %+v and %+v, want the same transaction", x, y)
	}
}

func TestStatusAndRedactionAreNotedOnce(t *testing.T) {
	c := open(t, fabricConfig)
	record, by := uuid.New(), uuid.New()
	first, err := c.SetStatus(t.Context(), record, "revoked", by)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.SetStatus(t.Context(), record, "revoked", by); err != nil || again != first {
		t.Errorf("the same status again: %+v, %v; want %+v", again, err, first)
	}
	_, err = c.SetStatus(t.Context(), record, "superseded", by)
	wantRefusal(t, err, "EXISTS")
	first, err = c.Redact(t.Context(), record, by)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Redact(t.Context(), record, by); err != nil || again != first {
		t.Errorf("the same redaction again: %+v, %v; want %+v", again, err, first)
	}
	_, err = c.Redact(t.Context(), record, uuid.New())
	wantRefusal(t, err, "EXISTS")
}
