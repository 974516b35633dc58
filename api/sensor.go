package api

import (
	"context"
	"math"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/dossier"
	"plinth/sensors/geodesy"
)

// Series reads stored readings. Many goroutines may use it.
type Series interface {
	// Extent tells how many readings of a metric a period has, and its first and last; duplicates may be counted.
	Extent(ctx context.Context, d plinth.DeviceID, metric string, from, to time.Time) (int64, time.Time, time.Time, error)
	// Thinned returns a period in buckets, or as it is when bucket is zero; each reading counts once.
	Thinned(ctx context.Context, d plinth.DeviceID, metric string, from, to time.Time, bucket time.Duration, most int) (
		[]clickhouse.Point, error)
}

// SegmentList reads the segments of a device, newest first, from before a number; zero begins at the newest.
type SegmentList interface {
	Of(ctx context.Context, d plinth.DeviceID, before int64, limit int) ([]postgres.Sealed, error)
}

// SensorDeps are what the sensor service is made of.
type SensorDeps struct {
	Registry *sensors.Registry
	Systems  *geodesy.Systems
	Watch    *sensors.Watch
	Direct   *pipelines.Direct
	Series   Series
	Segments SegmentList
	Names    Directory
	Surveyor *dossier.Surveyor
	Now      func() time.Time
}

// NewSensors is the service of devices, their readings and segments.
func NewSensors(d SensorDeps) Service {
	s := &sensorService{SensorDeps: d}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterSensorServiceServer(r, s) },
		Gateway:  pb.RegisterSensorServiceHandler,
	}
}

type sensorService struct {
	pb.UnimplementedSensorServiceServer
	SensorDeps
}

// Points of a series: as many as asked, never more than this.
const (
	usualPoints = 500
	mostPoints  = 5000
)

func (s *sensorService) ListReadings(ctx context.Context, r *pb.ListReadingsRequest) (*pb.ListReadingsResponse, error) {
	d, err := s.find(r.GetDeviceId())
	if err != nil {
		return nil, err
	}
	if err := d.MayShow(plinth.PrincipalFrom(ctx)); err != nil {
		return nil, err
	}
	m, ok := d.Metric(r.GetMetric())
	if !ok {
		return nil, plinth.Invalid("metric", "the device has no metric %.64q", r.GetMetric())
	}
	most := int(r.GetMaxPoints())
	switch {
	case most == 0:
		most = usualPoints
	case most < 0 || most > mostPoints:
		return nil, plinth.Invalid("maxPoints", "must be 1 to %d", mostPoints)
	}
	from, to, err := s.period(r)
	if err != nil {
		return nil, err
	}
	n, first, last, err := s.Series.Extent(ctx, d.ID, m.Name, from, to)
	if err != nil {
		return nil, err
	}
	var bucket time.Duration
	if n > int64(most) {
		seconds := math.Ceil(last.Sub(first).Seconds()/float64(most)) + 1
		bucket = time.Duration(seconds) * time.Second
		if bucket > time.Hour { // whole hours are read from what is kept of each
			bucket = (bucket + time.Hour - 1).Truncate(time.Hour)
		}
	}
	points, err := s.Series.Thinned(ctx, d.ID, m.Name, from, to, bucket, most+1)
	if err != nil {
		return nil, err
	}
	out := &pb.ListReadingsResponse{BucketS: int32(bucket / time.Second), Unit: m.Unit}
	for _, p := range points {
		out.Points = append(out.Points, &pb.Point{At: stamp(p.At), Value: p.Mean, Min: p.Min, Max: p.Max, Count: p.Count,
			Flags: p.Flags.Names()})
	}
	return out, nil
}

// period is the request's, or the last hour.
func (s *sensorService) period(r *pb.ListReadingsRequest) (from, to time.Time, err error) {
	if to = s.Now(); r.GetTo() != nil {
		to = r.GetTo().AsTime()
	}
	if from = to.Add(-time.Hour); r.GetFrom() != nil {
		from = r.GetFrom().AsTime()
	}
	for field, t := range map[string]time.Time{"from": from, "to": to} {
		if t.Year() < 1970 || t.Year() > 2260 {
			return from, to, plinth.Invalid(field, "the year must be 1970 to 2260")
		}
	}
	if !from.Before(to) {
		return from, to, plinth.Invalid("from", "the period must begin before it ends")
	}
	return from, to, nil
}

func (s *sensorService) ListSegments(ctx context.Context, r *pb.ListSegmentsRequest) (*pb.ListSegmentsResponse, error) {
	d, err := s.find(r.GetDeviceId())
	if err != nil {
		return nil, err
	}
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	before := int64(0)
	if after != "" {
		if before, err = strconv.ParseInt(after, 10, 64); err != nil {
			return nil, plinth.Invalid("pageToken", "is not one that this server gave")
		}
	}
	all, err := s.Segments.Of(ctx, d.ID, before, limit+1)
	if err != nil {
		return nil, err
	}
	all, next := cut(all, limit, func(x postgres.Sealed) string { return strconv.FormatInt(x.Seq, 10) })
	out := &pb.ListSegmentsResponse{NextPageToken: next}
	for _, x := range all {
		out.Segments = append(out.Segments, &pb.Segment{RecordId: x.Record.String(), Seq: x.Seq, From: stamp(x.From), To: stamp(x.To),
			Count: x.Count, Evidence: evidence(x.Record.String(), x.State)})
	}
	return out, nil
}

// mostReadings bounds one request; a device with more sends several.
const mostReadings = 10_000

// sender is a device that sends readings: that there is none is only said when the registry's store says so.
func (s *sensorService) sender(ctx context.Context, id string) (*sensors.Device, error) {
	d, err := s.Registry.Lookup(ctx)(plinth.DeviceID(id))
	if err != nil || d != nil {
		return d, err
	}
	return nil, noDevice(id)
}

func (s *sensorService) IngestReadings(ctx context.Context, r *pb.IngestReadingsRequest) (*pb.IngestReadingsResponse, error) {
	if p := plinth.PrincipalFrom(ctx); p.Device != "" && string(p.Device) != r.GetDeviceId() {
		return nil, plinth.Errorf(plinth.ErrDenied, "a device sends its own readings alone")
	}
	d, err := s.sender(ctx, r.GetDeviceId())
	if err != nil {
		return nil, err
	}
	if n := len(r.GetReadings()); n == 0 || n > mostReadings {
		return nil, plinth.Invalid("readings", "there must be 1 to %d, here are %d", mostReadings, n)
	}
	rs := make([]sensors.Reading, len(r.GetReadings()))
	for i, in := range r.GetReadings() {
		rs[i] = sensors.Reading{Metric: in.GetMetric(), Seq: in.GetSeq(), Value: in.GetValue()}
		if in.GetAt() != nil {
			rs[i].At = in.GetAt().AsTime()
		}
	}
	faults, err := s.Direct.Store(ctx, d, rs)
	if err != nil {
		return nil, err
	}
	out := &pb.IngestReadingsResponse{Stored: int32(len(rs) - len(faults))}
	for _, f := range faults {
		out.Refused = append(out.Refused, f.Field+": "+f.Reason)
	}
	return out, nil
}
