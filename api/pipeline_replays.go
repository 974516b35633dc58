package api

import (
	"context"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/pipelines"
)

// ReplayList reads replays, newest first, after one or from the newest.
type ReplayList interface {
	Replays(ctx context.Context, pipeline, after string, limit int) ([]pipelines.Replay, error)
}

func (s *pipelineService) StartReplay(ctx context.Context, r *pb.StartReplayRequest) (*pb.Replay, error) {
	if r.GetFrom() == nil || r.GetTo() == nil {
		return nil, plinth.Invalid("from", "name the period, from and to")
	}
	devices := make([]plinth.DeviceID, len(r.GetDevices()))
	for i, id := range r.GetDevices() {
		devices[i] = plinth.DeviceID(id)
	}
	return replayOut(ctx)(s.Replays.Start(ctx, plinth.PrincipalFrom(ctx), r.GetPipeline(), r.GetFrom().AsTime(), r.GetTo().AsTime(), devices))
}

func (s *pipelineService) ListReplays(ctx context.Context, r *pb.ListReplaysRequest) (*pb.ListReplaysResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := s.ReplayList.Replays(ctx, r.GetPipeline(), after, limit+1)
	if err != nil {
		return nil, err
	}
	all, next := cut(all, limit, func(r pipelines.Replay) string { return r.ID })
	out := &pb.ListReplaysResponse{NextPageToken: next}
	for i := range all {
		out.Replays = append(out.Replays, oneReplay(ctx, &all[i]))
	}
	return out, nil
}

func (s *pipelineService) GetReplay(ctx context.Context, r *pb.GetReplayRequest) (*pb.Replay, error) {
	return replayOut(ctx)(s.Replays.Get(ctx, r.GetId()))
}

func (s *pipelineService) CancelReplay(ctx context.Context, r *pb.CancelReplayRequest) (*pb.Replay, error) {
	return replayOut(ctx)(s.Replays.Cancel(ctx, r.GetId()))
}

func (s *pipelineService) ApplyReplay(ctx context.Context, r *pb.ApplyReplayRequest) (*pb.Replay, error) {
	return replayOut(ctx)(s.Replays.Apply(ctx, plinth.PrincipalFrom(ctx), r.GetId(), r.GetReason()))
}

// replayOut is one replay on the wire. It passes an error through.
func replayOut(ctx context.Context) func(pipelines.Replay, error) (*pb.Replay, error) {
	return func(r pipelines.Replay, err error) (*pb.Replay, error) {
		if err != nil {
			return nil, err
		}
		return oneReplay(ctx, &r), nil
	}
}

func oneReplay(ctx context.Context, r *pipelines.Replay) *pb.Replay {
	out := &pb.Replay{Id: r.ID, Pipeline: r.Pipeline, From: stamp(r.From), To: stamp(r.To), State: string(r.State), StartedBy: r.Name,
		StartedAt: stamp(r.Started), EndedAt: stamp(r.Ended), Done: r.Done, Total: r.Total, Rows: r.Rows, Error: r.Error}
	for _, id := range r.Devices {
		out.Devices = append(out.Devices, string(id))
	}
	for _, d := range r.Differences {
		out.Differences = append(out.Differences, differenceOut(d))
	}
	if a := r.Applied; a != nil {
		out.AppliedBy, out.AppliedAt, out.RowsApplied, out.AppliedWhy = a.Name, stamp(a.At), a.Rows, a.Why
		out.Evidence = evidence(r.Record.String(), r.Evidence)
	}
	if plinth.PrincipalFrom(ctx).Has(operator) {
		switch {
		case r.State == pipelines.ReplayRunning:
			out.Actions = []string{"cancel"}
		case r.State == pipelines.ReplayDone && r.Differs():
			out.Actions = []string{"apply"}
		}
	}
	return out
}

func differenceOut(d pipelines.Difference) *pb.ReplayDifference {
	out := &pb.ReplayDifference{Kind: d.Kind, Compared: d.Compared, Different: d.Different, By: d.By}
	for _, e := range d.Examples {
		x := &pb.ReplayDifference_Example{Device: string(e.Device), Metric: e.Metric, Seq: int64(e.Seq), Stored: utf8Of(e.Stored),
			Replayed: utf8Of(e.Replayed)}
		if !e.At.IsZero() {
			x.At = stamp(e.At)
		}
		out.Examples = append(out.Examples, x)
	}
	return out
}
