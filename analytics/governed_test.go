package analytics_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"plinth"
	"plinth/analytics"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/policy"
	"plinth/policy/rego"
	"plinth/policy/scope"
)

// shelf is a catalogue of one dataset over the table of events.
type shelf struct{}

func (shelf) Dataset(_ context.Context, id plinth.DatasetID) (policy.Dataset, error) {
	return policy.Dataset{ID: id, Publisher: "opcentre", Table: "plinth.event", Revision: 1, Registered: true,
		Fields: []policy.Field{{Name: "at", Kind: policy.Datetime}, {Name: "source", Kind: policy.String}, {Name: "class", Kind: policy.String},
			{Name: "street", Kind: policy.String}, {Name: "contact", Kind: policy.String, Sensitivity: policy.Personal}}}, nil
}

func (shelf) WorkingDays(_ context.Context, from time.Time, n int) (time.Time, error) {
	return from.AddDate(0, 0, n), nil
}

// office is the whole governed path on real engines.
type office struct {
	*policy.Desk
	engine   *rego.Engine
	scopes   *scope.Reconciler
	governor *analytics.Governor
	ch       *clickhouse.DB
}

func openOffice(t testing.TB) office {
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
		SELECT 'governed', toString(number), toDateTime64('2026-11-01 00:00:00', 3, 'UTC') + number, 'noise',
			if(number % 2 = 0, 'caoyang', 'taopu'), concat('1390000', toString(1000 + number)), now64(3) FROM numbers(1000)`); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	feed := postgres.NewPolicyFeed(pg)
	t.Cleanup(feed.Close)
	o := office{ch: ch}
	if o.engine, err = rego.New(t.Context(), feed, time.Now, log); err != nil {
		t.Fatal(err)
	}
	store, door := postgres.NewPolicy(pg), clickhouse.NewGoverned(ch)
	o.scopes = scope.NewReconciler(store, door, time.Now, log)
	o.Desk = policy.New(policy.Config{Store: store, Datasets: shelf{}, Engine: o.engine, Compiler: scope.NewCompiler(door),
		Scopes: o.scopes, Now: time.Now, Log: log})
	o.governor = analytics.NewGovernor(o.Desk, clickhouse.NewQueries(ch), nil, time.Now, log)
	o.run(t)
	return o
}

// run keeps the engine fresh until the test ends.
func (o office) run(t testing.TB) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.engine.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

var (
	civilDesk    = plinth.Principal{Account: "ac_civil", Department: "civil", Roles: []plinth.Role{plinth.RoleDepartment}}
	civilAnalyst = plinth.Principal{Account: "ac_analyst", Department: "civil", Roles: []plinth.Role{plinth.RoleAnalyst}}
	otherAnalyst = plinth.Principal{Account: "ac_other", Department: "market", Roles: []plinth.Role{plinth.RoleAnalyst}}
	opcentre     = plinth.Principal{Account: "ac_op", Department: "opcentre", Roles: []plinth.Role{plinth.RoleProvider}}
)

func (o office) grant(t testing.TB, rowsPerDay int64) policy.Grant {
	t.Helper()
	now := time.Now()
	r, err := o.CreateRequest(t.Context(), civilDesk, policy.Request{Dataset: "ds_1", Purpose: "statistics", Reason: "统计",
		Columns: []string{"at", "class", "contact"}, NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Hour),
		Filter: []policy.Condition{{Column: "street", Op: policy.Eq, Values: []string{"caoyang"}},
			{Column: "source", Op: policy.Eq, Values: []string{"governed"}}}})
	if err != nil {
		t.Fatal(err)
	}
	r, err = o.AnswerRequest(t.Context(), opcentre, r.ID, policy.Answer{Approve: true, RowsPerDay: rowsPerDay,
		Masks: map[string]policy.Mask{"contact": policy.MaskPartial}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := o.Grant(t.Context(), civilAnalyst, r.Grant)
	if err != nil || g.State != policy.Active {
		t.Fatalf("grant is %s: %s, %v", g.State, g.Reason, err)
	}
	if err := o.engine.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestAnalystGetsWhatTheProviderGranted(t *testing.T) {
	o := openOffice(t)
	g := o.grant(t, 600)
	ask := func(p plinth.Principal, grant plinth.GrantID, purpose, sql string) (analytics.Answer, error) {
		return o.governor.Run(t.Context(), p, analytics.Query{Grant: grant, Purpose: purpose, Text: sql})
	}
	a, err := ask(civilAnalyst, g.ID, "statistics", "SELECT * FROM event ORDER BY at LIMIT 500")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Rows) != 500 || len(a.Columns) != 3 || a.Rows[0][2] != "139****1000" || !a.Decision.Permit {
		t.Errorf("got %d rows of %v, first %v", len(a.Rows), a.Columns, a.Rows[0])
	}
	if a, err = ask(civilAnalyst, g.ID, "statistics", "SELECT at FROM event"); err != nil || len(a.Rows) != 100 || !a.Truncated {
		t.Errorf("the rest of the quota: %d rows, truncated %t, %v; want 100", len(a.Rows), a.Truncated, err)
	}
	for _, c := range []struct {
		who            plinth.Principal
		grant          plinth.GrantID
		purpose, wants string
	}{
		{civilAnalyst, g.ID, "statistics", "quota.left"},
		{civilAnalyst, "gr_none", "statistics", "grant.exists"},
		{civilAnalyst, g.ID, "supervision", "purpose.match"},
		{otherAnalyst, g.ID, "statistics", "department.match"},
		{civilDesk, g.ID, "statistics", "role.analyst"},
	} {
		a, err := ask(c.who, c.grant, c.purpose, "SELECT count() FROM event")
		if !errors.Is(err, plinth.ErrDenied) || !slices.Contains(a.Decision.Failed(), c.wants) || !strings.Contains(err.Error(), c.wants) || len(a.Rows) > 0 {
			t.Errorf("%s: %v by %v", c.wants, err, a.Decision.Failed())
		}
		if kept, err := o.Decision(t.Context(), plinth.Principal{Roles: []plinth.Role{plinth.RoleAuditor}}, a.Decision.ID); err != nil || kept.Permit {
			t.Errorf("%s: the denial was not kept: %v", c.wants, err)
		}
	}
}

func TestRevocationEndsARunningQuery(t *testing.T) {
	o := openOffice(t)
	g := o.grant(t, 100_000)
	running := make(chan error, 1)
	go func() {
		_, err := o.governor.Run(context.WithoutCancel(t.Context()), civilAnalyst, analytics.Query{Grant: g.ID, Purpose: "statistics",
			Text: "SELECT sum(sipHash64(a.number, b.number)) FROM numbers(1000000) AS a CROSS JOIN numbers(1000000) AS b"})
		running <- err
	}()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		all, _, err := o.Decisions(t.Context(), civilAnalyst, policy.DecisionFilter{Grant: g.ID})
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the query did not begin: %v", err)
		}
		if len(all) == 1 && all[0].Outcome == policy.Running {
			break
		}
	}
	start := time.Now()
	if _, err := o.RevokeGrant(t.Context(), opcentre, g.ID, "用途结束"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-running:
		if err == nil {
			t.Error("the query ended well")
		}
		t.Logf("ended %v after the revocation: %v", time.Since(start), err)
	case <-time.After(10 * time.Second):
		t.Fatal("the query went on")
	}
	a, err := o.governor.Run(t.Context(), civilAnalyst, analytics.Query{Grant: g.ID, Purpose: "statistics", Text: "SELECT 1"})
	if !errors.Is(err, plinth.ErrDenied) || len(a.Rows) > 0 {
		t.Errorf("a query after the revocation: %v", err)
	}
}

// BenchmarkGoverned runs a grouping of two million rows under a grant and, in turn, as the service with the same WHERE.
// It reports both in milliseconds, and their ratio: all of authentication's aftermath is in it, from admission to the
// outcome's record.
func BenchmarkGoverned(b *testing.B) {
	o := openOffice(b)
	if err := o.ch.Exec(b.Context(), `INSERT INTO plinth.event (source, source_id, at, class, street, contact, rx)
		SELECT 'governed', concat('b', toString(number)), toDateTime64('2026-10-01 00:00:00', 3, 'UTC') + number,
			['noise', 'lift', 'water'][1 + number % 3], if(number % 3 = 0, 'taopu', 'caoyang'), '13900001000', now64(3)
		FROM numbers(2000000)`); err != nil {
		b.Fatal(err)
	}
	if err := o.ch.Exec(b.Context(), `OPTIMIZE TABLE plinth.event FINAL`); err != nil {
		b.Fatal(err)
	}
	g := o.grant(b, 1<<40)
	const governed = `SELECT class, toStartOfHour(at) AS h, count() AS n FROM event GROUP BY class, h ORDER BY n DESC LIMIT 100`
	const raw = `SELECT class, toStartOfHour(at) AS h, count() AS n FROM plinth.event FINAL
		WHERE source = 'governed' AND street = 'caoyang' GROUP BY class, h ORDER BY n DESC LIMIT 100`
	var ours, theirs time.Duration
	b.ResetTimer()
	for b.Loop() {
		start := time.Now()
		if _, err := o.governor.Run(b.Context(), civilAnalyst, analytics.Query{Grant: g.ID, Purpose: "statistics", Text: governed}); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(start)
		start = time.Now()
		rows, err := o.ch.Query(b.Context(), raw)
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(start)
	}
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N)/1000, "governed-ms")
	b.ReportMetric(float64(theirs.Microseconds())/float64(b.N)/1000, "raw-ms")
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
}
