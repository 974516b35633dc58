package api

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/internal/postgres"
	"plinth/pipelines"
)

// RunList reads the runs, newest first, and what they sum up to by pipeline.
type RunList interface {
	Run(ctx context.Context, id plinth.RunID) (pipelines.Run, error)
	List(ctx context.Context, f postgres.RunFilter) ([]pipelines.Run, error)
	Totals(ctx context.Context) (map[string]pipelines.Totals, error)
}

// PipelineDeps are what the service of pipelines is made of.
type PipelineDeps struct {
	Board    *pipelines.Board
	Paces    *pipelines.Paces
	Mappings func() map[string]*pipelines.Mapping
	Runs     RunList
	Letters  LetterList
	Acts     LetterActList
	Desk     *pipelines.LetterDesk
	Replays  *pipelines.ReplayDesk
	// ReplayList reads what Replays made.
	ReplayList ReplayList
	Names      Directory
	Now        func() time.Time
}

// NewPipelines is the service that shows how data moves.
func NewPipelines(d PipelineDeps) Service {
	s := &pipelineService{PipelineDeps: d}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterPipelineServiceServer(r, s) },
		Gateway:  pb.RegisterPipelineServiceHandler,
	}
}

type pipelineService struct {
	pb.UnimplementedPipelineServiceServer
	PipelineDeps
}

func (s *pipelineService) ListMappings(context.Context, *pb.ListMappingsRequest) (*pb.ListMappingsResponse, error) {
	out := &pb.ListMappingsResponse{}
	all := s.Mappings()
	for _, name := range sortedKeys(all) {
		m := all[name]
		out.Mappings = append(out.Mappings, &pb.Mapping{Name: m.Name, Title: m.Title.ZH + " / " + m.Title.EN, Target: string(m.Target)})
	}
	return out, nil
}

func (s *pipelineService) ListRuns(ctx context.Context, r *pb.ListRunsRequest) (*pb.ListRunsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := s.Runs.List(ctx, postgres.RunFilter{Pipeline: r.GetPipeline(), State: pipelines.RunState(r.GetState()),
		After: plinth.RunID(after), Limit: limit + 1})
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
	run, err := s.Runs.Run(ctx, plinth.RunID(r.GetId()))
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
