package sequencer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/sequencer"
)

// steps returns a case's steps as the database shows them, once there are some and none of them waits.
func (h *house) steps(s *sequencer.Sequencer, in string, least ...ledger.Record) []sequencer.CaseStep {
	h.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		steps, err := s.CaseSteps(h.t.Context(), in)
		if err != nil {
			h.t.Fatal(err)
		}
		waiting := 0
		for _, st := range steps {
			if st.State == sequencer.StepWaiting {
				waiting++
			}
		}
		if len(steps) >= max(1, len(least)) && waiting == 0 {
			return steps
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%s: %d of %d steps wait: %+v", in, waiting, len(steps), steps)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// agree checks that the chain has the records of a case in their order and nothing else.
func (h *house) agree(s *sequencer.Sequencer, in string, want ...ledger.Record) {
	h.t.Helper()
	var digest ledger.CaseDigest
	put := 0
	var tag ledger.Tag
	for _, st := range h.steps(s, in, want...) {
		if tag = st.Case; st.State != sequencer.StepPut {
			continue
		}
		if put == len(want) || st.Record != want[put].ID || st.Seq != uint64(put+1) || st.Place.TxID == "" {
			h.t.Fatalf("%s: step %d is %+v", in, put+1, st)
		}
		digest = digest.Add(st.Step)
		put++
	}
	if c := h.chain.Case(tag); put != len(want) || c.Count != uint64(put) || c.Digest != digest {
		h.t.Errorf("%s: %d of %d steps put, the chain has %+v, want digest %s", in, put, len(want), c, digest)
	}
}

var grantLife = []string{"request.created", "request.approved", "grant.created", "decision.permit", "grant.revoked"}

func TestStepsOfManyCasesGoOnTheChainEachInItsOrder(t *testing.T) {
	h := newHouse(t)
	life := map[string][]ledger.Record{}
	for _, kind := range grantLife {
		for i := range 12 {
			in := fmt.Sprintf("request:rq_%d", i)
			life[in] = append(life[in], h.step(kind, in))
		}
	}
	s, _ := h.run()
	for in, records := range life {
		h.agree(s, in, records...)
		if c := h.chain.Case(h.steps(s, in)[0].Case); c.State != "revoked" {
			t.Errorf("%s ends %q", in, c.State)
		}
	}
}

// TestTroubleWithStepsIsWaitedOut lets calls fail before and after their effect; in the end each step is there once.
func TestTroubleWithStepsIsWaitedOut(t *testing.T) {
	h := newHouse(t)
	away, unknown := plinth.Errorf(plinth.ErrUnavailable, "away"), ledger.ErrUnknownOutcome
	raced := plinth.Errorf(plinth.ErrConflict, "refused by the chain: MVCC: the head moved meanwhile")
	for range 2 {
		for _, err := range []error{away, unknown, raced} {
			h.chain.Fail(ledgertest.Fault{Call: "PutStep", Err: err}, ledgertest.Fault{Call: "PutStep", After: true, Err: unknown})
		}
	}
	var a, b []ledger.Record
	for _, kind := range grantLife {
		a, b = append(a, h.step(kind, "request:a")), append(b, h.step(kind, "request:b"))
	}
	s, _ := h.run()
	h.agree(s, "request:a", a...)
	h.agree(s, "request:b", b...)
}

// TestStepsSurviveAStopAtAnyCall ends the process in the middle of a step, with the answer lost, again and again.
func TestStepsSurviveAStopAtAnyCall(t *testing.T) {
	h := newHouse(t)
	var records []ledger.Record
	s, stop := h.run()
	for _, kind := range grantLife {
		lost := make(chan struct{})
		h.chain.Fail(ledgertest.Fault{Call: "PutStep", After: true, Err: ledger.ErrUnknownOutcome, Struck: lost})
		records = append(records, h.step(kind, "request:a"))
		select {
		case <-lost:
		case <-time.After(20 * time.Second):
			t.Fatal("the step was never put")
		}
		stop()
		s, stop = h.run()
	}
	h.agree(s, "request:a", records...)
}

// TestRefusedStepIsKeptAndDoesNotBlockTheCase writes a grant before its approval, and a use after its revocation.
func TestRefusedStepIsKeptAndDoesNotBlockTheCase(t *testing.T) {
	h := newHouse(t)
	told := &tally{}
	h.logger = slog.New(told)
	var good []ledger.Record
	bad := map[uuid.UUID]bool{}
	for _, st := range []struct {
		kind string
		bad  bool
	}{{"request.created", false}, {"grant.created", true}, {"request.approved", false}, {"grant.created", false},
		{"grant.revoked", false}, {"decision.permit", true}} {
		r := h.step(st.kind, "request:a")
		if st.bad {
			bad[r.ID] = true
		} else {
			good = append(good, r)
		}
	}
	s, _ := h.run()
	h.agree(s, "request:a", good...)
	for _, st := range h.steps(s, "request:a") {
		if bad[st.Record] != (st.State == sequencer.StepRefused) || bad[st.Record] != strings.Contains(st.Reason, "ORDER") {
			t.Errorf("%s is %s: %s", st.Kind, st.State, st.Reason)
		}
	}
	h.agree(s, "request:a", good...)
	if n := told.count("step refused by the chain"); n != len(bad) {
		t.Errorf("%d refusals were logged, want %d", n, len(bad))
	}
}

// TestOldContractLetsTheLogGoOn runs against a contract that knows no steps, and then against its successor.
func TestOldContractLetsTheLogGoOn(t *testing.T) {
	h := newHouse(t)
	for range 5000 {
		h.chain.Fail(ledgertest.Fault{Call: "PutStep", Err: plinth.Errorf(plinth.ErrConflict, `refused by the chain: ARGS: there is no function "PutStep"`)})
	}
	first := h.step("request.created", "request:a")
	s, _ := h.run()
	h.wait("anchored", first.ID)
	h.until(func() bool { return s.Status()[0].StepErr != nil })
	h.wait("anchored", h.write(3)...)
	h.chain.Heal()
	h.agree(s, "request:a", first)
	h.until(func() bool { return s.Status()[0].StepErr == nil })
}

// TestStepsGoAroundOthers lets the overseer put reviews into the case, before and between ours.
func TestStepsGoAroundOthers(t *testing.T) {
	h := newHouse(t)
	first := h.step("request.created", "request:a")
	s, _ := h.run()
	tag := h.steps(s, "request:a")[0].Case
	if _, err := h.chain.PutStep(t.Context(), ledger.Step{Case: tag, Seq: 2, Kind: "review.noted", Record: uuid.New(),
		Origin: "overseer/log"}); err != nil {
		t.Fatal(err)
	}
	second := h.step("request.approved", "request:a")
	h.wait("anchored", second.ID)
	steps := h.steps(s, "request:a")
	if len(steps) != 2 || steps[0].Record != first.ID || steps[1].Seq != 3 || h.chain.Case(tag).State != "approved" {
		t.Errorf("steps are %+v, the chain has %+v", steps, h.chain.Case(tag))
	}
}

func TestStepsLostByTheChainArePutAgain(t *testing.T) {
	h := newHouse(t)
	records := []ledger.Record{h.step("request.created", "request:a"), h.step("request.approved", "request:a")}
	s, _ := h.run()
	h.agree(s, "request:a", records...)
	h.chain.ForgetCases()
	records = append(records, h.step("grant.created", "request:a"))
	h.wait("anchored", records[2].ID)
	h.agree(s, "request:a", records...)
}

func TestLostStepsAreFoundAgainOnTheChain(t *testing.T) {
	h := newHouse(t)
	records := []ledger.Record{h.step("request.created", "request:a"), h.step("request.approved", "request:a")}
	s, stop := h.run()
	h.agree(s, "request:a", records...)
	stop()
	for _, q := range []string{`DELETE FROM ledger_entry`, `DELETE FROM ledger_log`, `DELETE FROM ledger_step`} {
		if _, err := h.db.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	s, _ = h.run()
	h.agree(s, "request:a", records...)
}

func TestWhatBecameOfARecordGoesOnTheChain(t *testing.T) {
	h := newHouse(t)
	made := h.step("grant.created", "request:x")
	ended := h.record(ledger.Record{Kind: "grant.revoked", Supersedes: made.ID, Relation: ledger.Invalidated})
	edited := h.record(ledger.Record{Kind: "grant.created", Supersedes: ended.ID})
	late := h.record(ledger.Record{Kind: "grant.created", Supersedes: ended.ID})
	_, _ = h.run()
	h.until(func() bool {
		return h.chain.Note(ledger.StatusKey(made.ID)) == "revoked\n"+ended.ID.String()+"\n" &&
			h.chain.Note(ledger.StatusKey(ended.ID)) != ""
	})
	want := map[string]bool{edited.ID.String(): true, late.ID.String(): true}
	if note := strings.Split(h.chain.Note(ledger.StatusKey(ended.ID)), "\n"); note[0] != "superseded" || !want[note[1]] {
		t.Errorf("the revocation is noted as %q", note)
	}
	h.until(func() bool {
		var refused int
		if err := h.db.QueryRow(t.Context(), `SELECT count(*) FROM ledger_mark WHERE state = 'refused' AND reason <> ''`).Scan(&refused); err != nil {
			t.Fatal(err)
		}
		return refused == 1
	})
}

func TestStrangersCaseHasNoSteps(t *testing.T) {
	h := newHouse(t)
	s, _ := h.run()
	if steps, err := s.CaseSteps(t.Context(), "request:unknown"); err != nil || len(steps) != 0 {
		t.Errorf("got %v, %v", steps, err)
	}
	if _, err := s.CaseSteps(t.Context(), ""); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("no case: got %v, want ErrInvalid", err)
	}
}

// until polls until something holds.
func (h *house) until(holds func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatal("it never held")
		}
	}
}

// tally counts the lines of a log by message.
type tally struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *tally) count(message string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[message]
}

func (c *tally) Enabled(context.Context, slog.Level) bool { return true }

func (c *tally) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	c.seen[r.Message]++
	return nil
}

func (c *tally) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *tally) WithGroup(string) slog.Handler      { return c }
