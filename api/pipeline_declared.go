package api

import (
	"context"
	"time"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/pipelines"
)

func (s *pipelineService) ListPipelines(ctx context.Context, r *pb.ListPipelinesRequest) (*pb.ListPipelinesResponse, error) {
	all, err := s.Board.List(ctx)
	if err != nil {
		return nil, err
	}
	totals, err := s.Runs.Totals(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.ListPipelinesResponse{}
	for i := range all {
		p := &all[i]
		if r.GetKind() != "" && r.GetKind() != string(p.Kind) || r.GetOwner() != "" && r.GetOwner() != string(p.Owner) ||
			r.GetState() != "" && r.GetState() != pipelineState(p) {
			continue
		}
		out.Pipelines = append(out.Pipelines, s.pipeline(ctx, p, totals))
	}
	return out, nil
}

func (s *pipelineService) GetPipeline(ctx context.Context, r *pb.GetPipelineRequest) (*pb.Pipeline, error) {
	p, err := s.Board.Get(ctx, r.GetId())
	return s.pipelineOut(ctx, p, err)
}

func (s *pipelineService) DeclarePipeline(ctx context.Context, r *pb.DeclarePipelineRequest) (*pb.Pipeline, error) {
	if r.GetCheckOnly() {
		p, err := s.Board.Check(ctx, []byte(r.GetYaml()))
		return s.pipelineOut(ctx, p, err)
	}
	p, err := s.Board.Declare(ctx, plinth.PrincipalFrom(ctx), []byte(r.GetYaml()), r.GetVersion())
	return s.pipelineOut(ctx, p, err)
}

func (s *pipelineService) PausePipeline(ctx context.Context, r *pb.PausePipelineRequest) (*pb.Pipeline, error) {
	p, err := s.Board.Pause(ctx, plinth.PrincipalFrom(ctx), r.GetId(), r.GetReason())
	return s.pipelineOut(ctx, p, err)
}

func (s *pipelineService) ResumePipeline(ctx context.Context, r *pb.ResumePipelineRequest) (*pb.Pipeline, error) {
	p, err := s.Board.Resume(ctx, plinth.PrincipalFrom(ctx), r.GetId())
	return s.pipelineOut(ctx, p, err)
}

// pipelineOut is one pipeline with its figures. It passes an error through.
func (s *pipelineService) pipelineOut(ctx context.Context, p pipelines.Pipeline, err error) (*pb.Pipeline, error) {
	if err != nil {
		return nil, err
	}
	totals, err := s.Runs.Totals(ctx)
	if err != nil {
		return nil, err
	}
	return s.pipeline(ctx, &p, totals), nil
}

func pipelineState(p *pipelines.Pipeline) string {
	if p.Pause != nil {
		return "paused"
	}
	return "running"
}

func (s *pipelineService) pipeline(ctx context.Context, p *pipelines.Pipeline, totals map[string]pipelines.Totals) *pb.Pipeline {
	in := p.Source
	out := &pb.Pipeline{Id: p.ID, Title: &pb.Text{Zh: p.Title.ZH, En: p.Title.EN}, Kind: string(p.Kind), Mapping: p.Mapping,
		Source: &pb.PipelineSource{Domain: in.Domain, Topic: in.Topic(), Folder: in.Folder, Pattern: in.Pattern, Url: in.URL,
			Format: in.Format, Cursor: in.Cursor, EveryS: int64(in.Interval() / time.Second)},
		Sink: string(p.Sink), Owner: string(p.Owner), OwnerName: s.Names.AgentName(ctx, p.Owner), Origin: string(p.Origin),
		State: pipelineState(p), Version: p.Version, UpdatedAt: stamp(p.Updated), UpdatedBy: string(p.UpdatedBy),
		Yaml: p.YAML(), Figures: s.figures(p, totals[p.ID])}
	if p.Evidence != "" {
		out.Evidence = evidence(p.Record.String(), p.Evidence)
	}
	if p.Pause != nil {
		out.PausedBy, out.PausedByName, out.PausedWhy = string(p.Pause.By), p.Pause.Name, p.Pause.Why
		out.PausedAt = stamp(p.Pause.At)
	}
	for _, c := range p.Checks {
		out.Checks = append(out.Checks, &pb.PipelineCheck{Name: c.Name, Standard: c.Standard, Field: c.Field, Metric: c.Metric,
			OneOf: c.OneOf, Pattern: c.Pattern, Min: c.Min, Max: c.Max, Required: c.Required, Unit: c.Unit})
	}
	out.Actions = pipelineActions(plinth.PrincipalFrom(ctx), p)
	return out
}

// pipelineActions are what the caller may do with p now.
func pipelineActions(by plinth.Principal, p *pipelines.Pipeline) []string {
	switch {
	case !by.Has(operator):
		return nil
	case p.Pause != nil:
		return []string{"resume", "declare"}
	}
	return []string{"pause", "declare"}
}

func (s *pipelineService) figures(p *pipelines.Pipeline, t pipelines.Totals) *pb.PipelineFigures {
	now := s.Now()
	var pace pipelines.Pace
	if p.Kind == pipelines.StreamPipeline || p.Kind == pipelines.HTTPPipeline {
		pace = s.Paces.Of(p.ID, now)
	}
	f := pipelines.FiguresOf(p, t, pace, now)
	out := &pb.PipelineFigures{Health: string(f.Health), RowsIn: f.In, RowsStored: f.Stored, RowsKnown: f.Known, RowsDead: f.Dead,
		RowsPerS: f.PerS, StoredAt: stamp(f.StoredAt), NewestAt: stamp(f.Newest), LagMs: f.Lag.Milliseconds(), Backlog: f.Backlog,
		LastRunId: string(f.Last.ID), LastRunState: string(f.Last.State), LastError: f.Last.Error}
	if every := p.Source.Interval(); every > 0 && p.Pause == nil && !f.Last.Ended.IsZero() {
		out.NextRunAt = stamp(f.Last.Ended.Add(every))
	}
	return out
}
