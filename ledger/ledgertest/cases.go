package ledgertest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// cases is the part of the chain's state that concerns cases and records.
type cases struct {
	stand  map[ledger.Tag]ledger.AttestedCase
	place  map[ledger.Tag]sequencer.Anchored // of the newest step
	steps  map[string]string                 // by ledger.StepKey
	stepOf map[uuid.UUID]bool
	notes  map[string]string // by ledger.StatusKey and ledger.RedactionKey
	placed map[string]sequencer.Anchored
}

func newCases() cases {
	return cases{stand: map[ledger.Tag]ledger.AttestedCase{}, place: map[ledger.Tag]sequencer.Anchored{},
		steps: map[string]string{}, stepOf: map[uuid.UUID]bool{}, notes: map[string]string{},
		placed: map[string]sequencer.Anchored{}}
}

// ForgetCases takes all steps and notes from the chain, as when it was made anew.
func (c *Chain) ForgetCases() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cases = newCases()
}

// Note returns what the chain keeps under a ledger.StatusKey or ledger.RedactionKey; empty for nothing.
func (c *Chain) Note(key string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cases.notes[key]
}

// Case returns how a case stands; the zero value when it has no step.
func (c *Chain) Case(tag ledger.Tag) ledger.AttestedCase {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cases.stand[tag]
}

// PutStep puts the next step of a case, if its order allows it.
func (c *Chain) PutStep(_ context.Context, s ledger.Step) (at sequencer.Anchored, err error) {
	err = c.call("PutStep", func() (err error) {
		at, err = c.putStep(s)
		return err
	})
	return at, err
}

func (c *Chain) putStep(s ledger.Step) (sequencer.Anchored, error) {
	if err := s.Validate(); err != nil {
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "ARGS: %w", err)
	}
	now, key := c.cases.stand[s.Case], ledger.StepKey(s.Case, s.Seq)
	switch {
	case s.Seq <= now.Count && c.cases.steps[key] == s.String():
		return c.cases.placed[key], nil
	case s.Seq <= now.Count:
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "EXISTS: step %d of the case is another one", s.Seq)
	case s.Seq != now.Count+1:
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "SEQ: the case has %d steps", now.Count)
	case c.cases.stepOf[s.Record]:
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "EXISTS: the record is a step already")
	}
	state, err := ledger.NextState(now.State, s.Kind)
	if err != nil {
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "ORDER: %w", err)
	}
	at := c.transaction(s.String())
	c.cases.stand[s.Case] = ledger.AttestedCase{Channel: ledger.DefaultChannel, Case: s.Case, Count: s.Seq, State: state,
		Digest: now.Digest.Add(s), TxID: at.TxID}
	c.cases.steps[key], c.cases.stepOf[s.Record], c.cases.placed[key], c.cases.place[s.Case] = s.String(), true, at, at
	return at, nil
}

func (c *Chain) transaction(what string) sequencer.Anchored {
	c.block++
	return sequencer.Anchored{TxID: fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%d %s", c.block, what))), Block: c.block}
}

// AttestCase returns the organisations' word on how a case stands.
func (c *Chain) AttestCase(_ context.Context, tag ledger.Tag) (a ledger.Attestation, err error) {
	err = c.call("AttestCase", func() error {
		now, ok := c.cases.stand[tag]
		if !ok {
			return plinth.Errorf(plinth.ErrNotFound, "NOTFOUND: there is no case %s", tag)
		}
		a = AnswerForCase(now, c.cases.place[tag].Block).Attest(c.Orgs...)
		return nil
	})
	return a, err
}

// SetStatus notes what became of a record.
func (c *Chain) SetStatus(_ context.Context, record uuid.UUID, status string, by uuid.UUID) (at sequencer.Anchored, err error) {
	err = c.call("SetStatus", func() (err error) {
		at, err = c.note(ledger.StatusKey(record), status+"\n"+by.String()+"\n")
		return err
	})
	return at, err
}

// Redact notes that a record's payload was shredded.
func (c *Chain) Redact(_ context.Context, record, erasure uuid.UUID) (at sequencer.Anchored, err error) {
	err = c.call("Redact", func() (err error) {
		at, err = c.note(ledger.RedactionKey(record), erasure.String()+"\n")
		return err
	})
	return at, err
}

// note writes once; only what is expired may still be superseded or revoked.
func (c *Chain) note(key, value string) (sequencer.Anchored, error) {
	old := c.cases.notes[key]
	if old == value {
		return c.cases.placed[key], nil
	}
	if old != "" && !strings.HasPrefix(old, "expired\n") {
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "EXISTS: the record is noted as %q already", old)
	}
	c.cases.notes[key], c.cases.placed[key] = value, c.transaction(key)
	return c.cases.placed[key], nil
}

var _ sequencer.StepChain = (*Chain)(nil)
