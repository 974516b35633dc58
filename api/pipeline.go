package api

import (
	"context"
	"strconv"

	"google.golang.org/grpc"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/internal/clickhouse"
	"plinth/pipelines"
)

// RunList reads the runs, newest first, from after one; an empty id begins at the newest.
type RunList interface {
	Run(ctx context.Context, id plinth.RunID) (pipelines.Run, error)
	List(ctx context.Context, after plinth.RunID, limit int) ([]pipelines.Run, error)
}

// DeadLetterList reads the dead letters, newest first, and how many there are in all.
type DeadLetterList interface {
	List(ctx context.Context, f clickhouse.DeadLetterFilter) ([]pipelines.DeadLetter, int64, error)
}

// NewPipelines is the service that shows how data moves.
func NewPipelines(mappings map[string]*pipelines.Mapping, runs RunList, dead DeadLetterList) Service {
	s := &pipelineService{mappings: mappings, runs: runs, dead: dead}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterPipelineServiceServer(r, s) },
		Gateway:  pb.RegisterPipelineServiceHandler,
	}
}

type pipelineService struct {
	pb.UnimplementedPipelineServiceServer
	mappings map[string]*pipelines.Mapping
	runs     RunList
	dead     DeadLetterList
}

func (s *pipelineService) ListMappings(context.Context, *pb.ListMappingsRequest) (*pb.ListMappingsResponse, error) {
	out := &pb.ListMappingsResponse{}
	for _, name := range sortedKeys(s.mappings) {
		m := s.mappings[name]
		out.Mappings = append(out.Mappings, &pb.Mapping{Name: m.Name, Title: m.Title.ZH + " / " + m.Title.EN, Target: string(m.Target)})
	}
	return out, nil
}

func (s *pipelineService) ListRuns(ctx context.Context, r *pb.ListRunsRequest) (*pb.ListRunsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := s.runs.List(ctx, plinth.RunID(after), limit+1)
	if err != nil {
		return nil, err
	}
	all, next := cut(all, limit, func(r pipelines.Run) string { return string(r.ID) })
	out := &pb.ListRunsResponse{NextPageToken: next}
	for _, run := range all {
		out.Runs = append(out.Runs, runOut(run))
	}
	return out, nil
}

func (s *pipelineService) GetRun(ctx context.Context, r *pb.GetRunRequest) (*pb.Run, error) {
	run, err := s.runs.Run(ctx, plinth.RunID(r.GetId()))
	if err != nil {
		return nil, err
	}
	return runOut(run), nil
}

func runOut(r pipelines.Run) *pb.Run {
	return &pb.Run{Id: string(r.ID), Kind: string(r.Kind), Pipeline: r.Pipeline, Source: r.Source, StartedBy: r.StartedBy,
		StartedAt: stamp(r.Started), EndedAt: stamp(r.Ended), State: string(r.State), RowsIn: r.In, RowsStored: r.Stored,
		RowsKnown: r.Known, RowsDead: r.Dead, Error: r.Error}
}

func (s *pipelineService) ListDeadLetters(ctx context.Context, r *pb.ListDeadLettersRequest) (*pb.ListDeadLettersResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	f := clickhouse.DeadLetterFilter{Run: plinth.RunID(r.GetRunId()), Source: r.GetSource(), Limit: limit}
	if after != "" {
		if f.Offset, err = strconv.Atoi(after); err != nil || f.Offset < 0 {
			return nil, plinth.Invalid("pageToken", "is not one that this server gave")
		}
	}
	all, total, err := s.dead.List(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &pb.ListDeadLettersResponse{TotalSize: total}
	if next := f.Offset + len(all); int64(next) < total && len(all) > 0 {
		out.NextPageToken = nextPage(strconv.Itoa(next))
	}
	for _, d := range all {
		out.DeadLetters = append(out.DeadLetters, &pb.DeadLetter{At: stamp(d.At), Source: d.Source, Row: int64(d.Row), Field: d.Field,
			Reason: d.Reason, Payload: d.Payload, RunId: string(d.Run)})
	}
	return out, nil
}
