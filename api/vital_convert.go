package api

import (
	"context"
	"math"
	"time"

	"plinth"
	"plinth/analytics/vitals"
	pb "plinth/api/plinth/v1"
)

func indicatorIn(in *pb.Indicator) (vitals.Indicator, error) {
	if in == nil {
		return vitals.Indicator{}, plinth.Invalid("indicator", "give the definition")
	}
	i := vitals.Indicator{ID: in.GetId(), Title: labelIn(in.GetTitle()), Sector: in.GetSector(), SectorTitle: labelIn(in.GetSectorTitle()),
		Unit: in.GetUnit(), Owner: plinth.AgentID(in.GetOwner()), Every: vitals.Span(time.Duration(in.GetEveryS()) * time.Second),
		SQL: in.GetSql(), Evidence: in.GetEvidenceSql(), Rollup: vitals.Rollup(in.GetRollup()),
		Baseline: vitals.Baseline{Kind: vitals.BaselineKind(in.GetBaseline()), Days: int(in.GetBaselineDays()), Floor: in.GetBaselineFloor()},
		High:     limitsIn(in.GetHigh()), Low: limitsIn(in.GetLow()), LeastWeight: in.GetLeastWeight(), Source: in.GetSource(),
		Missing: labelIn(in.GetMissing())}
	i.District.High, i.District.Low = limitsIn(in.GetDistrictHigh()), limitsIn(in.GetDistrictLow())
	return i, nil
}

func labelIn(t *pb.Text) vitals.Text { return vitals.Text{ZH: t.GetZh(), EN: t.GetEn()} }

func labelOut(t vitals.Text) *pb.Text { return &pb.Text{Zh: t.ZH, En: t.EN} }

func limitsIn(l *pb.Limits) vitals.Limits {
	if l == nil {
		return vitals.Limits{}
	}
	return vitals.Limits{Notice: l.Notice, Warning: l.Warning, Urgent: l.Urgent}
}

func limitsOut(l vitals.Limits) *pb.Limits {
	if l == (vitals.Limits{}) {
		return nil
	}
	return &pb.Limits{Notice: l.Notice, Warning: l.Warning, Urgent: l.Urgent}
}

func (s *vitalService) indicatorOut(ctx context.Context, v vitals.Version) *pb.Indicator {
	return &pb.Indicator{Id: v.ID, Title: labelOut(v.Title), Sector: v.Sector, SectorTitle: labelOut(v.SectorTitle), Unit: v.Unit,
		Owner: string(v.Owner), OwnerName: s.Names.AgentName(ctx, v.Owner), EveryS: int32(time.Duration(v.Every) / time.Second),
		Sql: v.SQL, EvidenceSql: v.Evidence, Rollup: string(v.Rollup), Baseline: string(v.Baseline.Kind),
		BaselineDays: int32(v.Baseline.Days), BaselineFloor: v.Baseline.Floor, High: limitsOut(v.High), Low: limitsOut(v.Low),
		DistrictHigh: limitsOut(v.District.High), DistrictLow: limitsOut(v.District.Low), LeastWeight: v.LeastWeight,
		Source: v.Source, Missing: labelOut(v.Missing)}
}

func (s *vitalService) stateOut(ctx context.Context, st vitals.State) *pb.IndicatorState {
	out := &pb.IndicatorState{Indicator: s.indicatorOut(ctx, st.Version), Version: int32(st.Version.Version),
		Origin: string(st.Origin), ChangedAt: stamp(st.Version.At), ChangedBy: string(st.By), Retired: st.Retired,
		State: string(st.Status), Error: st.Fault, Direction: st.Direction(), Evidence: evidence(st.Record, st.Version.State)}
	if st.District != nil {
		out.District = vitalOut(st.District)
	}
	for i := range st.Streets {
		out.Streets = append(out.Streets, vitalOut(&st.Streets[i]))
	}
	return out
}

func vitalOut(v *vitals.Value) *pb.Vital {
	trend := v.Trend.String()
	if trend == "" {
		trend = "unknown"
	}
	return &pb.Vital{Street: v.Street, From: stamp(v.From), To: stamp(v.To), Value: known(v.Value), Baseline: known(v.Baseline),
		Score: known(v.Score), Grade: v.Grade.String(), Trend: trend, Since: stamp(v.Since), Weight: v.Weight, Version: int32(v.Version)}
}

// known is a number, or nil for what there is not.
func known(f float64) *float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return &f
}
