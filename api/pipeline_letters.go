package api

import (
	"context"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/internal/clickhouse"
	"plinth/pipelines"
)

// LetterList reads the dead letters.
type LetterList interface {
	pipelines.Letters
	// Page returns letters, newest first, and how many there are in all.
	Page(ctx context.Context, f pipelines.LetterFilter, limit, offset int) ([]pipelines.Letter, int64, error)
	Reasons(ctx context.Context, f pipelines.LetterFilter) ([]clickhouse.ReasonCount, error)
}

// LetterActList reads what was done about letters, by the acts' ids.
type LetterActList interface {
	LetterActsOf(ctx context.Context, ids []string) (map[string]pipelines.LetterAct, error)
}

// shownPayload is how much of a payload a list shows.
const shownPayload = 4 << 10

func (s *pipelineService) ListDeadLetters(ctx context.Context, r *pb.ListDeadLettersRequest) (*pb.ListDeadLettersResponse, error) {
	limit, offset, err := offsetPage(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	state, err := letterState(r.GetState())
	if err != nil {
		return nil, err
	}
	all, total, err := s.Letters.Page(ctx, pipelines.LetterFilter{Run: plinth.RunID(r.GetRunId()), Source: r.GetSource(),
		Pipeline: r.GetPipeline(), Device: plinth.DeviceID(r.GetDevice()), Field: r.GetField(), Reason: r.GetReason(), State: state}, limit, offset)
	if err != nil {
		return nil, err
	}
	out := &pb.ListDeadLettersResponse{TotalSize: total, NextPageToken: nextOffset(offset, len(all), int(total))}
	out.DeadLetters, err = s.letters(ctx, all, shownPayload)
	return out, err
}

func letterState(s string) (pipelines.LetterState, error) {
	switch state := pipelines.LetterState(s); state {
	case "", pipelines.LetterOpen, pipelines.LetterReplayed, pipelines.LetterDropped:
		return state, nil
	}
	return "", plinth.Invalid("state", "is open, replayed or dropped")
}

func (s *pipelineService) CountDeadLetters(ctx context.Context, r *pb.CountDeadLettersRequest) (*pb.CountDeadLettersResponse, error) {
	state, err := letterState(r.GetState())
	if err != nil {
		return nil, err
	}
	if state == "" {
		state = pipelines.LetterOpen
	}
	all, err := s.Letters.Reasons(ctx, pipelines.LetterFilter{Pipeline: r.GetPipeline(), Device: plinth.DeviceID(r.GetDevice()), State: state})
	if err != nil {
		return nil, err
	}
	out := &pb.CountDeadLettersResponse{}
	for _, c := range all {
		out.Letters, out.Inputs = out.Letters+int64(c.Letters), out.Inputs+int64(c.Inputs)
		out.Reasons = append(out.Reasons, &pb.CountDeadLettersResponse_Reason{Pipeline: c.Pipeline, Field: utf8Of(c.Field),
			Reason: utf8Of(c.Reason), Letters: int64(c.Letters), Inputs: int64(c.Inputs), FirstAt: stamp(c.First),
			LastAt: stamp(c.Last), ExampleId: c.Example})
	}
	return out, nil
}

func (s *pipelineService) GetDeadLetter(ctx context.Context, r *pb.GetDeadLetterRequest) (*pb.DeadLetter, error) {
	all, err := s.Letters.Letters(ctx, pipelines.LetterFilter{IDs: []string{r.GetId()}}, 1)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, plinth.Errorf(plinth.ErrNotFound, "there is no such dead letter, or it is older than 90 days")
	}
	out, err := s.letters(ctx, all, pipelines.MaxDeadPayload)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

func (s *pipelineService) ReplayDeadLetters(ctx context.Context, r *pb.ReplayDeadLettersRequest) (*pb.ActOnDeadLettersResponse, error) {
	f, err := letterFilter(r.GetIds(), r.GetFilter())
	if err != nil {
		return nil, err
	}
	var payload *string
	if r.GetPayload() != "" {
		payload = &r.Payload
	}
	return outcomeOut(s.Desk.Replay(ctx, plinth.PrincipalFrom(ctx), f, payload, r.GetReason()))
}

func (s *pipelineService) DropDeadLetters(ctx context.Context, r *pb.DropDeadLettersRequest) (*pb.ActOnDeadLettersResponse, error) {
	f, err := letterFilter(r.GetIds(), r.GetFilter())
	if err != nil {
		return nil, err
	}
	return outcomeOut(s.Desk.Drop(ctx, plinth.PrincipalFrom(ctx), f, r.GetReason()))
}

func letterFilter(ids []string, f *pb.DeadLetterFilter) (pipelines.LetterFilter, error) {
	out := pipelines.LetterFilter{IDs: ids, Run: plinth.RunID(f.GetRunId()), Pipeline: f.GetPipeline(), Source: f.GetSource(),
		Field: f.GetField(), Reason: f.GetReason(), Device: plinth.DeviceID(f.GetDevice())}
	if f.GetState() != "" && f.GetState() != string(pipelines.LetterOpen) {
		return out, plinth.Invalid("filter.state", "only open letters can be replayed or dropped")
	}
	if f.GetFrom() != nil {
		out.From = f.GetFrom().AsTime()
	}
	if f.GetTo() != nil {
		out.To = f.GetTo().AsTime()
	}
	return out, nil
}

// outcomeOut is an act's outcome on the wire. It passes an error through.
func outcomeOut(o pipelines.Outcome, err error) (*pb.ActOnDeadLettersResponse, error) {
	if err != nil {
		return nil, err
	}
	const shownAgain = 100
	out := &pb.ActOnDeadLettersResponse{Taken: int64(o.Taken), Closed: int64(o.Closed), RowsStored: o.Rows, More: o.More}
	for _, a := range o.Again[:min(len(o.Again), shownAgain)] {
		out.Again = append(out.Again, &pb.ActOnDeadLettersResponse_Again{Id: a.ID, Field: utf8Of(a.Field), Reason: utf8Of(a.Reason)})
	}
	if o.Act.ID != "" {
		out.Evidence = evidence(o.Act.Record.String(), "pending")
	}
	return out, nil
}

// letters are letters on the wire, with at most most bytes of payload each.
func (s *pipelineService) letters(ctx context.Context, ls []pipelines.Letter, most int) ([]*pb.DeadLetter, error) {
	var ids []string
	for _, l := range ls {
		if l.Act != "" {
			ids = append(ids, l.Act)
		}
	}
	acts, err := s.Acts.LetterActsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*pb.DeadLetter, len(ls))
	for i := range ls {
		out[i] = letterOut(&ls[i], acts[ls[i].Act], most)
		if ls[i].State == pipelines.LetterOpen && plinth.PrincipalFrom(ctx).Has(operator) {
			out[i].Actions = letterActions(&ls[i])
		}
	}
	return out, nil
}

// letterActions are what an operator may do with an open letter. Who sent it by HTTP was told at once, and sends it again.
func letterActions(l *pipelines.Letter) []string {
	if l.Pipeline == pipelines.HTTPID {
		return []string{"drop"}
	}
	return []string{"replay", "drop"}
}

func letterOut(l *pipelines.Letter, a pipelines.LetterAct, most int) *pb.DeadLetter {
	out := &pb.DeadLetter{At: stamp(l.At), Source: utf8Of(l.Source), Row: int64(l.Row), Field: utf8Of(l.Field), Reason: utf8Of(l.Reason),
		RunId: string(l.Run), Id: l.ID, Pipeline: l.Pipeline, Device: string(l.Device), State: string(l.State), Count: int64(l.Count),
		Truncated: !l.Whole()}
	if out.Binary = !utf8.ValidString(l.Payload); out.Binary {
		out.Payload = base64.StdEncoding.EncodeToString([]byte(l.Payload[:min(len(l.Payload), most)]))
	} else {
		out.Payload = utf8Of(l.Payload[:min(len(l.Payload), most)])
	}
	if a.ID != "" {
		out.ActedAt, out.ActedBy, out.ActReason, out.Evidence = stamp(a.At), a.Name, a.Reason, evidence(a.Record.String(), a.Evidence)
	}
	return out
}

// utf8Of is s without what the wire does not take, such as half a character at a cut.
func utf8Of(s string) string { return strings.ToValidUTF8(s, "") }
