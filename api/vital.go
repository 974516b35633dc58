package api

import (
	"context"
	"math"
	"net/url"
	"slices"
	"time"

	"google.golang.org/grpc"

	"plinth"
	"plinth/analytics"
	"plinth/analytics/vitals"
	pb "plinth/api/plinth/v1"
	"plinth/sensors"
)

// VitalDeps are what the service of vital signs is made of.
type VitalDeps struct {
	Keeper *vitals.Keeper
	Store  vitals.Store
	Values vitals.Values
	Names  Directory
	Device func(plinth.DeviceID) *sensors.Device // nil for one that is not registered
	Now    func() time.Time
}

// NewVitals is the service of the district's vital signs.
func NewVitals(d VitalDeps) Service {
	s := &vitalService{VitalDeps: d}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterVitalServiceServer(r, s) },
		Gateway:  pb.RegisterVitalServiceHandler,
	}
}

type vitalService struct {
	pb.UnimplementedVitalServiceServer
	VitalDeps
}

func (s *vitalService) ListIndicators(ctx context.Context, r *pb.ListIndicatorsRequest) (*pb.ListIndicatorsResponse, error) {
	if err := filters("sector", r.GetSector(), "street", r.GetStreet()); err != nil {
		return nil, err
	}
	var grade *vitals.Grade
	if r.GetGrade() != "" {
		g, ok := vitals.GradeOf(r.GetGrade())
		if !ok {
			return nil, plinth.Invalid("grade", "%.20q is none of normal, notice, warning, urgent, unknown", r.GetGrade())
		}
		grade = &g
	}
	states, err := s.Keeper.States(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.ListIndicatorsResponse{}
	for _, st := range states {
		if st.Retired && !r.GetWithRetired() || r.GetSector() != "" && st.Sector != r.GetSector() {
			continue
		}
		if r.GetStreet() != "" {
			st.Streets = slices.DeleteFunc(st.Streets, func(v vitals.Value) bool { return v.Street != r.GetStreet() })
		}
		if grade == nil || hasGrade(st, *grade) {
			out.Indicators = append(out.Indicators, s.stateOut(ctx, st))
		}
	}
	return out, nil
}

func hasGrade(s vitals.State, g vitals.Grade) bool {
	if s.District == nil {
		return g == vitals.Unknown
	}
	return s.District.Grade == g || slices.ContainsFunc(s.Streets, func(v vitals.Value) bool { return v.Grade == g })
}

// The history of an indicator.
const (
	usualHistory = 7 * 24 * time.Hour
	mostHistory  = 5000
)

func (s *vitalService) GetIndicator(ctx context.Context, r *pb.GetIndicatorRequest) (*pb.GetIndicatorResponse, error) {
	if err := filters("id", r.GetId(), "street", r.GetStreet()); err != nil {
		return nil, err
	}
	from, to, err := spanOf(r.GetFrom(), r.GetTo())
	if err != nil {
		return nil, err
	}
	st, err := s.Keeper.State(ctx, r.GetId())
	if err != nil {
		return nil, err
	}
	if to.IsZero() {
		to = s.Now()
	}
	if from.IsZero() {
		from = to.Add(-usualHistory)
	}
	history, err := s.Values.History(ctx, st.ID, r.GetStreet(), clampTime(from), clampTime(to), mostHistory)
	if err != nil {
		return nil, err
	}
	versions, err := s.Store.Versions(ctx, st.ID)
	if err != nil {
		return nil, err
	}
	out := &pb.GetIndicatorResponse{State: s.stateOut(ctx, st)}
	for _, v := range history {
		out.History = append(out.History, vitalOut(&v))
	}
	for _, v := range versions {
		out.Versions = append(out.Versions, &pb.IndicatorVersion{Version: int32(v.Version), At: stamp(v.At), By: string(v.By),
			Origin: string(v.Origin), Retired: v.Retired, Indicator: s.indicatorOut(ctx, v), Evidence: evidence(v.Record, v.State)})
	}
	return out, s.evidenceOf(ctx, st, r, out)
}

// clampTime keeps a moment within what ClickHouse's DateTime holds.
func clampTime(t time.Time) time.Time {
	low, high := time.Unix(0, 0), time.Unix(math.MaxUint32, 0)
	switch {
	case t.Before(low):
		return low
	case t.After(high):
		return high
	}
	return t
}

// hiddenRow tells which rows are of a device whose values p may not see: by their column "device".
func (s *vitalService) hiddenRow(p plinth.Principal, columns []analytics.Column) func([]any) bool {
	at := slices.IndexFunc(columns, func(c analytics.Column) bool { return c.Name == "device" })
	return func(row []any) bool {
		if at < 0 || at >= len(row) {
			return false
		}
		id, _ := row[at].(string)
		d := s.Device(plinth.DeviceID(id))
		return d == nil || !d.Shows(p)
	}
}

// evidenceOf adds the rows behind one value for those who may read readings and events.
func (s *vitalService) evidenceOf(ctx context.Context, st vitals.State, r *pb.GetIndicatorRequest, out *pb.GetIndicatorResponse) error {
	p := plinth.PrincipalFrom(ctx)
	if !p.Has(access[pb.SensorService_ListReadings_FullMethodName].Roles...) || !p.Has(access[pb.EventService_ListEvents_FullMethodName].Roles...) {
		out.EvidenceWithheld = true
		return nil
	}
	at, _, err := spanOf(r.GetEvidenceAt(), nil)
	if err != nil {
		return plinth.Invalid("evidenceAt", "is not a time between the years 1900 and 2261")
	}
	if r.GetEvidenceAt() == nil {
		v := st.At(r.GetStreet())
		if v == nil {
			return nil
		}
		at = v.From
	}
	rows, err := s.Keeper.EvidenceOf(ctx, st.Version, r.GetStreet(), clampTime(at))
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		out.EvidenceError = err.Error()
		return nil
	}
	out.EvidenceCut = rows.Truncated
	for _, c := range rows.Columns {
		out.EvidenceColumns = append(out.EvidenceColumns, c.Name)
	}
	hidden := s.hiddenRow(p, rows.Columns)
	for _, row := range rows.Rows {
		if hidden(row) {
			out.EvidenceWithheld = true
			continue
		}
		out.EvidenceRows = append(out.EvidenceRows, &pb.EvidenceRow{Values: vitals.Cells(row)})
	}
	return nil
}

func (s *vitalService) ListGrades(ctx context.Context, r *pb.ListGradesRequest) (*pb.ListGradesResponse, error) {
	if err := filters("street", r.GetStreet()); err != nil {
		return nil, err
	}
	c, err := s.Keeper.CheckUp(ctx, r.GetStreet())
	if err != nil {
		return nil, err
	}
	out := &pb.ListGradesResponse{At: stamp(c.At), Grade: c.Grade.String(), Streets: streetsOut(c.Streets)}
	for _, x := range c.Sectors {
		p := &pb.SectorGrade{Sector: x.ID, Title: labelOut(x.Title), Grade: x.Grade.String(), Counts: map[string]int32{},
			Connected: x.Connected, Streets: streetsOut(x.Streets)}
		for g, n := range x.Counts {
			p.Counts[g.String()] = int32(n)
		}
		if !x.Connected {
			p.Missing = labelOut(x.Missing)
		}
		out.Sectors = append(out.Sectors, p)
	}
	for _, f := range c.Findings {
		out.Findings = append(out.Findings, &pb.VitalFinding{IndicatorId: f.Indicator.ID, Title: labelOut(f.Indicator.Title),
			Sector: f.Indicator.Sector, Unit: f.Indicator.Unit, Owner: string(f.Indicator.Owner),
			OwnerName: s.Names.AgentName(ctx, f.Indicator.Owner), Vital: vitalOut(&f.Value), EvidenceLink: evidenceLink(f)})
	}
	return out, nil
}

func evidenceLink(f vitals.Finding) string {
	q := url.Values{"evidenceAt": {f.Value.From.Format(time.RFC3339)}}
	if f.Value.Street != "" {
		q.Set("street", f.Value.Street)
	}
	return "/v1/indicators/" + f.Indicator.ID + "?" + q.Encode()
}

func streetsOut(grades map[string]vitals.Grade) []*pb.StreetGrade {
	var out []*pb.StreetGrade
	for _, street := range sortedKeys(grades) {
		out = append(out, &pb.StreetGrade{Street: street, Grade: grades[street].String()})
	}
	return out
}

func (s *vitalService) DeclareIndicator(ctx context.Context, r *pb.DeclareIndicatorRequest) (*pb.IndicatorState, error) {
	i, err := indicatorIn(r.GetIndicator())
	if err != nil {
		return nil, err
	}
	if r.GetTryOnly() {
		return s.tried(ctx, i)
	}
	v, err := s.Keeper.Declare(ctx, plinth.PrincipalFrom(ctx), i)
	return s.changed(ctx, v, err)
}

func (s *vitalService) ChangeIndicator(ctx context.Context, r *pb.ChangeIndicatorRequest) (*pb.IndicatorState, error) {
	i, err := indicatorIn(r.GetIndicator())
	if err != nil {
		return nil, err
	}
	if i.ID != "" && i.ID != r.GetId() {
		return nil, plinth.Invalid("indicator.id", "an indicator's id never changes; it is %.64q", r.GetId())
	}
	i.ID = r.GetId()
	if r.GetTryOnly() {
		return s.tried(ctx, i)
	}
	v, err := s.Keeper.Change(ctx, plinth.PrincipalFrom(ctx), i, int(r.GetVersion()))
	return s.changed(ctx, v, err)
}

func (s *vitalService) RetireIndicator(ctx context.Context, r *pb.RetireIndicatorRequest) (*pb.IndicatorState, error) {
	if r.GetReason() == "" || len(r.GetReason()) > 1000 {
		return nil, plinth.Invalid("reason", "say why, in at most 1000 bytes")
	}
	v, err := s.Keeper.Retire(ctx, plinth.PrincipalFrom(ctx), r.GetId(), int(r.GetVersion()), r.GetReason())
	return s.changed(ctx, v, err)
}

// changed answers with the indicator as it stands after a change.
func (s *vitalService) changed(ctx context.Context, v vitals.Version, err error) (*pb.IndicatorState, error) {
	if err != nil {
		return nil, err
	}
	st, err := s.Keeper.State(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	return s.stateOut(ctx, st), nil
}

// tried answers with what a definition would give, storing nothing.
func (s *vitalService) tried(ctx context.Context, i vitals.Indicator) (*pb.IndicatorState, error) {
	values, err := s.Keeper.Try(ctx, i)
	if err != nil {
		return nil, err
	}
	st := vitals.State{Version: vitals.Version{Indicator: i, Origin: vitals.Declared}, Status: vitals.NoSource}
	for _, v := range values {
		if v.Street == "" {
			st.District, st.Status = &v, vitals.Current
			continue
		}
		st.Streets = append(st.Streets, v)
	}
	return s.stateOut(ctx, st), nil
}

func (s *vitalService) RecomputeIndicator(ctx context.Context, r *pb.RecomputeIndicatorRequest) (*pb.RecomputeIndicatorResponse, error) {
	from, to, err := spanOf(r.GetFrom(), r.GetTo())
	if err != nil {
		return nil, err
	}
	if from.IsZero() || to.IsZero() {
		return nil, plinth.Invalid("from", "say from when until when")
	}
	periods, n, err := s.Keeper.Recompute(ctx, r.GetId(), clampTime(from), clampTime(to))
	if err != nil {
		return nil, err
	}
	return &pb.RecomputeIndicatorResponse{Periods: int32(periods), Values: int32(n)}, nil
}
