package sequencer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plinth"
	"plinth/ledger"
)

// CaseOwner returns the organisation whose case it is, or plinth.ErrNotFound.
func (s *Sequencer) CaseOwner(ctx context.Context, id string) (string, error) {
	return s.store.CaseOwner(ctx, id)
}

// Reasons why there is no file just now; it will be there within seconds.
var (
	errCaseMoving      = errors.New("steps of the case are on their way, its file will be there within seconds")
	errCaseNotAnchored = errors.New("the case's newest step is not anchored yet, its file will be there within seconds")
)

// CaseFile returns the file of a case as it stands on the chain, verified as an auditor will. It returns
// plinth.ErrNotFound for a case without a step, and plinth.ErrConflict while there is no file that would hold.
func (s *Sequencer) CaseFile(ctx context.Context, id string) ([]byte, error) {
	tag := ledger.SubjectTag(s.keys.Tenant, id)
	word, err := s.chain.AttestCase(ctx, tag)
	if err != nil {
		return nil, err
	}
	attested, _, err := ledger.VerifyCaseAttestation(word, s.trust())
	if err != nil {
		return nil, fmt.Errorf("attest case %s: the answer does not hold: %w", tag, err)
	}
	steps, err := s.attestedSteps(ctx, tag, attested)
	if err != nil {
		return nil, err
	}
	f := ledger.CaseFile{Case: tag, CaseAttestation: word}
	if err := s.fillCase(ctx, &f, steps); err != nil {
		return nil, err
	}
	file, err := f.Encode()
	if err != nil {
		return nil, err
	}
	p := s.trust()
	p.LogKeys = s.LogKeys()
	if _, err := ledger.VerifyCase(file, p); err != nil {
		return nil, fmt.Errorf("file of case %s: it does not hold: %w", tag, err)
	}
	return file, nil
}

// caseWait bounds the wait for the database to know a step that the chain has.
const caseWait = 3 * time.Second

// attestedSteps returns the steps that the organisations attest, and those that were refused. A step may be on the
// chain a moment before the database says so.
func (s *Sequencer) attestedSteps(ctx context.Context, tag ledger.Tag, a ledger.AttestedCase) ([]CaseStep, error) {
	ctx, cancel := context.WithTimeout(ctx, caseWait)
	defer cancel()
	for {
		steps, err := s.store.CaseSteps(ctx, tag)
		if err != nil {
			return nil, err
		}
		var out []CaseStep
		put := uint64(0)
		for _, st := range steps {
			if st.State == StepPut && st.Seq <= a.Count {
				put++
			}
			if st.State == StepRefused || st.State == StepPut && st.Seq <= a.Count {
				out = append(out, st)
			}
		}
		if put == a.Count {
			return out, nil
		}
		select {
		case <-ctx.Done():
			return nil, plinth.Errorf(plinth.ErrConflict, "%w", errCaseMoving)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// fillCase puts entries, checkpoint and proof into the file.
func (s *Sequencer) fillCase(ctx context.Context, f *ledger.CaseFile, steps []CaseStep) error {
	l := s.lines[ledger.Authz].log
	a, err := s.store.Newest(ctx, ledger.Authz)
	if err != nil {
		return fmt.Errorf("read the newest anchor: %w", err)
	}
	for _, st := range steps {
		if st.Index >= a.Size && st.State == StepRefused {
			continue
		}
		if st.Index >= a.Size {
			return plinth.Errorf(plinth.ErrConflict, "%w", errCaseNotAnchored)
		}
		b, err := l.Entry(st.Index)
		if err != nil {
			return err
		}
		e := ledger.CaseEntry{Index: st.Index, Entry: b}
		if st.State == StepPut {
			f.Steps = append(f.Steps, e)
		} else {
			f.Refused = append(f.Refused, e)
		}
	}
	f.Checkpoint, f.Attestation = a.Note, a.Attestation
	at, _ := f.Places()
	f.Proof, err = ledger.ProveLeaves(a.Size, at, l.main.nodes(a.Size))
	return err
}
