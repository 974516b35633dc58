package api

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/policy"
)

// AccountDirectory knows what people call an account.
type AccountDirectory interface {
	AccountName(ctx context.Context, id plinth.AccountID) string
}

// PolicyDeps are what the policy service is made of.
type PolicyDeps struct {
	Desk     *policy.Desk
	Agents   Directory
	Accounts AccountDirectory
}

// NewPolicy is the service of requests, grants and decisions.
func NewPolicy(d PolicyDeps) Service {
	s := &policyService{PolicyDeps: d}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterPolicyServiceServer(r, s) },
		Gateway:  pb.RegisterPolicyServiceHandler,
	}
}

type policyService struct {
	pb.UnimplementedPolicyServiceServer
	PolicyDeps
}

func (s *policyService) ListPurposes(ctx context.Context, _ *pb.ListPurposesRequest) (*pb.ListPurposesResponse, error) {
	all, err := s.Desk.Purposes(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.ListPurposesResponse{}
	for _, p := range all {
		out.Purposes = append(out.Purposes, &pb.Purpose{Id: p.ID, Name: bilingual(p.Name)})
	}
	return out, nil
}

func (s *policyService) CreateRequest(ctx context.Context, r *pb.CreateRequestRequest) (*pb.Request, error) {
	in := r.GetRequest()
	if in == nil {
		return nil, plinth.Invalid("request", "the request is missing")
	}
	who := plinth.PrincipalFrom(ctx)
	req := policy.Request{Dataset: plinth.DatasetID(in.GetDatasetId()), Purpose: in.GetPurpose(), Reason: in.GetReason(),
		Columns: in.GetColumns(), Filter: conditionsIn(in.GetFilter()), AllRows: in.GetAllRows()}
	if err := timesIn(in, &req); err != nil {
		return nil, err
	}
	req, err := s.Desk.CreateRequest(ctx, who, req)
	if err != nil {
		return nil, err
	}
	return s.request(ctx, req), nil
}

func timesIn(in *pb.Request, r *policy.Request) error {
	for _, t := range []struct {
		field string
		from  *timestamppb.Timestamp
	}{{"notBefore", in.GetNotBefore()}, {"notAfter", in.GetNotAfter()}} {
		if t.from != nil && !t.from.IsValid() {
			return plinth.Invalid(t.field, "is no time")
		}
	}
	if in.GetNotBefore() != nil {
		r.NotBefore = in.GetNotBefore().AsTime()
	}
	if in.GetNotAfter() != nil {
		r.NotAfter = in.GetNotAfter().AsTime()
	}
	return nil
}

func (s *policyService) ListRequests(ctx context.Context, r *pb.ListRequestsRequest) (*pb.ListRequestsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	who := plinth.PrincipalFrom(ctx)
	f := policy.RequestFilter{Page: policy.Page{After: after, Size: limit + 1}, State: policy.RequestState(r.GetState()),
		Dataset: plinth.DatasetID(r.GetDatasetId())}
	if r.GetMine() {
		f.CreatedBy = who.Account
	}
	all, total, err := s.Desk.Requests(ctx, who, f)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, limit, func(r policy.Request) string { return string(r.ID) })
	out := &pb.ListRequestsResponse{NextPageToken: next, TotalSize: int32(total)}
	for _, req := range page {
		out.Requests = append(out.Requests, s.request(ctx, req))
	}
	return out, nil
}

func (s *policyService) GetRequest(ctx context.Context, r *pb.GetRequestRequest) (*pb.Request, error) {
	req, steps, err := s.Desk.Request(ctx, plinth.PrincipalFrom(ctx), plinth.RequestID(r.GetId()))
	if err != nil {
		return nil, err
	}
	out := s.request(ctx, req)
	for _, st := range steps {
		out.Timeline = append(out.Timeline, &pb.TimelineItem{At: stamp(st.At), Actor: string(st.Actor),
			ActorName: s.Accounts.AccountName(ctx, st.Actor), Action: st.Action, Note: st.Note,
			Evidence: evidence(st.Record.String(), st.Evidence)})
	}
	return out, nil
}

func (s *policyService) AnswerRequest(ctx context.Context, r *pb.AnswerRequestRequest) (*pb.Request, error) {
	a := policy.Answer{Approve: r.GetApprove(), Reason: r.GetReason(), RowsPerDay: r.GetRowsPerDay(), Masks: map[string]policy.Mask{}}
	for column, m := range r.GetMasks() {
		a.Masks[column] = policy.Mask(m)
	}
	req, err := s.Desk.AnswerRequest(ctx, plinth.PrincipalFrom(ctx), plinth.RequestID(r.GetId()), a)
	if err != nil {
		return nil, err
	}
	return s.request(ctx, req), nil
}

func (s *policyService) ListGrants(ctx context.Context, r *pb.ListGrantsRequest) (*pb.ListGrantsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	who := plinth.PrincipalFrom(ctx)
	f := policy.GrantFilter{Page: policy.Page{After: after, Size: limit + 1}, State: policy.GrantState(r.GetState()),
		Dataset: plinth.DatasetID(r.GetDatasetId())}
	if r.GetMine() {
		f.Department = who.Department
	}
	all, total, err := s.Desk.Grants(ctx, who, f)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, limit, func(g policy.Grant) string { return string(g.ID) })
	out := &pb.ListGrantsResponse{NextPageToken: next, TotalSize: int32(total)}
	for _, g := range page {
		out.Grants = append(out.Grants, s.grant(ctx, g))
	}
	return out, nil
}

func (s *policyService) GetGrant(ctx context.Context, r *pb.GetGrantRequest) (*pb.Grant, error) {
	g, err := s.Desk.Grant(ctx, plinth.PrincipalFrom(ctx), plinth.GrantID(r.GetId()))
	if err != nil {
		return nil, err
	}
	return s.grant(ctx, g), nil
}

func (s *policyService) RevokeGrant(ctx context.Context, r *pb.RevokeGrantRequest) (*pb.Grant, error) {
	g, err := s.Desk.RevokeGrant(ctx, plinth.PrincipalFrom(ctx), plinth.GrantID(r.GetId()), r.GetReason())
	if err != nil {
		return nil, err
	}
	return s.grant(ctx, g), nil
}

func (s *policyService) Decide(ctx context.Context, r *pb.DecideRequest) (*pb.Decision, error) {
	dec, err := s.Desk.Ask(ctx, policy.Question{Subject: plinth.PrincipalFrom(ctx), Action: policy.Action(r.GetAction()),
		Dataset: plinth.DatasetID(r.GetDatasetId()), Grant: plinth.GrantID(r.GetGrantId()), Purpose: r.GetPurpose(),
		Columns: r.GetColumns(), RowsAsked: 1})
	if err != nil {
		return nil, err
	}
	return decisionOut(ctx, dec, s.Accounts), nil
}

func (s *policyService) ListDecisions(ctx context.Context, r *pb.ListDecisionsRequest) (*pb.ListDecisionsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	if v := r.GetResult(); v != "" && v != "permit" && v != "deny" {
		return nil, plinth.Invalid("result", "%.40q is not permit or deny", v)
	}
	f := policy.DecisionFilter{Page: policy.Page{After: after, Size: limit + 1}, Subject: plinth.AccountID(r.GetSubject()),
		Dataset: plinth.DatasetID(r.GetDatasetId()), Grant: plinth.GrantID(r.GetGrantId()), Result: r.GetResult()}
	all, total, err := s.Desk.Decisions(ctx, plinth.PrincipalFrom(ctx), f)
	if err != nil {
		return nil, err
	}
	page, next := cut(all, limit, func(d policy.Decision) string { return string(d.ID) })
	out := &pb.ListDecisionsResponse{NextPageToken: next, TotalSize: int32(total)}
	for _, d := range page {
		out.Decisions = append(out.Decisions, decisionOut(ctx, d, s.Accounts))
	}
	return out, nil
}

func (s *policyService) GetDecision(ctx context.Context, r *pb.GetDecisionRequest) (*pb.Decision, error) {
	dec, err := s.Desk.Decision(ctx, plinth.PrincipalFrom(ctx), plinth.DecisionID(r.GetId()))
	if err != nil {
		return nil, err
	}
	return decisionOut(ctx, dec, s.Accounts), nil
}
