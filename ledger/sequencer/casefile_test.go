package sequencer_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

func TestCaseFileTellsTheWholeCase(t *testing.T) {
	h := newHouse(t)
	var records []ledger.Record
	for _, kind := range append(grantLife, "decision.permit") { // the last one is refused
		records = append(records, h.step(kind, "request:a"))
		h.step(kind, "request:b")
		h.write(2)
	}
	s, _ := h.run()
	h.agree(s, "request:a", records[:len(grantLife)]...)
	var file []byte
	h.until(func() (ok bool) {
		var err error
		if file, err = s.CaseFile(t.Context(), "request:a"); err != nil && !errors.Is(err, plinth.ErrConflict) {
			t.Fatal(err)
		}
		return err == nil
	})
	p := h.trust()
	p.LogKeys = s.LogKeys()
	v, err := ledger.VerifyCase(file, p)
	if err != nil || len(v.Steps) != len(grantLife) || len(v.Refused) != 1 || v.Attested.State != "revoked" {
		t.Fatalf("%d steps, %d refused, %q, %v", len(v.Steps), len(v.Refused), v.Attested.State, err)
	}
	for i, st := range v.Steps {
		if st.Entry.ID != records[i].ID {
			t.Errorf("step %d is %s, want %s", i+1, st.Entry.ID, records[i].ID)
		}
	}
	if org, err := s.CaseOwner(t.Context(), "request:a"); err != nil || org != "civil" {
		t.Errorf("owner %q, %v", org, err)
	}
}

func TestUnknownCaseHasNoFile(t *testing.T) {
	h := newHouse(t)
	s, _ := h.run()
	if _, err := s.CaseFile(t.Context(), "request:unknown"); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	for _, id := range []string{"request:unknown", ""} {
		if _, err := s.CaseOwner(t.Context(), id); !errors.Is(err, plinth.ErrNotFound) {
			t.Errorf("owner of %q: got %v, want ErrNotFound", id, err)
		}
	}
}

// TestNoFileOfACaseThatOthersWroteIn lets the overseer put a review, whose entry is not in our log.
func TestNoFileOfACaseThatOthersWroteIn(t *testing.T) {
	h := newHouse(t)
	first := h.step("request.created", "request:a")
	s, _ := h.run()
	h.agree(s, "request:a", first)
	h.wait("anchored", first.ID)
	tag := h.steps(s, "request:a")[0].Case
	if _, err := h.chain.PutStep(t.Context(), ledger.Step{Case: tag, Seq: 2, Kind: "review.noted", Record: uuid.New(), Origin: "o/log"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CaseFile(t.Context(), "request:a"); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}
