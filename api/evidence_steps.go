package api

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// caseShown is how many records of a case one answer holds. A case has some ten, but for uses of a grant.
const caseShown = 1000

// pendingStep is the state of a step whose record is not in the log yet.
const pendingStep = "pending"

func (s *evidenceService) GetCase(ctx context.Context, r *pb.GetCaseRequest) (*pb.EvidenceCase, error) {
	steps, err := s.e.Sequencer.CaseSteps(ctx, r.GetCaseId())
	if err != nil {
		return nil, err
	}
	f := sequencer.Filter{Case: r.GetCaseId()}
	records, err := s.e.Store.List(ctx, f, 0, caseShown)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, plinth.Errorf(plinth.ErrNotFound, "there is no case %q", r.GetCaseId())
	}
	slices.Reverse(records)
	out := &pb.EvidenceCase{CaseId: r.GetCaseId(), State: caseState(steps)}
	out.TotalSize, err = s.e.Store.Count(ctx, f)
	known := map[uuid.UUID]sequencer.CaseStep{}
	for _, c := range steps {
		known[c.Record] = c
	}
	for _, l := range records {
		out.Steps = append(out.Steps, stepOut(l, known))
	}
	return out, err
}

// caseState is where the steps that are on the chain have brought the case, by the contract's own table.
func caseState(steps []sequencer.CaseStep) string {
	put := slices.DeleteFunc(slices.Clone(steps), func(c sequencer.CaseStep) bool { return c.State != sequencer.StepPut })
	slices.SortFunc(put, func(a, b sequencer.CaseStep) int { return int(a.Seq) - int(b.Seq) })
	state := ""
	for _, c := range put {
		if next, err := ledger.NextState(state, c.Kind); err == nil {
			state = next
		}
	}
	return state
}

func stepOut(l sequencer.Listed, known map[uuid.UUID]sequencer.CaseStep) *pb.CaseStep {
	out := &pb.CaseStep{Kind: l.Kind, State: pendingStep, Record: recordOut(l)}
	if c, ok := known[l.ID]; ok {
		out.Seq, out.State, out.Reason, out.Tries = int64(c.Seq), string(c.State), c.Reason, c.Tries
		out.TxId, out.Block = c.Place.TxID, int64(c.Place.Block)
	}
	return out
}
