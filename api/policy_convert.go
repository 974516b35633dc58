package api

import (
	"context"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/policy"
)

func bilingual(t policy.Text) *pb.Text { return &pb.Text{Zh: t.ZH, En: t.EN} }

func conditionsIn(in []*pb.Condition) []policy.Condition {
	var out []policy.Condition
	for _, c := range in {
		out = append(out, policy.Condition{Column: c.GetColumn(), Op: policy.Op(c.GetOp()), Values: c.GetValues()})
	}
	return out
}

func conditionsOut(in []policy.Condition) []*pb.Condition {
	var out []*pb.Condition
	for _, c := range in {
		out = append(out, &pb.Condition{Column: c.Column, Op: string(c.Op), Values: c.Values})
	}
	return out
}

// title is the dataset's title; none when it is no longer published.
func (s *policyService) title(ctx context.Context, id plinth.DatasetID) *pb.Text {
	d, err := s.Desk.Datasets.Dataset(ctx, id)
	if err != nil {
		return nil
	}
	return bilingual(d.Title)
}

func (s *policyService) request(ctx context.Context, r policy.Request) *pb.Request {
	out := &pb.Request{Id: string(r.ID), DatasetId: string(r.Dataset), DatasetTitle: s.title(ctx, r.Dataset),
		Department: string(r.Department), DepartmentName: s.Agents.AgentName(ctx, r.Department), Purpose: r.Purpose,
		Reason: r.Reason, Columns: r.Columns, Filter: conditionsOut(r.Filter), AllRows: r.AllRows, NotBefore: stamp(r.NotBefore),
		NotAfter: stamp(r.NotAfter), State: string(r.State), CreatedBy: string(r.CreatedBy), CreatedAt: stamp(r.CreatedAt),
		DueAt: stamp(r.DueAt), Answer: r.Answer, AnsweredBy: string(r.AnsweredBy), AnsweredAt: stamp(r.AnsweredAt),
		GrantId: string(r.Grant), Evidence: evidence(r.Record.String(), orPending(r.Evidence))}
	if r.MayAnswer(plinth.PrincipalFrom(ctx)) {
		out.Actions = []string{"answer"}
	}
	return out
}

// orPending is the state of a record that was written a moment ago.
func orPending(state string) string {
	if state == "" {
		return "pending"
	}
	return state
}

func (s *policyService) grant(ctx context.Context, g policy.Grant) *pb.Grant {
	now := s.Desk.Now()
	out := &pb.Grant{Id: string(g.ID), Version: int32(g.Version), RequestId: string(g.Request), DatasetId: string(g.Dataset),
		DatasetTitle: s.title(ctx, g.Dataset), Department: string(g.Department),
		DepartmentName: s.Agents.AgentName(ctx, g.Department), Purpose: g.Purpose, Columns: g.Columns, Masks: map[string]string{},
		Filter: conditionsOut(g.Filter), AllRows: g.AllRows, NotBefore: stamp(g.NotBefore), NotAfter: stamp(g.NotAfter),
		RowsPerDay: g.RowsPerDay, State: string(g.StateAt(now)), StateReason: g.Reason, Database: g.Scope.Database,
		View: g.Scope.View, CreatedAt: stamp(g.CreatedAt), Evidence: evidence(g.Record.String(), orPending(g.Evidence))}
	for c, m := range g.Masks {
		out.Masks[c] = string(m)
	}
	who := plinth.PrincipalFrom(ctx)
	if g.MayRevoke(who) {
		out.Actions = append(out.Actions, "revoke")
	}
	if who.Has(plinth.RoleAnalyst) && who.Department == g.Department && g.StateAt(now) == policy.Active {
		out.Actions = append(out.Actions, "query")
	}
	return out
}

func decisionOut(ctx context.Context, d policy.Decision, names AccountDirectory) *pb.Decision {
	out := &pb.Decision{Id: string(d.ID), Permit: d.Permit, Subject: string(d.Subject),
		SubjectName: names.AccountName(ctx, d.Subject), Action: string(d.Action), DatasetId: string(d.Dataset),
		GrantId: string(d.Grant), Purpose: d.Purpose, WouldPassIf: d.WouldPassIf, Obligations: d.Obligations, At: stamp(d.At),
		PolicyRev: d.PolicyRev, DataRev: d.DataRev, SqlSha256: d.SQLSHA256, Rows: d.Rows, Outcome: string(d.Outcome),
		Evidence: evidence(d.Record.String(), orPending(d.Evidence))}
	for _, r := range d.Reasons {
		out.Reasons = append(out.Reasons, &pb.Reason{Rule: r.Rule, Ok: r.OK, Detail: bilingual(r.Detail)})
	}
	return out
}
