package api

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/types/known/structpb"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/ledger/inspection"
)

func (s *evidenceService) StartAudit(ctx context.Context, _ *pb.StartAuditRequest) (*pb.EvidenceJob, error) {
	return jobOut(s.e.Desk.Start(ctx, inspection.Audit, plinth.PrincipalFrom(ctx), 0, 0))
}

func (s *evidenceService) StartDrill(ctx context.Context, r *pb.StartDrillRequest) (*pb.EvidenceJob, error) {
	if r.GetSeed() < 0 {
		return nil, plinth.Invalid("seed", "must not be negative")
	}
	return jobOut(s.e.Desk.Start(ctx, inspection.Drill, plinth.PrincipalFrom(ctx), uint64(r.GetSeed()), int(r.GetRounds())))
}

func (s *evidenceService) GetEvidenceJob(ctx context.Context, r *pb.GetEvidenceJobRequest) (*pb.EvidenceJob, error) {
	return jobOut(s.e.Desk.Get(ctx, r.GetJobId()))
}

func (s *evidenceService) CancelEvidenceJob(ctx context.Context, r *pb.CancelEvidenceJobRequest) (*pb.EvidenceJob, error) {
	return jobOut(s.e.Desk.Cancel(ctx, r.GetJobId()))
}

func (s *evidenceService) ListEvidenceJobs(ctx context.Context, r *pb.ListEvidenceJobsRequest) (*pb.ListEvidenceJobsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := s.e.Desk.List(ctx, after, limit+1)
	if err != nil {
		return nil, err
	}
	all, next := cut(all, limit, func(j inspection.Job) string { return j.ID })
	out := &pb.ListEvidenceJobsResponse{NextPageToken: next}
	for _, j := range all {
		j.Report = nil // a list shows the verdict; the report is the job's own
		one, err := jobOut(j, nil)
		if err != nil {
			return nil, err
		}
		out.Jobs = append(out.Jobs, one)
	}
	return out, nil
}

// jobOut is a job on the wire. It passes an error through, so that a handler is one line.
func jobOut(j inspection.Job, err error) (*pb.EvidenceJob, error) {
	if err != nil {
		return nil, err
	}
	out := &pb.EvidenceJob{JobId: j.ID, Kind: string(j.Kind), State: string(j.State), StartedBy: j.ByName,
		StartedAt: stamp(j.StartedAt), EndedAt: stamp(j.EndedAt), Stage: j.Stage, Done: j.Done, Total: j.Total,
		Seed: int64(j.Seed), Rounds: int32(j.Rounds), Word: j.Word, Reason: j.Reason}
	if len(j.Report) == 0 {
		return out, nil
	}
	var report map[string]any
	if err := json.Unmarshal(j.Report, &report); err != nil {
		return nil, fmt.Errorf("read the report of %s: %w", j.ID, err)
	}
	out.Report, err = structpb.NewStruct(report)
	return out, err
}
