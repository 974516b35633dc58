package main

import (
	"context"

	"plinth/analytics"
	"plinth/api"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/pipelines"
	"plinth/policy"
	"plinth/policy/rego"
	"plinth/policy/scope"
	"plinth/security"
)

// uses is the room that data goes out through.
type uses struct {
	desk     *policy.Desk
	governor *analytics.Governor
	risk     *postgres.Risk
}

// openPolicy builds what decides about a use of data, what enforces it in ClickHouse, and what watches the consumers.
func (h *house) openPolicy(ctx context.Context) error {
	feed := postgres.NewPolicyFeed(h.pg)
	h.onClose(feed.Close)
	engine, err := rego.New(ctx, feed, h.now, h.log)
	if err != nil {
		return err
	}
	store, door := postgres.NewPolicy(h.pg), clickhouse.NewGoverned(h.ch)
	scopes := scope.NewReconciler(store, door, h.now, h.log)
	desk := policy.New(policy.Config{Store: store, Datasets: postgres.NewPublished(h.pg),
		Engine: engine, Compiler: scope.NewCompiler(door), Scopes: scopes, Now: h.now, Log: h.log})
	risk := postgres.NewRisk(h.pg)
	watch := security.NewWatch(risk, h.now, h.log)
	governor := analytics.NewGovernor(desk, clickhouse.NewQueries(h.ch), watch.Look, h.now, h.log)
	h.uses = uses{desk, governor, risk}
	watch.Raised = h.showAlert
	names := postgres.NewAccountNames(h.pg, h.now)
	h.services = append(h.services,
		api.NewPolicy(api.PolicyDeps{Desk: desk, Agents: h.catalog, Accounts: names}),
		api.NewQueries(governor, names),
		api.NewRisk(api.RiskDeps{Cases: security.NewCases(risk, engine, h.now), Agents: h.catalog, Accounts: names}))
	h.task("policy data", engine.Run)
	h.task("scopes", scopes.Run)
	h.task("lost queries", desk.Run)
	h.task("risk watch", watch.Run)
	return nil
}

// showAlert tells those who look at the house live. Who it is about is for the security officer alone to read.
func (h *house) showAlert(a security.Alert) {
	h.streams.feed.Publish(pipelines.News{Event: "alert", Data: map[string]any{
		"id": a.ID, "rule": a.Rule, "title": a.Title, "severity": a.Severity, "at": a.At}})
}
