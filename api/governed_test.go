package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plinth"
	"plinth/analytics"
	"plinth/api"
	"plinth/catalog"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/policy"
	"plinth/policy/rego"
	"plinth/policy/scope"
	"plinth/security"
)

var governedPeople = tokens{
	"asker":    {Account: "ac_asker", Department: "civil", Roles: []plinth.Role{plinth.RoleDepartment}},
	"analyst":  {Account: "ac_analyst", Department: "civil", Roles: []plinth.Role{plinth.RoleAnalyst}},
	"stranger": {Account: "ac_stranger", Department: "market", Roles: []plinth.Role{plinth.RoleAnalyst, plinth.RoleProvider}},
	"provider": {Account: "ac_provider", Department: "opcentre", Roles: []plinth.Role{plinth.RoleProvider}},
	"officer":  {Account: "ac_officer", Department: "databureau", Roles: []plinth.Role{plinth.RoleSecurity}},
}

// openGoverned serves requests, grants, decisions, queries and alerts over a catalogue that holds the samples.
func openGoverned(t *testing.T) (*house, plinth.DatasetID) {
	t.Helper()
	pg, err := postgres.Open(t.Context(), stacktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Close)
	ch, err := clickhouse.Open(t.Context(), stacktest.ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ch.Close() })
	if err := ch.Exec(t.Context(), `INSERT INTO plinth.event (source, source_id, at, class, street, contact, rx)
		SELECT 'api', toString(number), now64(3), 'noise', if(number % 2 = 0, 'caoyang', 'taopu'), '13900001234', now64(3)
		FROM numbers(20)`); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	cat := catalog.New(postgres.NewCatalog(pg), catalog.Config{Now: time.Now, Log: log})
	dataset := seeded(t, cat)
	feed := postgres.NewPolicyFeed(pg)
	t.Cleanup(feed.Close)
	engine, err := rego.New(t.Context(), feed, time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	door := clickhouse.NewGoverned(ch)
	desk := policy.New(policy.Config{Store: postgres.NewPolicy(pg), Datasets: postgres.NewPublished(pg), Engine: engine,
		Compiler: scope.NewCompiler(door), Scopes: scope.NewReconciler(postgres.NewPolicy(pg), door, time.Now, log), Now: time.Now, Log: log})
	risk := postgres.NewRisk(pg)
	watch := security.NewWatch(risk, time.Now, log)
	governor := analytics.NewGovernor(desk, clickhouse.NewQueries(ch), watch.Look, time.Now, log)
	names := postgres.NewAccountNames(pg, time.Now)
	return serveGoverned(t, []func(context.Context) error{engine.Run, watch.Run},
		api.NewPolicy(api.PolicyDeps{Desk: desk, Agents: cat, Accounts: names}), api.NewQueries(governor, names),
		api.NewRisk(api.RiskDeps{Cases: security.NewCases(risk, engine, time.Now), Agents: cat, Accounts: names})), dataset
}

// seeded is the dataset of events in a catalogue of samples.
func seeded(t *testing.T, cat *catalog.Catalog) plinth.DatasetID {
	t.Helper()
	steward := plinth.Principal{Account: "ac_steward", Department: "databureau", Roles: []plinth.Role{plinth.RoleSteward}}
	registrar := plinth.Principal{Account: "ac_registrar", Department: "databureau", Roles: []plinth.Role{plinth.RoleRegistrar}}
	if err := cat.Seed(t.Context(), steward, registrar); err != nil {
		t.Fatal(err)
	}
	all, _, err := cat.Datasets(plinth.WithPrincipal(t.Context(), steward), catalog.Filter{Limit: 100, Now: time.Now()})
	i := slices.IndexFunc(all, func(d catalog.Dataset) bool { return d.Table == "plinth.event" })
	if err != nil || i < 0 {
		t.Fatalf("no dataset of events: %v", err)
	}
	return all[i].ID
}

func serveGoverned(t *testing.T, tasks []func(context.Context) error, services ...api.Service) *house {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s, err := api.New(ctx, api.Config{Log: slog.New(slog.DiscardHandler), Now: time.Now, Auth: governedPeople,
		Registry: prometheus.NewRegistry(), Services: services})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tasks = append(tasks, func(ctx context.Context) error { return s.Serve(ctx, l) })
	done := make(chan error, len(tasks))
	for _, run := range tasks {
		go func() { done <- run(ctx) }()
	}
	t.Cleanup(func() {
		stop()
		for range tasks {
			<-done
		}
	})
	return &house{url: "http://" + l.Addr().String()}
}

// want calls and returns the answer, which must have the status.
func (h *house) want(t *testing.T, who string, status int, method, path, body string) map[string]any {
	t.Helper()
	a := h.call(t, who, method, path, body)
	if a.status != status {
		t.Fatalf("%s %s as %s: got %d, want %d: %s", method, path, who, a.status, status, a.body)
	}
	out := map[string]any{"field": a.Field}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRequestGrantQueryAndDenialOverREST(t *testing.T) {
	h, dataset := openGoverned(t)
	from, to := time.Now().Add(-time.Hour).Format(time.RFC3339), time.Now().AddDate(0, 1, 0).Format(time.RFC3339)
	request := fmt.Sprintf(`{"datasetId":%q,"purpose":"statistics","reason":"统计","columns":["class","contact"],
		"filter":[{"column":"street","op":"eq","values":["caoyang"]},{"column":"source","op":"eq","values":["api"]}],"notBefore":%q,"notAfter":%q}`, dataset, from, to)
	h.want(t, "analyst", 403, "POST", "/v1/requests", request)
	bad := h.want(t, "asker", 400, "POST", "/v1/requests", strings.Replace(request, `"statistics"`, `"selling"`, 1))
	if bad["field"] != "purpose" {
		t.Errorf("an unknown purpose: %v", bad)
	}
	id := h.want(t, "asker", 200, "POST", "/v1/requests", request)["id"]
	answer := fmt.Sprintf("/v1/requests/%v:answer", id)
	h.want(t, "stranger", 404, "POST", answer, `{"approve":true}`)
	if open := h.want(t, "provider", 400, "POST", answer, `{"approve":true}`); open["field"] != "masks.contact" {
		t.Errorf("a column about people without a mask: %v", open)
	}
	grant := h.want(t, "provider", 200, "POST", answer, `{"approve":true,"masks":{"contact":"partial"}}`)["grantId"]
	query := func(purpose, sql string) string {
		return fmt.Sprintf(`{"grantId":%q,"purpose":%q,"sql":%q}`, grant, purpose, sql)
	}
	out := h.want(t, "analyst", 200, "POST", "/v1/queries", query("statistics", "SELECT class, contact FROM event"))
	if rows, _ := out["rows"].([]any); len(rows) != 10 || strings.Contains(fmt.Sprint(rows), "13900001234") {
		t.Errorf("rows %v, want the ten of caoyang, masked", out["rows"])
	}
	for name, c := range map[string]struct{ who, body, rule string }{
		"another purpose":    {"analyst", query("emergency", "SELECT class FROM event"), "purpose.match"},
		"another department": {"stranger", query("statistics", "SELECT class FROM event"), "department.match"},
		"another statement":  {"analyst", query("statistics", "DROP TABLE event"), "query.admitted"},
	} {
		t.Run(name, func(t *testing.T) {
			if a := h.want(t, c.who, 403, "POST", "/v1/queries", c.body); !strings.Contains(fmt.Sprint(a["message"]), c.rule) {
				t.Errorf("got %v, want the rule %s named", a, c.rule)
			}
		})
	}
	h.want(t, "analyst", 400, "POST", "/v1/queries", query("statistics", "SELECT no_such_column FROM event"))
	denied := h.want(t, "officer", 200, "GET", "/v1/decisions?result=deny", "")
	if denied["totalSize"] != 3.0 {
		t.Errorf("decisions: %v, want the three denials", denied["totalSize"])
	}
	h.want(t, "officer", 200, "POST", fmt.Sprintf("/v1/grants/%v:revoke", grant), `{"reason":"期满"}`)
	h.want(t, "analyst", 403, "POST", "/v1/queries", query("statistics", "SELECT class FROM event"))
}

func TestAlertDoorsOverREST(t *testing.T) {
	h, _ := openGoverned(t)
	for range 12 {
		h.want(t, "analyst", 403, "POST", "/v1/queries", `{"grantId":"gr_none","purpose":"statistics","sql":"SELECT 1"}`)
	}
	var alerts []any
	for end := time.Now().Add(20 * time.Second); len(alerts) == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		alerts, _ = h.want(t, "officer", 200, "GET", "/v1/alerts", "")["alerts"].([]any)
	}
	if len(alerts) != 1 {
		t.Fatalf("alerts %v, want one for the burst of denials", alerts)
	}
	path := fmt.Sprintf("/v1/alerts/%v", alerts[0].(map[string]any)["id"])
	h.want(t, "analyst", 403, "GET", path, "")
	h.want(t, "officer", 404, "GET", "/v1/alerts/al_none", "")
	if a := h.want(t, "officer", 400, "POST", path+":handle", `{"action":"forgive"}`); a["field"] != "action" {
		t.Errorf("an unknown action: %v", a)
	}
	h.want(t, "officer", 200, "POST", path+":handle", `{"action":"contain"}`)
	h.want(t, "officer", 409, "POST", path+":handle", `{"action":"triage"}`)
	if a := h.want(t, "analyst", 403, "POST", "/v1/queries", `{"grantId":"gr_none","purpose":"statistics","sql":"SELECT 1"}`); !strings.Contains(fmt.Sprint(a["message"]), "risk.contained") {
		t.Errorf("a contained consumer: %v", a)
	}
	h.want(t, "officer", 200, "POST", path+":handle", `{"action":"resolve","note":"核实"}`)
	if list, _ := h.want(t, "officer", 200, "GET", "/v1/consumers", "")["consumers"].([]any); len(list) != 1 {
		t.Errorf("consumers %v, want the analyst", list)
	}
}
