package api

import (
	"context"

	"google.golang.org/grpc"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/policy"
	"plinth/security"
)

// RiskDeps are what the security service is made of.
type RiskDeps struct {
	Cases    *security.Cases
	Agents   Directory
	Accounts AccountDirectory
}

// NewRisk is the service of risk alerts and consumers.
func NewRisk(d RiskDeps) Service {
	s := &riskService{RiskDeps: d}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterSecurityServiceServer(r, s) },
		Gateway:  pb.RegisterSecurityServiceHandler,
	}
}

type riskService struct {
	pb.UnimplementedSecurityServiceServer
	RiskDeps
}

func (s *riskService) ListAlerts(ctx context.Context, r *pb.ListAlertsRequest) (*pb.ListAlertsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, total, err := s.Cases.Alerts(ctx, plinth.PrincipalFrom(ctx), security.AlertFilter{
		Page: policy.Page{After: after, Size: limit + 1}, State: security.AlertState(r.GetState()), Consumer: plinth.AccountID(r.GetConsumer())})
	if err != nil {
		return nil, err
	}
	page, next := cut(all, limit, func(a security.Alert) string { return string(a.ID) })
	out := &pb.ListAlertsResponse{NextPageToken: next, TotalSize: int32(total)}
	for _, a := range page {
		out.Alerts = append(out.Alerts, s.alert(ctx, a))
	}
	return out, nil
}

func (s *riskService) GetAlert(ctx context.Context, r *pb.GetAlertRequest) (*pb.Alert, error) {
	a, err := s.Cases.Alert(ctx, plinth.PrincipalFrom(ctx), plinth.AlertID(r.GetId()))
	if err != nil {
		return nil, err
	}
	return s.alert(ctx, a), nil
}

func (s *riskService) HandleAlert(ctx context.Context, r *pb.HandleAlertRequest) (*pb.Alert, error) {
	a, err := s.Cases.Handle(ctx, plinth.PrincipalFrom(ctx), plinth.AlertID(r.GetId()), r.GetAction(), r.GetNote())
	if err != nil {
		return nil, err
	}
	return s.alert(ctx, a), nil
}

func (s *riskService) ListConsumers(ctx context.Context, r *pb.ListConsumersRequest) (*pb.ListConsumersResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := s.Cases.Consumers(ctx, plinth.PrincipalFrom(ctx), policy.Page{After: after, Size: limit + 1})
	if err != nil {
		return nil, err
	}
	page, next := cut(all, limit, func(c security.Consumer) string { return string(c.Account) })
	out := &pb.ListConsumersResponse{NextPageToken: next}
	for _, c := range page {
		out.Consumers = append(out.Consumers, &pb.Consumer{Account: string(c.Account), Name: s.Accounts.AccountName(ctx, c.Account),
			DepartmentName: s.Agents.AgentName(ctx, c.Department), Score: c.Score, Band: c.Band, QueriesToday: c.Queries,
			RowsToday: c.Rows, DeniedToday: c.Denied, UsualRows: c.Usual, OpenAlerts: int32(c.OpenAlerts)})
	}
	return out, nil
}

func (s *riskService) alert(ctx context.Context, a security.Alert) *pb.Alert {
	out := &pb.Alert{Id: string(a.ID), Rule: a.Rule, Title: bilingual(a.Title), Severity: int32(a.Severity), Consumer: string(a.Consumer),
		ConsumerName: s.Accounts.AccountName(ctx, a.Consumer), DepartmentName: s.Agents.AgentName(ctx, a.Department),
		DatasetId: string(a.Dataset), At: stamp(a.At), State: string(a.State), HandledBy: string(a.HandledBy), Note: a.Note,
		Evidence: evidence(a.Record.String(), orPending(a.Evidence)), Actions: a.Actions(plinth.PrincipalFrom(ctx))}
	for _, f := range a.Findings {
		out.Findings = append(out.Findings, &pb.Finding{Feature: f.Feature, Observed: f.Observed, Expected: f.Expected,
			Score: f.Score, Detail: bilingual(f.Detail)})
	}
	for _, id := range a.Decisions {
		out.DecisionIds = append(out.DecisionIds, string(id))
	}
	return out
}
