package api

import (
	"context"
	"strconv"

	"google.golang.org/grpc"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/catalog"
)

// NewCatalog is the service of datasets, registrations and open lists.
func NewCatalog(c *catalog.Catalog) Service {
	s := &catalogService{catalog: c}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterCatalogServiceServer(r, s) },
		Gateway:  pb.RegisterCatalogServiceHandler,
	}
}

type catalogService struct {
	pb.UnimplementedCatalogServiceServer
	catalog *catalog.Catalog
}

func (s *catalogService) ListAgents(ctx context.Context, _ *pb.ListAgentsRequest) (*pb.ListAgentsResponse, error) {
	all, err := s.catalog.Agents(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.ListAgentsResponse{}
	for _, a := range all {
		out.Agents = append(out.Agents, &pb.Agent{Id: string(a.ID), Name: textOut(a.Name), Kind: a.Kind, CreditCode: a.CreditCode})
	}
	return out, nil
}

func (s *catalogService) ListDatasets(ctx context.Context, r *pb.ListDatasetsRequest) (*pb.ListDatasetsResponse, error) {
	limit, offset, err := offsetPage(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, total, err := s.catalog.Datasets(ctx, catalog.Filter{Query: r.GetQuery(), State: catalog.State(r.GetState()), Openness: r.GetOpenness(),
		Publisher: plinth.AgentID(r.GetPublisher()), Theme: r.GetTheme(), Limit: limit, Offset: offset})
	if err != nil {
		return nil, err
	}
	names, err := s.names(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.ListDatasetsResponse{TotalSize: int32(total), NextPageToken: nextOffset(offset, len(all), total)}
	for _, d := range all {
		out.Datasets = append(out.Datasets, datasetOut(d, names))
	}
	return out, nil
}

func (s *catalogService) GetDataset(ctx context.Context, r *pb.GetDatasetRequest) (*pb.Dataset, error) {
	d, err := s.catalog.Dataset(ctx, plinth.DatasetID(r.GetId()))
	return s.dataset(ctx, d, err)
}

// dataset answers with what a call of the room returned.
func (s *catalogService) dataset(ctx context.Context, d catalog.Dataset, err error) (*pb.Dataset, error) {
	if err != nil {
		return nil, err
	}
	names, err := s.names(ctx)
	if err != nil {
		return nil, err
	}
	return datasetOut(d, names), nil
}

// names are the departments' names by id.
func (s *catalogService) names(ctx context.Context) (map[plinth.AgentID]string, error) {
	all, err := s.catalog.Agents(ctx)
	out := map[plinth.AgentID]string{}
	for _, a := range all {
		out[a.ID] = a.Name.ZH
	}
	return out, err
}

func (s *catalogService) GetTimeline(ctx context.Context, r *pb.GetTimelineRequest) (*pb.GetTimelineResponse, error) {
	all, err := s.catalog.Timeline(ctx, plinth.DatasetID(r.GetId()))
	if err != nil {
		return nil, err
	}
	return &pb.GetTimelineResponse{Items: itemsOut(all)}, nil
}

func (s *catalogService) CreateDataset(ctx context.Context, r *pb.CreateDatasetRequest) (*pb.Dataset, error) {
	in := r.GetDataset()
	for field, given := range map[string]bool{"id": in.GetId() != "", "code": in.GetCode() != "", "state": in.GetState() != "", "revision": in.GetRevision() != 0} {
		if given {
			return nil, plinth.Invalid(field, "is given by the catalogue, not by its caller")
		}
	}
	d, err := s.catalog.Create(ctx, contentIn(in))
	return s.dataset(ctx, d, err)
}

// contentFields are what a steward may change, as field mask paths.
var contentFields = []string{"title", "description", "publisher", "theme", "keywords", "grade", "openness", "openness_reason", "frequency", "table", "fields"}

func (s *catalogService) UpdateDataset(ctx context.Context, r *pb.UpdateDatasetRequest) (*pb.Dataset, error) {
	mask := r.GetUpdateMask()
	for i, p := range mask.GetPaths() { // the REST form lists the id when it stands in the body too
		if p == "id" {
			mask.Paths = append(mask.Paths[:i:i], mask.Paths[i+1:]...)
			break
		}
	}
	paths, err := maskOf(mask, contentFields...)
	if err != nil {
		return nil, err
	}
	in := contentIn(r.GetDataset())
	d, err := s.catalog.Update(ctx, plinth.DatasetID(r.GetDataset().GetId()), func(c catalog.Content) (catalog.Content, error) {
		for _, p := range paths {
			replace(&c, in, p)
		}
		return c, nil
	})
	return s.dataset(ctx, d, err)
}

// replace takes one part of a content from in.
func replace(c *catalog.Content, in catalog.Content, path string) {
	switch path {
	case "title":
		c.Title = in.Title
	case "description":
		c.Description = in.Description
	case "publisher":
		c.Publisher = in.Publisher
	case "theme":
		c.Theme = in.Theme
	case "keywords":
		c.Keywords = in.Keywords
	case "grade":
		c.Grade = in.Grade
	case "openness":
		c.Openness = in.Openness
	case "openness_reason":
		c.OpennessReason = in.OpennessReason
	case "frequency":
		c.Frequency = in.Frequency
	case "table":
		c.Table = in.Table
	case "fields":
		c.Fields = in.Fields
	}
}

func (s *catalogService) ListRegistrations(ctx context.Context, r *pb.ListRegistrationsRequest) (*pb.ListRegistrationsResponse, error) {
	limit, offset, err := offsetPage(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	f := catalog.RegistrationFilter{State: catalog.State(r.GetState()), Dataset: plinth.DatasetID(r.GetDatasetId()), Limit: limit, Offset: offset}
	all, total, err := s.catalog.Registrations(ctx, f, r.GetMine())
	if err != nil {
		return nil, err
	}
	out := &pb.ListRegistrationsResponse{TotalSize: int32(total), NextPageToken: nextOffset(offset, len(all), total)}
	for _, d := range all {
		out.Registrations = append(out.Registrations, registrationOut(d))
	}
	return out, nil
}

func (s *catalogService) GetRegistration(ctx context.Context, r *pb.GetRegistrationRequest) (*pb.Registration, error) {
	d, err := s.catalog.Registration(ctx, plinth.RegistrationID(r.GetId()))
	if err != nil {
		return nil, err
	}
	return registrationOut(d), nil
}

func (s *catalogService) ActOnRegistration(ctx context.Context, r *pb.ActOnRegistrationRequest) (*pb.Registration, error) {
	d, err := s.catalog.Act(ctx, plinth.RegistrationID(r.GetId()), catalog.Action(r.GetAction()), r.GetNote())
	if err != nil {
		return nil, err
	}
	return registrationOut(d), nil
}

func (s *catalogService) OpenRegistration(ctx context.Context, r *pb.OpenRegistrationRequest) (*pb.Registration, error) {
	opened, err := s.catalog.OpenRegistration(ctx, plinth.DatasetID(r.GetDatasetId()), catalog.Kind(r.GetKind()), r.GetNote())
	if err != nil {
		return nil, err
	}
	d, err := s.catalog.Registration(ctx, opened.ID)
	if err != nil {
		return nil, err
	}
	return registrationOut(d), nil
}

func (s *catalogService) PreviewOpenList(ctx context.Context, _ *pb.PreviewOpenListRequest) (*pb.OpenList, error) {
	l, err := s.catalog.PreviewOpenList(ctx)
	if err != nil {
		return nil, err
	}
	return s.openList(ctx, l), nil
}

func (s *catalogService) PublishOpenList(ctx context.Context, r *pb.PublishOpenListRequest) (*pb.OpenList, error) {
	l, err := s.catalog.PublishOpenList(ctx, r.GetNote())
	if err != nil {
		return nil, err
	}
	return s.openList(ctx, l), nil
}

func (s *catalogService) ListOpenLists(ctx context.Context, r *pb.ListOpenListsRequest) (*pb.ListOpenListsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	before := 0
	if after != "" {
		if before, err = strconv.Atoi(after); err != nil {
			return nil, plinth.Invalid("pageToken", "is not one that this call gave")
		}
	}
	all, err := s.catalog.OpenLists(ctx, limit+1, before)
	if err != nil {
		return nil, err
	}
	all, next := cut(all, limit, func(l catalog.OpenList) string { return strconv.Itoa(l.Number) })
	out := &pb.ListOpenListsResponse{NextPageToken: next}
	for _, l := range all {
		out.OpenLists = append(out.OpenLists, s.openList(ctx, l))
	}
	return out, nil
}

func (s *catalogService) GetOpenList(ctx context.Context, r *pb.GetOpenListRequest) (*pb.OpenList, error) {
	if r.GetNumber() < 0 {
		return nil, plinth.Invalid("number", "must be 0 for the newest, or a list's number")
	}
	l, err := s.catalog.OpenList(ctx, int(r.GetNumber()))
	if err != nil {
		return nil, err
	}
	return s.openList(ctx, l), nil
}

// openList names the bureau as the publisher, not the clerk: the list is public.
func (s *catalogService) openList(ctx context.Context, l catalog.OpenList) *pb.OpenList {
	out := openListOut(l)
	out.PublishedBy = s.catalog.AgentName(ctx, s.catalog.Authority())
	return out
}
