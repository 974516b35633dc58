package api

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/sensors"
)

// deviceIn reads a device of the wire; a position in another system becomes degrees of WGS 84.
func (s *sensorService) deviceIn(in *pb.Device) (sensors.Device, error) {
	d := sensors.Device{ID: plinth.DeviceID(in.GetId()), Kind: in.GetKind(),
		Name: sensors.Text{ZH: in.GetName().GetZh(), EN: in.GetName().GetEn()}, Owner: plinth.AgentID(in.GetOwner()),
		Street: in.GetStreet(), Grid: in.GetGrid(), Site: in.GetSite(), Longitude: in.GetLongitude(), Latitude: in.GetLatitude(),
		Interval: time.Duration(in.GetIntervalS()) * time.Second, Segment: time.Duration(in.GetSegmentS()) * time.Second,
		Life: sensors.Life(in.GetLife()), Codec: in.GetCodec(), Maker: in.GetMaker(), Model: in.GetModel(),
		Installed: instant(in.GetInstalled()), Calibrated: instant(in.GetCalibrated()), CalibrationDue: instant(in.GetCalibrationDue()),
		Twins: in.GetTwins(), Attrs: in.GetAttrs()}
	for _, m := range in.GetMetrics() {
		d.Metrics = append(d.Metrics, metricIn(m))
	}
	if p := in.GetPosition(); p != nil {
		at, err := s.Systems.WGS84(p.GetSystem(), p.GetX(), p.GetY())
		if err != nil {
			return d, within("position", err)
		}
		d.Longitude, d.Latitude, d.System = at.Longitude, at.Latitude, at.System
	}
	return d, nil
}

func metricIn(m *pb.Metric) sensors.Metric {
	return sensors.Metric{Name: m.GetName(), Title: sensors.Text{ZH: m.GetTitle().GetZh(), EN: m.GetTitle().GetEn()},
		Unit: m.GetUnit(), Min: m.GetMin(), Max: m.GetMax(), MaxRate: m.GetMaxRate(), StuckAfter: int(m.GetStuckAfter()),
		Resolution: m.GetResolution(), FlatAfter: int(m.GetFlatAfter()), Step: m.GetStep(), Drift: m.GetDrift()}
}

// within names the field at fault as a part of another.
func within(field string, err error) error {
	var e *plinth.Error
	if !errors.As(err, &e) {
		return err
	}
	inner := *e
	inner.Field = strings.TrimSuffix(field+"."+e.Field, ".")
	return &inner
}

// instant is a time of the wire; an absent one is zero.
func instant(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func (s *sensorService) device(ctx context.Context, d *sensors.Device) *pb.Device {
	st := s.Watch.Status(d)
	out := &pb.Device{Id: string(d.ID), Name: &pb.Text{Zh: d.Name.ZH, En: d.Name.EN}, Kind: d.Kind, Owner: string(d.Owner),
		OwnerName: s.Names.AgentName(ctx, d.Owner), Street: d.Street, Grid: d.Grid, Site: d.Site, Longitude: d.Longitude,
		Latitude: d.Latitude, System: d.System, IntervalS: int32(d.Interval / time.Second), SegmentS: int32(d.SegmentWindow() / time.Second),
		Life: string(d.Life), Codec: d.Codec, Maker: d.Maker, Model: d.Model, Installed: stamp(d.Installed), Calibrated: stamp(d.Calibrated),
		CalibrationDue: stamp(d.CalibrationDue), Twins: d.Twins, Attrs: d.Attrs, Version: d.Version, Topic: d.Topic(), Code: d.Code(),
		LastSeen: stamp(st.Arrived), Liveness: string(st.Liveness), Latest: map[string]float64{}}
	for _, l := range d.Life.Next() {
		out.Next = append(out.Next, string(l))
	}
	for _, m := range d.Metrics {
		out.Metrics = append(out.Metrics, &pb.Metric{Name: m.Name, Title: &pb.Text{Zh: m.Title.ZH, En: m.Title.EN}, Unit: m.Unit,
			Min: m.Min, Max: m.Max, MaxRate: m.MaxRate, StuckAfter: int32(m.StuckAfter), Resolution: m.Resolution,
			FlatAfter: int32(m.FlatAfter), Step: m.Step, Drift: m.Drift})
	}
	out.Privacy, out.Withheld = string(d.Privacy()), !d.Shows(plinth.PrincipalFrom(ctx))
	if out.Withheld {
		return out
	}
	var flags sensors.Flags
	for _, r := range st.Newest {
		out.Latest[r.Metric] = r.Value
		flags |= r.Flags
	}
	out.Flags = flags.Names()
	return out
}
