package api

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"plinth"
	"plinth/analytics"
	pb "plinth/api/plinth/v1"
)

// NewQueries is the service of the governed query.
func NewQueries(g *analytics.Governor, names AccountDirectory) Service {
	s := &queryService{governor: g, names: names}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterQueryServiceServer(r, s) },
		Gateway:  pb.RegisterQueryServiceHandler,
	}
}

type queryService struct {
	pb.UnimplementedQueryServiceServer
	governor *analytics.Governor
	names    AccountDirectory
}

func (s *queryService) RunQuery(ctx context.Context, r *pb.RunQueryRequest) (*pb.RunQueryResponse, error) {
	a, err := s.governor.Run(ctx, plinth.PrincipalFrom(ctx), analytics.Query{Grant: plinth.GrantID(r.GetGrantId()),
		Purpose: r.GetPurpose(), Text: r.GetSql(), MaxRows: int(r.GetMaxRows())})
	if err != nil {
		return nil, denial(a, err)
	}
	out := &pb.RunQueryResponse{Truncated: a.Truncated, TookMs: a.Took.Milliseconds(), Decision: decisionOut(ctx, a.Decision, s.names)}
	for _, c := range a.Columns {
		out.Columns = append(out.Columns, &pb.Column{Name: c.Name, Type: c.Type})
	}
	for i, row := range a.Rows {
		list, err := structpb.NewList(row)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		out.Rows = append(out.Rows, list)
	}
	return out, nil
}

// denial carries the decision behind a denial in the status: its id and the rules that failed, for programs.
func denial(a analytics.Answer, err error) error {
	if !errors.Is(err, plinth.ErrDenied) || a.Decision.ID == "" || a.Decision.Permit {
		return err
	}
	st, _ := toStatus(err)
	if st.Code() != codes.PermissionDenied {
		return err
	}
	failed := &errdetails.PreconditionFailure{}
	for _, r := range a.Decision.Reasons {
		if !r.OK {
			failed.Violations = append(failed.Violations, &errdetails.PreconditionFailure_Violation{
				Type: r.Rule, Subject: "decision:" + string(a.Decision.ID), Description: r.Detail.ZH + " / " + r.Detail.EN})
		}
	}
	if with, werr := st.WithDetails(failed); werr == nil {
		return with.Err()
	}
	return err
}
