package api

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/alarm"
	"plinth/sensors/pack"
)

// AlarmDeps are what the alarm service is made of.
type AlarmDeps struct {
	Desk     *alarm.Desk
	Permits  alarm.PermitStore
	Packs    *pack.Set
	Device   func(plinth.DeviceID) *sensors.Device // nil for one that is not registered
	Homes    func() (kinds []string, others []plinth.DeviceID)
	Agents   Directory
	Accounts AccountDirectory
	Now      func() time.Time
}

// NewAlarms is the service of the alarm desk.
func NewAlarms(d AlarmDeps) Service {
	s := &alarmService{AlarmDeps: d}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterAlarmServiceServer(r, s) },
		Gateway:  pb.RegisterAlarmServiceHandler,
	}
}

type alarmService struct {
	pb.UnimplementedAlarmServiceServer
	AlarmDeps
}

func (s *alarmService) ListAlarms(ctx context.Context, r *pb.ListAlarmsRequest) (*pb.ListAlarmsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	f, err := alarmFilter(r)
	if err != nil {
		return nil, err
	}
	f.Device, f.Rule, f.Limit = plinth.DeviceID(r.GetDeviceId()), r.GetRule(), limit+1
	if after != "" {
		at, id, ok := momentKey(after)
		if !ok {
			return nil, plinth.Invalid("pageToken", "is not one that this server gave")
		}
		f.After = &alarm.Cursor{Raised: at, ID: alarm.ID(id)}
	}
	p := plinth.PrincipalFrom(ctx)
	if f.Rule != "" { // that the rule matches, or how often, would tell it
		f.Without = s.hidden(p)
	}
	all, total, err := s.Desk.Alarms(ctx, p, f)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, limit, func(a alarm.Alarm) string { return keyOfMoment(a.Raised, string(a.ID)) })
	out := &pb.ListAlarmsResponse{NextPageToken: next, TotalSize: int32(total)}
	for _, a := range page {
		shown := s.alarm(ctx, a, p)
		if shown.Withheld && f.Rule != "" { // its device has moved to another street or owner since
			continue
		}
		out.Alarms = append(out.Alarms, shown)
	}
	return out, nil
}

// narrowed is what requests that narrow alarms have in common.
type narrowed interface {
	GetFrom() *timestamppb.Timestamp
	GetTo() *timestamppb.Timestamp
	GetState() string
	GetGrade() int32
	GetKind() string
	GetStreet() string
	GetUnit() string
}

func alarmFilter(r narrowed) (alarm.Filter, error) {
	f := alarm.Filter{State: alarm.State(r.GetState()), Kind: r.GetKind(), Street: r.GetStreet(), Unit: plinth.AgentID(r.GetUnit())}
	if err := filters("kind", f.Kind, "street", f.Street, "unit", r.GetUnit()); err != nil {
		return f, err
	}
	if g := r.GetGrade(); g < 0 || g > int32(alarm.Urgent) {
		return f, plinth.Invalid("grade", "must be 0 to %d", alarm.Urgent)
	}
	f.Grade = alarm.Grade(r.GetGrade())
	var err error
	f.From, f.To, err = spanOf(r.GetFrom(), r.GetTo())
	return f, err
}

func (s *alarmService) GetAlarm(ctx context.Context, r *pb.GetAlarmRequest) (*pb.Alarm, error) {
	p := plinth.PrincipalFrom(ctx)
	a, life, err := s.Desk.Alarm(ctx, p, alarm.ID(r.GetId()))
	if err != nil {
		return nil, err
	}
	out := s.alarm(ctx, a, p)
	for _, st := range life {
		out.Timeline = append(out.Timeline, &pb.AlarmStep{At: stamp(st.At), Action: st.Action, Actor: string(st.Actor),
			ActorName: s.Accounts.AccountName(ctx, st.Actor), Grade: int32(st.Grade), Note: st.Note,
			Evidence: evidence(st.Record.String(), orPending(st.Evidence))})
	}
	if out.Withheld {
		withholdSteps(out)
		return out, nil
	}
	for _, row := range a.Rows {
		out.Rows = append(out.Rows, &pb.AlarmRow{Metric: row.Metric, At: stamp(row.At), Seq: row.Seq})
	}
	return out, nil
}

func (s *alarmService) AcknowledgeAlarm(ctx context.Context, r *pb.AcknowledgeAlarmRequest) (*pb.Alarm, error) {
	p := plinth.PrincipalFrom(ctx)
	a, err := s.Desk.Acknowledge(ctx, p, alarm.ID(r.GetId()), r.GetNote())
	if err != nil {
		return nil, err
	}
	return s.alarm(ctx, a, p), nil
}

func (s *alarmService) HandleAlarm(ctx context.Context, r *pb.HandleAlarmRequest) (*pb.Alarm, error) {
	p := plinth.PrincipalFrom(ctx)
	a, err := s.Desk.Handle(ctx, p, alarm.ID(r.GetId()), alarm.Outcome(r.GetOutcome()), r.GetNote())
	if err != nil {
		return nil, err
	}
	return s.alarm(ctx, a, p), nil
}

func (s *alarmService) ReopenAlarm(ctx context.Context, r *pb.ReopenAlarmRequest) (*pb.Alarm, error) {
	p := plinth.PrincipalFrom(ctx)
	a, err := s.Desk.Reopen(ctx, p, alarm.ID(r.GetId()), r.GetNote())
	if err != nil {
		return nil, err
	}
	return s.alarm(ctx, a, p), nil
}

func (s *alarmService) AlarmCounts(ctx context.Context, r *pb.AlarmCountsRequest) (*pb.AlarmCountsResponse, error) {
	f, err := alarmFilter(r)
	if err != nil {
		return nil, err
	}
	c, err := s.Desk.Counts(ctx, plinth.PrincipalFrom(ctx), f)
	if err != nil {
		return nil, err
	}
	return &pb.AlarmCountsResponse{Total: int32(c.Total), Overdue: int32(c.Overdue), ByState: counted32(c.State), ByGrade: counted32(c.Grade),
		ByKind: counted32(c.Kind), ByStreet: counted32(c.Street), ByUnit: counted32(c.Unit)}, nil
}

func counted32(m map[string]int) map[string]int32 {
	out := make(map[string]int32, len(m))
	for k, n := range m {
		out[k] = int32(n)
	}
	return out
}

// alarm is a as p sees it, without its life and rows.
func (s *alarmService) alarm(ctx context.Context, a alarm.Alarm, p plinth.Principal) *pb.Alarm {
	out := alarmFor(a, onlooker{p, s.Device})
	out.UnitName = s.Agents.AgentName(ctx, a.Unit)
	out.Actions = a.Actions(p)
	return out
}

// NewAlarm is an alarm on the wire, without its life and rows.
func NewAlarm(a alarm.Alarm) *pb.Alarm {
	return &pb.Alarm{Id: string(a.ID), DeviceId: string(a.Device), DeviceName: sensorText(a.DeviceName), Kind: a.Kind, Rule: a.Rule,
		PackVersion: a.Pack, Title: sensorText(a.Title), Text: sensorText(a.Text), Basis: a.Basis, Grade: int32(a.Grade),
		PeakGrade: int32(a.Peak), State: string(a.State), Since: stamp(a.Since), RaisedAt: stamp(a.Raised), EndedAt: stamp(a.Ended),
		Street: a.Street, Grid: a.Grid, Site: a.Site, Longitude: a.Longitude, Latitude: a.Latitude, Owner: string(a.Owner),
		Unit: string(a.Unit), RespondBy: stamp(a.RespondBy), AcknowledgedBy: string(a.Acknowledger),
		AcknowledgedAt: stamp(a.AcknowledgedAt), HandledBy: string(a.Handler), HandledAt: stamp(a.HandledAt),
		Outcome: string(a.Outcome), Note: a.Note, Score: a.Score, Facts: a.Facts, Permit: a.Permit,
		Evidence: evidence(a.Record.String(), orPending(a.Evidence))}
}

// AlarmEvent is the name of the live event of an alarm that changed.
const AlarmEvent = "alarm"

// AlarmNews is an alarm for those who look at the house live, as ListAlarms gives it, without what the looker may do.
func AlarmNews(a alarm.Alarm) pipelines.News {
	return pipelines.News{Event: AlarmEvent, Data: alarmNews{a}}
}

func sensorText(t sensors.Text) *pb.Text { return &pb.Text{Zh: t.ZH, En: t.EN} }

func (s *alarmService) ListPermits(ctx context.Context, r *pb.ListPermitsRequest) (*pb.ListPermitsResponse, error) {
	limit, offset, err := offsetPage(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	if err := filters("kind", r.GetKind(), "site", r.GetSite()); err != nil {
		return nil, err
	}
	f := alarm.PermitFilter{Kind: r.GetKind(), Site: r.GetSite(), Offset: offset, Limit: limit}
	if f.At, _, err = spanOf(r.GetAt(), nil); err != nil {
		return nil, err
	}
	all, total, err := s.Permits.Permits(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &pb.ListPermitsResponse{TotalSize: int32(total), NextPageToken: nextOffset(offset, len(all), total)}
	for _, p := range all {
		out.Permits = append(out.Permits, &pb.Permit{Id: p.ID, Kind: p.Kind, Site: p.Site, Street: p.Street, From: stamp(p.From),
			To: stamp(p.To), Issuer: string(p.Issuer), Revoked: p.Revoked})
	}
	return out, nil
}

func (s *alarmService) PutPermits(ctx context.Context, r *pb.PutPermitsRequest) (*pb.PutPermitsResponse, error) {
	ps := make([]alarm.Permit, len(r.GetPermits()))
	for i, p := range r.GetPermits() {
		from, to, err := spanOf(p.GetFrom(), p.GetTo())
		if err != nil {
			e := err.(*plinth.Error)
			e.Field = "permits[" + strconv.Itoa(i) + "]." + e.Field
			return nil, e
		}
		ps[i] = alarm.Permit{ID: p.GetId(), Kind: p.GetKind(), Site: p.GetSite(), Street: p.GetStreet(), From: from, To: to,
			Issuer: plinth.AgentID(p.GetIssuer()), Revoked: p.GetRevoked()}
	}
	added, changed, err := alarm.PutPermits(ctx, s.Permits, plinth.PrincipalFrom(ctx), ps, s.Now())
	if err != nil {
		return nil, err
	}
	return &pb.PutPermitsResponse{Added: int32(added), Changed: int32(changed)}, nil
}

func (s *alarmService) ListPacks(context.Context, *pb.ListPacksRequest) (*pb.ListPacksResponse, error) {
	out := &pb.ListPacksResponse{}
	for _, p := range s.Packs.All() {
		out.Packs = append(out.Packs, packOut(p))
	}
	return out, nil
}

func packOut(p *pack.Pack) *pb.Pack {
	out := &pb.Pack{Kind: p.Kind, Version: p.Version, Name: sensorText(p.Name), Origin: p.Origin}
	for _, m := range p.Metrics {
		out.Metrics = append(out.Metrics, &pb.PackMetric{Name: m.Name, Title: sensorText(m.Title), Unit: m.Unit, Min: m.Min, Max: m.Max})
	}
	for _, r := range p.Rules {
		out.Rules = append(out.Rules, &pb.PackRule{Name: r.Name, Title: sensorText(r.Title), Detector: r.Detector, Metrics: r.Metrics,
			Basis: r.Basis, UnlessPermit: r.Unless.Permit})
	}
	for _, l := range p.Limits {
		limit := &pb.PackLimit{Metric: l.Metric, Side: "above", Title: sensorText(l.Title), Source: l.Source}
		if m, ok := p.Metric(l.Metric); ok {
			limit.Unit = m.Unit
		}
		if l.Below != nil {
			limit.Side, limit.Value = "below", *l.Below
		} else {
			limit.Value = *l.Above
		}
		out.Limits = append(out.Limits, limit)
	}
	return out
}
