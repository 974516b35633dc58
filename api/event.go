package api

import (
	"context"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"plinth"
	"plinth/analytics"
	pb "plinth/api/plinth/v1"
)

// Map is where the district's polygons come from: a GeoJSON FeatureCollection in WGS 84.
type Map interface {
	GeoJSON() []byte
}

// EventDeps are what the event service is made of.
type EventDeps struct {
	Incidents analytics.Incidents
	Trends    analytics.Trends
	Map       Map
	Now       func() time.Time
}

// NewEvents is the service of events, incidents, counts, hot words and the map.
func NewEvents(d EventDeps) Service {
	s := &eventService{EventDeps: d}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterEventServiceServer(r, s) },
		Gateway:  pb.RegisterEventServiceHandler,
	}
}

type eventService struct {
	pb.UnimplementedEventServiceServer
	EventDeps
}

// maxFilter bounds the texts of a filter, in bytes.
const maxFilter = 200

// filters checks texts that narrow a list, given as field and value in turn.
func filters(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if len(pairs[i+1]) > maxFilter {
			return plinth.Invalid(pairs[i], "has more than %d bytes", maxFilter)
		}
	}
	return nil
}

// spanOf reads an optional period.
func spanOf(from, to *timestamppb.Timestamp) (a, b time.Time, err error) {
	for _, f := range []struct {
		name string
		in   *timestamppb.Timestamp
		out  *time.Time
	}{{"from", from, &a}, {"to", to, &b}} {
		if f.in == nil {
			continue
		}
		*f.out = f.in.AsTime()
		if f.in.CheckValid() != nil || f.out.Year() < 1900 || f.out.Year() > 2261 {
			return a, b, plinth.Invalid(f.name, "is not a time between the years 1900 and 2261")
		}
	}
	if !a.IsZero() && !b.IsZero() && !a.Before(b) {
		return a, b, plinth.Invalid("from", "must be before to")
	}
	return a, b, nil
}

func (s *eventService) ListEvents(ctx context.Context, r *pb.ListEventsRequest) (*pb.ListEventsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	if err := filters("source", r.GetSource(), "class", r.GetClass(), "street", r.GetStreet(), "grid", r.GetGrid(),
		"query", r.GetQuery()); err != nil {
		return nil, err
	}
	f := analytics.EventFilter{Source: r.GetSource(), Class: r.GetClass(), Street: r.GetStreet(), Grid: r.GetGrid(),
		Query: r.GetQuery(), Limit: limit + 1}
	if f.From, f.To, err = spanOf(r.GetFrom(), r.GetTo()); err != nil {
		return nil, err
	}
	if after != "" {
		at, id, ok := momentKey(after)
		source, sourceID, two := strings.Cut(id, "/")
		if !ok || !two {
			return nil, plinth.Invalid("pageToken", "is not one that this server gave")
		}
		f.After = &analytics.Event{At: at, Source: source, SourceID: sourceID}
	}
	events, total, err := s.Trends.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &pb.ListEventsResponse{TotalSize: total}
	if len(events) > limit {
		events = events[:limit]
		last := events[limit-1]
		out.NextPageToken = nextPage(keyOfMoment(last.At, last.ID()))
	}
	incidents, err := s.Incidents.IncidentsOf(ctx, events)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		p := eventOut(e)
		p.IncidentId = string(incidents[e.ID()])
		out.Events = append(out.Events, p)
	}
	return out, nil
}

// A page's key of a list by time: milliseconds and id.
func keyOfMoment(at time.Time, id string) string {
	return strconv.FormatInt(at.UnixMilli(), 10) + " " + id
}

func momentKey(key string) (time.Time, string, bool) {
	ms, id, ok := strings.Cut(key, " ")
	n, err := strconv.ParseInt(ms, 10, 64)
	return time.UnixMilli(n).UTC(), id, ok && err == nil && id != "" && n > -1<<43 && n < 1<<43
}

func eventOut(e analytics.Event) *pb.Event {
	return &pb.Event{Id: e.ID(), Source: e.Source, SourceId: e.SourceID, At: stamp(e.At), Class: e.Class, Title: e.Title,
		Text: e.Text, Street: e.Street, Grid: e.Grid, Address: e.Address, Longitude: e.Longitude, Latitude: e.Latitude}
}

func (s *eventService) ListIncidents(ctx context.Context, r *pb.ListIncidentsRequest) (*pb.ListIncidentsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	if err := filters("street", r.GetStreet(), "grid", r.GetGrid(), "class", r.GetClass()); err != nil {
		return nil, err
	}
	if r.GetMinSize() < 0 {
		return nil, plinth.Invalid("minSize", "must not be below 0")
	}
	f := analytics.IncidentFilter{Street: r.GetStreet(), Grid: r.GetGrid(), Class: r.GetClass(), MinSize: int(r.GetMinSize()),
		Limit: limit + 1}
	if f.From, f.To, err = spanOf(r.GetFrom(), r.GetTo()); err != nil {
		return nil, err
	}
	if after != "" {
		at, id, ok := momentKey(after)
		if !ok {
			return nil, plinth.Invalid("pageToken", "is not one that this server gave")
		}
		f.After = &analytics.Incident{LastAt: at, ID: plinth.IncidentID(id)}
	}
	incidents, total, err := s.Incidents.Incidents(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &pb.ListIncidentsResponse{TotalSize: total}
	if len(incidents) > limit {
		incidents = incidents[:limit]
		last := incidents[limit-1]
		out.NextPageToken = nextPage(keyOfMoment(last.LastAt, string(last.ID)))
	}
	for _, in := range incidents {
		out.Incidents = append(out.Incidents, s.incidentOut(in))
	}
	return out, nil
}

func (s *eventService) incidentOut(in analytics.Incident) *pb.Incident {
	p := &pb.Incident{Id: string(in.ID), Title: in.Title, Class: in.Class, Street: in.Street, Grid: in.Grid,
		Longitude: in.Longitude, Latitude: in.Latitude, FirstAt: stamp(in.FirstAt), LastAt: stamp(in.LastAt),
		Size: int32(in.Size), Sources: map[string]int32{}, State: in.State(s.Now())}
	for source, n := range in.Sources {
		p.Sources[source] = int32(n)
	}
	return p
}

func (s *eventService) GetIncident(ctx context.Context, r *pb.GetIncidentRequest) (*pb.Incident, error) {
	if err := filters("id", r.GetId()); err != nil {
		return nil, err
	}
	in, members, err := s.Incidents.Incident(ctx, plinth.IncidentID(r.GetId()))
	if err != nil {
		return nil, err
	}
	// What people wrote is for those who may list events; the rest see that, where and why, not the words.
	reads := plinth.PrincipalFrom(ctx).Has(access[pb.EventService_ListEvents_FullMethodName].Roles...)
	out := s.incidentOut(in)
	for _, m := range members {
		e := eventOut(m.Event)
		e.IncidentId = string(in.ID)
		if !reads {
			e.Text, e.Address = "", ""
		}
		p := &pb.Member{Event: e, Score: m.Score}
		for _, w := range m.Weights {
			p.Weights = append(p.Weights, &pb.Weight{Feature: w.Feature, Observed: w.Observed, Weight: w.Weight})
		}
		out.Members = append(out.Members, p)
	}
	return out, nil
}

func (s *eventService) CountEvents(ctx context.Context, r *pb.CountEventsRequest) (*pb.CountEventsResponse, error) {
	f, err := s.counted(r.GetFrom(), r.GetTo(), r.GetSource(), r.GetStreet(), 30, analytics.MaxCountDays)
	if err != nil {
		return nil, err
	}
	counts, err := s.Trends.CountByDay(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &pb.CountEventsResponse{}
	for _, c := range counts {
		out.Counts = append(out.Counts, &pb.DayCount{Day: c.Day, Class: c.Class, Count: c.Count})
	}
	return out, nil
}

// counted checks what a question about a period is narrowed by.
func (s *eventService) counted(from, to *timestamppb.Timestamp, source, street string, days, most int) (analytics.CountFilter, error) {
	f := analytics.CountFilter{Source: source, Street: street}
	if err := filters("source", source, "street", street); err != nil {
		return f, err
	}
	a, b, err := spanOf(from, to)
	if err != nil {
		return f, err
	}
	f.From, f.To, err = analytics.Period(a, b, s.Now(), days, most)
	return f, err
}

func (s *eventService) HotWords(ctx context.Context, r *pb.HotWordsRequest) (*pb.HotWordsResponse, error) {
	f, err := s.counted(r.GetFrom(), r.GetTo(), r.GetSource(), "", 7, analytics.MaxWordDays)
	if err != nil {
		return nil, err
	}
	limit := int(r.GetLimit())
	if limit == 0 {
		limit = 30
	}
	words, docs, err := analytics.HotWords(ctx, s.Trends, f, limit)
	if err != nil {
		return nil, err
	}
	out := &pb.HotWordsResponse{Documents: docs}
	for _, w := range words {
		out.Words = append(out.Words, &pb.HotWord{Word: w.Word, Count: w.Count, Share: w.Share, ShareBefore: w.ShareBefore})
	}
	return out, nil
}

func (s *eventService) GetMap(context.Context, *pb.GetMapRequest) (*pb.GetMapResponse, error) {
	return &pb.GetMapResponse{Geojson: string(s.Map.GeoJSON())}, nil
}
