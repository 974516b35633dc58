package sequencer

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"plinth"
	"plinth/ledger"
)

// StepChain is the part of the chain that keeps cases and what became of records. Calls for different cases and
// records are made concurrently; what is there already is answered with its first transaction. Errors are as Chain's.
type StepChain interface {
	// PutStep puts the next step of a case on the chain. It is refused with ORDER when the case's order does not
	// allow it, with EXISTS when another step has its place or the record has another, with SEQ when a step before it
	// is missing.
	PutStep(ctx context.Context, s ledger.Step) (Anchored, error)
	// AttestCase returns the organisations' endorsed read of how a case stands.
	AttestCase(ctx context.Context, c ledger.Tag) (ledger.Attestation, error)
	// SetStatus notes that a record is superseded, revoked or expired, and by which record.
	SetStatus(ctx context.Context, record uuid.UUID, status string, by uuid.UUID) (Anchored, error)
	// Redact notes that a record's payload was shredded, and which record tells of that.
	Redact(ctx context.Context, record, erasure uuid.UUID) (Anchored, error)
}

// StepState is how far a step, or the mark of a record, has come on its way to the chain.
type StepState string

// The states. What was refused stays so, is shown with the reason, and is never tried again.
const (
	StepWaiting StepState = "waiting"
	StepPut     StepState = "put"
	StepRefused StepState = "refused"
)

// CaseStep is an entry that is a step of a case.
type CaseStep struct {
	ledger.Step // Seq is 0 unless it is put
	State       StepState
	Reason      string // of a refusal; or what was in the way of one that waits
	Tries       int64  // attempts that led to nothing
	Place       Anchored
}

// Mark is what one record makes of another.
type Mark struct {
	Record uuid.UUID
	Mark   string // "superseded", "revoked", "expired" or "redacted"
	By     uuid.UUID
}

// Steps is where steps and marks wait for the chain, in the order of the log.
type Steps interface {
	// WaitingCases returns cases of which steps wait, those tried the least first, then the oldest.
	WaitingCases(ctx context.Context, limit int) ([]ledger.Tag, error)
	// WaitingSteps returns the oldest waiting steps of a case, and the number after the last one that was put.
	WaitingSteps(ctx context.Context, c ledger.Tag, limit int) (steps []CaseStep, next uint64, err error)
	// SaveStep keeps what became of a step that waits. One that was not refused and has no number waits on.
	SaveStep(ctx context.Context, s CaseStep) error
	// RestartCase lets the steps of a case that were put wait again: the chain does not know them.
	RestartCase(ctx context.Context, c ledger.Tag) error
	// CaseSteps returns the steps of a case in the order of the log.
	CaseSteps(ctx context.Context, c ledger.Tag) ([]CaseStep, error)
	// CaseOwner returns the organisation whose case it is: that of its first record; or plinth.ErrNotFound.
	CaseOwner(ctx context.Context, id string) (string, error)
	// WaitingMarks returns marks whose making record is in the log, those tried the least first.
	WaitingMarks(ctx context.Context, limit int) ([]Mark, error)
	// SaveMark keeps what became of a mark that waits.
	SaveMark(ctx context.Context, m Mark, state StepState, reason string, at Anchored) error
}

// How much is done at once. A step takes the chain about 120 ms, nearly all of it waiting.
const (
	stepWorkers = 8
	casesAtOnce = 64
	stepsAtOnce = 64
	marksAtOnce = 256
	// behindAfter is how often a case is tried before the chain is believed to have lost steps of it: a peer that is
	// a block behind says the same for a moment.
	behindAfter = 5
)

// CaseSteps returns the steps of a case in the order of the log, those that were refused among them. The case is named
// as records name it, e.g. "request:rq_1"; one that nobody knows has none.
func (s *Sequencer) CaseSteps(ctx context.Context, id string) ([]CaseStep, error) {
	if id == "" || len(id) > ledger.MaxCase {
		return nil, plinth.Invalid("case", "must be 1 to %d bytes", ledger.MaxCase)
	}
	return s.store.CaseSteps(ctx, ledger.SubjectTag(s.keys.Tenant, id))
}

// steps puts on the chain what waits: first steps, each case's strictly in the order of the log and the cases beside
// each other, then marks. The log never waits for this. What fails waits for the next call; one case's trouble is not
// another's.
func (s *Sequencer) steps(ctx context.Context) error {
	if a, err := s.store.Newest(ctx, ledger.Authz); err != nil || a.Size == 0 {
		return err // the chain takes steps of registered logs alone, and a log is registered with its first anchor
	}
	cases, err := s.store.WaitingCases(ctx, casesAtOnce)
	if err != nil {
		return fmt.Errorf("read the waiting cases: %w", err)
	}
	var g errgroup.Group
	g.SetLimit(stepWorkers)
	for _, c := range cases {
		g.Go(func() error { return s.stepCase(ctx, c) })
	}
	return errors.Join(g.Wait(), s.marks(ctx))
}

// stepCase puts the waiting steps of one case until none waits or one cannot be put now.
func (s *Sequencer) stepCase(ctx context.Context, c ledger.Tag) error {
	for {
		waiting, next, err := s.store.WaitingSteps(ctx, c, stepsAtOnce)
		if err != nil {
			return fmt.Errorf("read the waiting steps of case %s: %w", c, err)
		}
		for _, step := range waiting {
			step.Seq, step.Origin = next, s.lines[ledger.Authz].log.Origin()
			if next, err = s.step(ctx, step); err != nil {
				return err
			}
		}
		if len(waiting) < stepsAtOnce {
			return nil
		}
	}
}

// step puts one step and keeps what became of it. It returns the number for the step after it.
func (s *Sequencer) step(ctx context.Context, step CaseStep) (next uint64, err error) {
	first := step.Seq
	step, err = put(ctx, s.chain, step)
	if err != nil {
		return 0, errors.Join(err, s.postpone(context.WithoutCancel(ctx), step, err))
	}
	if step.State == StepRefused {
		s.log.ErrorContext(ctx, "step refused by the chain", "case", step.Case, "record", step.Record, "kind", step.Kind,
			"reason", step.Reason)
	}
	if err := s.store.SaveStep(ctx, step); err != nil {
		return 0, fmt.Errorf("keep step %s: %w", step.Record, err)
	}
	if step.State == StepRefused {
		return first, nil
	}
	return step.Seq + 1, nil
}

// postpone keeps why a step waits on.
func (s *Sequencer) postpone(ctx context.Context, step CaseStep, why error) error {
	if errors.Is(why, errBehind) && step.Tries >= behindAfter {
		s.log.WarnContext(ctx, "chain has fewer steps of a case than were put, putting them again", "case", step.Case)
		if err := s.store.RestartCase(ctx, step.Case); err != nil {
			return err
		}
	}
	step.Reason = why.Error()
	return s.store.SaveStep(ctx, step)
}

// errBehind means that the chain misses steps which it has confirmed before.
var errBehind = errors.New("the chain does not have the steps before this one")

// put asks the chain for the step, at the first place from step.Seq on that no other has: the overseer may have put a
// review in between. When an earlier call's outcome is unknown this one tells it, for the same step succeeds again.
//
// A step that the order does not allow is refused for good and takes no place, so that the case's later steps are
// judged by the order alone, as if it had not been tried. It stays in the log, where everybody can see that it was.
func put(ctx context.Context, chain StepChain, step CaseStep) (CaseStep, error) {
	taken := ""
	for first := step.Seq; ; step.Seq++ {
		at, err := chain.PutStep(ctx, step.Step)
		switch code, text := refusal(err); {
		case err == nil:
			step.State, step.Reason, step.Place = StepPut, "", at
			return step, nil
		case code == "ORDER":
			return step.refused(text), nil
		case code == "EXISTS":
			taken = text
		case code == "SEQ" && taken != "": // all places are others' and yet the record was said to have one
			return step.refused(taken), nil
		case code == "SEQ":
			return step, fmt.Errorf("step %d of case %s: %w: %w", first, step.Case, errBehind, err)
		default:
			return step, fmt.Errorf("put step %d of case %s: %w", step.Seq, step.Case, err)
		}
	}
}

func (c CaseStep) refused(why string) CaseStep {
	c.State, c.Seq, c.Reason = StepRefused, 0, why
	return c
}

// refusalCode finds the code in the text of a refusal, see Chain.
var refusalCode = regexp.MustCompile(`(?:^|: )([A-Z][A-Z0-9]+): `)

// refusal returns the code and the text with which the chain refused; empty when the error is something else.
func refusal(err error) (code, text string) {
	var e *plinth.Error
	if !errors.As(err, &e) || e.Kind != plinth.ErrConflict {
		return "", ""
	}
	if m := refusalCode.FindStringSubmatch(e.Text); m != nil {
		return m[1], e.Text
	}
	return "", e.Text
}

// marks puts on the chain what became of records. Marks of different records do not depend on each other.
func (s *Sequencer) marks(ctx context.Context) error {
	waiting, err := s.store.WaitingMarks(ctx, marksAtOnce)
	if err != nil {
		return fmt.Errorf("read the waiting marks: %w", err)
	}
	var g errgroup.Group
	g.SetLimit(stepWorkers)
	for _, m := range waiting {
		g.Go(func() error { return s.mark(ctx, m) })
	}
	return g.Wait()
}

func (s *Sequencer) mark(ctx context.Context, m Mark) error {
	at, err := m.put(ctx, s.chain)
	switch code, text := refusal(err); {
	case err == nil:
		err = s.store.SaveMark(ctx, m, StepPut, "", at)
	case code == "EXISTS":
		s.log.ErrorContext(ctx, "mark refused by the chain", "record", m.Record, "mark", m.Mark, "by", m.By, "reason", text)
		err = s.store.SaveMark(ctx, m, StepRefused, text, at)
	default:
		err = errors.Join(err, s.store.SaveMark(context.WithoutCancel(ctx), m, StepWaiting, err.Error(), at))
	}
	if err != nil {
		return fmt.Errorf("mark record %s as %s: %w", m.Record, m.Mark, err)
	}
	return nil
}

func (m Mark) put(ctx context.Context, chain StepChain) (Anchored, error) {
	if m.Mark == "redacted" {
		return chain.Redact(ctx, m.Record, m.By)
	}
	return chain.SetStatus(ctx, m.Record, m.Mark, m.By)
}
