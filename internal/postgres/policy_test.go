package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/catalog"
	"plinth/internal/postgres"
	"plinth/ledger"
	"plinth/policy"
	"plinth/policy/rego"
	"plinth/security"
)

var (
	asker    = plinth.Principal{Account: "ac_asker", Department: "civil", Roles: []plinth.Role{plinth.RoleDepartment}}
	reader   = plinth.Principal{Account: "ac_reader", Department: "civil", Roles: []plinth.Role{plinth.RoleAnalyst}}
	owner    = plinth.Principal{Account: "ac_owner", Department: "opcentre", Roles: []plinth.Role{plinth.RoleProvider}}
	stranger = plinth.Principal{Account: "ac_other", Department: "market", Roles: []plinth.Role{plinth.RoleAnalyst, plinth.RoleProvider}}
	guard    = plinth.Principal{Account: "ac_guard", Department: "databureau", Roles: []plinth.Role{plinth.RoleSecurity}}
)

// shelf is a catalogue of one dataset.
type shelf struct{}

func (shelf) Dataset(_ context.Context, id plinth.DatasetID) (policy.Dataset, error) {
	if id != "ds_1" {
		return policy.Dataset{}, plinth.Errorf(plinth.ErrNotFound, "there is no dataset %q", id)
	}
	return policy.Dataset{ID: "ds_1", Publisher: "opcentre", Table: "plinth.event", Revision: 1, Registered: true,
		Fields: []policy.Field{{Name: "at", Kind: policy.Datetime}, {Name: "street", Kind: policy.String},
			{Name: "contact", Kind: policy.String, Sensitivity: policy.Personal}}}, nil
}

func (shelf) WorkingDays(_ context.Context, from time.Time, n int) (time.Time, error) {
	return catalog.Calendar{}.Due(from, n), nil
}

// compiler makes scopes without ClickHouse; counter is what its check finds.
type compiler struct{ counter string }

func (c *compiler) Compile(_ context.Context, g policy.Grant, d policy.Dataset) (policy.Scope, error) {
	if c.counter != "" {
		return policy.Scope{}, &policy.Counterexample{Text: c.counter}
	}
	return policy.Scope{Name: "00000000000000aa", View: "event", Base: d.Table, Columns: g.Columns, Rego: "package x", Filter: "1",
		Select: "SELECT 1", Checked: 7}, nil
}

func (*compiler) Sync(context.Context) error { return nil }

// bureau is the policy room on a real database, with a clock that tests set.
type bureau struct {
	*policy.Desk
	db       *postgres.DB
	store    *postgres.Policy
	engine   *rego.Engine
	feed     *postgres.PolicyFeed
	compiler *compiler
	now      time.Time
}

func openBureau(t *testing.T) *bureau {
	t.Helper()
	b := &bureau{db: open(t), compiler: &compiler{}, now: time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)}
	b.store, b.feed = postgres.NewPolicy(b.db), postgres.NewPolicyFeed(b.db)
	t.Cleanup(b.feed.Close)
	clock, log := func() time.Time { return b.now }, slog.New(slog.DiscardHandler)
	var err error
	if b.engine, err = rego.New(t.Context(), b.feed, clock, log); err != nil {
		t.Fatal(err)
	}
	b.Desk = policy.New(policy.Config{Store: b.store, Datasets: shelf{}, Engine: b.engine, Compiler: b.compiler, Scopes: b.compiler,
		Now: clock, Log: log})
	return b
}

func (b *bureau) want() policy.Request {
	return policy.Request{Dataset: "ds_1", Purpose: "statistics", Reason: "人口统计", Columns: []string{"at", "contact"},
		Filter:    []policy.Condition{{Column: "street", Op: policy.In, Values: []string{"caoyang"}}},
		NotBefore: b.now.Add(-time.Hour), NotAfter: b.now.AddDate(0, 3, 0)}
}

// granted is a grant that came about in the usual way.
func (b *bureau) granted(t *testing.T) policy.Grant {
	t.Helper()
	r, err := b.CreateRequest(t.Context(), asker, b.want())
	if err != nil {
		t.Fatal(err)
	}
	r, err = b.AnswerRequest(t.Context(), owner, r.ID, policy.Answer{Approve: true, Masks: map[string]policy.Mask{"contact": policy.MaskPartial}, RowsPerDay: 1000})
	if err != nil {
		t.Fatal(err)
	}
	g, err := b.Grant(t.Context(), reader, r.Grant)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.engine.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

func kinds(t *testing.T, db *postgres.DB) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT kind FROM ledger_outbox ORDER BY n`)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRequestBecomesGrantWithEvidenceOfEveryStep(t *testing.T) {
	b := openBureau(t)
	g := b.granted(t)
	if g.State != policy.Active || g.Version != 1 || g.RowsPerDay != 1000 || g.Scope.Name == "" || g.Masks["contact"] != policy.MaskPartial {
		t.Errorf("got %+v", g)
	}
	r, steps, err := b.Request(t.Context(), asker, g.Request)
	if err != nil || r.State != policy.Approved || len(steps) != 3 || steps[0].Evidence != "pending" {
		t.Errorf("request %+v with steps %v: %v", r, steps, err)
	}
	if want := time.Date(2026, 12, 8, 16, 0, 0, 0, time.UTC); !r.DueAt.Equal(want) {
		t.Errorf("due %v, want the end of the tenth working day: %v", r.DueAt, want)
	}
	if got, want := kinds(t, b.db), []string{"request.created", "request.approved", "grant.created"}; !slices.Equal(got, want) {
		t.Errorf("records %v, want %v", got, want)
	}
	_, err = b.AnswerRequest(t.Context(), owner, r.ID, policy.Answer{Reason: "no"})
	if !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("a second answer: %v, want a conflict", err)
	}
}

func TestBadRequestsNameTheirField(t *testing.T) {
	b := openBureau(t)
	cases := map[string]func(*policy.Request){
		"purpose":             func(r *policy.Request) { r.Purpose = "curiosity" },
		"reason":              func(r *policy.Request) { r.Reason = "  " },
		"columns":             func(r *policy.Request) { r.Columns = []string{"at", "at"} },
		"filter":              func(r *policy.Request) { r.Filter = nil },
		"filter[0].column":    func(r *policy.Request) { r.Filter[0].Column = "street'; DROP TABLE x" },
		"filter[0].op":        func(r *policy.Request) { r.Filter[0].Op = "regex" },
		"filter[0].values":    func(r *policy.Request) { r.Filter[0].Values = nil },
		"filter[0].values[0]": func(r *policy.Request) { r.Filter[0].Values = []string{"a\x00b"} },
		"notAfter":            func(r *policy.Request) { r.NotAfter = r.NotBefore },
		"notBefore":           func(r *policy.Request) { r.NotBefore = time.Time{} },
		"datasetId":           func(r *policy.Request) { r.Dataset = "" },
	}
	for field, spoil := range cases {
		r := b.want()
		spoil(&r)
		_, err := b.CreateRequest(t.Context(), asker, r)
		var said *plinth.Error
		if !errors.As(err, &said) || !errors.Is(err, plinth.ErrInvalid) || said.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if _, err := b.CreateRequest(t.Context(), reader, b.want()); !errors.Is(err, plinth.ErrDenied) {
		t.Errorf("an analyst asks: %v", err)
	}
	if got := kinds(t, b.db); len(got) != 0 {
		t.Errorf("bad requests left records %v", got)
	}
}

func TestAnswerIsTheProvidersAlone(t *testing.T) {
	b := openBureau(t)
	r, err := b.CreateRequest(t.Context(), asker, b.want())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.AnswerRequest(t.Context(), stranger, r.ID, policy.Answer{Approve: true}); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("another department's provider: %v, want not found", err)
	}
	var said *plinth.Error
	if _, err := b.AnswerRequest(t.Context(), owner, r.ID, policy.Answer{Approve: true}); !errors.As(err, &said) || said.Field != "masks.contact" {
		t.Errorf("a personal column without a mask: %v", err)
	}
	if _, err := b.AnswerRequest(t.Context(), owner, r.ID, policy.Answer{}); !errors.As(err, &said) || said.Field != "reason" {
		t.Errorf("a refusal without a reason: %v", err)
	}
	if r, err = b.AnswerRequest(t.Context(), owner, r.ID, policy.Answer{Reason: "用途不明"}); err != nil || r.State != policy.Refused {
		t.Errorf("refusal: %+v, %v", r, err)
	}
}

func TestCounterexampleBlocksTheGrant(t *testing.T) {
	b := openBureau(t)
	b.compiler.counter = "the policy says true and the SQL says false"
	g := b.granted(t)
	if g.State != policy.Blocked || g.Reason != b.compiler.counter {
		t.Errorf("got %s %q, want blocked", g.State, g.Reason)
	}
	dec, err := b.Intend(t.Context(), ask(g))
	if err != nil || dec.Permit || !slices.Contains(dec.Failed(), "grant.active") {
		t.Errorf("use of a blocked grant: %v, %v", dec.Failed(), err)
	}
}

func ask(g policy.Grant) policy.Question {
	return policy.Question{Subject: reader, Grant: g.ID, Dataset: g.Dataset, Purpose: "statistics", RowsAsked: 100, Text: "SELECT 1"}
}

func TestDecisionsAreRecordedAndChargeTheQuota(t *testing.T) {
	b := openBureau(t)
	g := b.granted(t)
	dec, err := b.Intend(t.Context(), ask(g))
	if err != nil || !dec.Permit || dec.Outcome != policy.Running || dec.Scope.Name == "" {
		t.Fatalf("got %+v, %v; want a running permission", dec, err)
	}
	if n, _ := b.store.RowsToday(t.Context(), g.ID, reader.Account, policy.Day(b.now)); n != 100 {
		t.Errorf("while it runs %d rows are held back, want 100", n)
	}
	if err := b.Finish(t.Context(), dec, policy.Done, 40); err != nil {
		t.Fatal(err)
	}
	if n, _ := b.store.RowsToday(t.Context(), g.ID, reader.Account, policy.Day(b.now)); n != 40 {
		t.Errorf("charged %d rows, want 40", n)
	}
	if err := b.Finish(t.Context(), dec, policy.Done, 40); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("a second outcome: %v, want a conflict", err)
	}
	kept, err := b.Decision(t.Context(), owner, dec.ID)
	if err != nil || kept.Rows != 40 || kept.Outcome != policy.Done || len(kept.Reasons) != len(policy.Premises) {
		t.Errorf("kept %+v, %v", kept, err)
	}
	if _, err := b.Decision(t.Context(), stranger, dec.ID); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("a stranger reads it: %v", err)
	}
	if got := kinds(t, b.db)[3:]; !slices.Equal(got, []string{"decision.permit", "query.done"}) {
		t.Errorf("records %v", got)
	}
}

func TestLostQueriesAreChargedInFull(t *testing.T) {
	b := openBureau(t)
	g := b.granted(t)
	dec, err := b.Intend(t.Context(), ask(g))
	if err != nil || !dec.Permit {
		t.Fatalf("%v, %v", dec.Failed(), err)
	}
	b.now = b.now.Add(time.Hour)
	if err := b.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept, err := b.store.Decision(t.Context(), dec.ID)
	if err != nil || kept.Outcome != policy.Failed || kept.Rows != 100 {
		t.Errorf("got %s with %d rows, %v; want failed with all 100", kept.Outcome, kept.Rows, err)
	}
}

func TestQueriesSideBySideShareOneQuota(t *testing.T) {
	b := openBureau(t)
	g := b.granted(t)
	q := ask(g)
	q.RowsAsked = 600
	permits := make(chan int64, 8)
	for range 8 {
		go func() {
			dec, err := b.Intend(context.WithoutCancel(t.Context()), q)
			if err != nil {
				t.Error(err)
			}
			permits <- dec.Reserved * map[bool]int64{true: 1}[dec.Permit]
		}()
	}
	var sum int64
	for range 8 {
		sum += <-permits
	}
	if sum == 0 || sum > 1000 {
		t.Errorf("eight queries may read %d rows together, want at most 1000", sum)
	}
}

func TestDenialsNameTheirRule(t *testing.T) {
	b := openBureau(t)
	g := b.granted(t)
	cases := map[string]func(*policy.Question){
		"grant.exists":     func(q *policy.Question) { q.Grant = "gr_none" },
		"purpose.match":    func(q *policy.Question) { q.Purpose = "supervision" },
		"department.match": func(q *policy.Question) { q.Subject = stranger },
		"role.analyst":     func(q *policy.Question) { q.Subject = asker },
		"query.admitted":   func(q *policy.Question) { q.Admission = &policy.Refusal{Detail: policy.Text{ZH: "不", EN: "no"}} },
	}
	for rule, spoil := range cases {
		q := ask(g)
		spoil(&q)
		dec, err := b.Intend(t.Context(), q)
		if err != nil || dec.Permit || !slices.Equal(dec.Failed(), []string{rule}) {
			t.Errorf("%s: permit %t by %v, %v", rule, dec.Permit, dec.Failed(), err)
			continue
		}
		if said := dec.Err().Error(); !strings.Contains(said, rule) || !strings.Contains(said, string(dec.ID)) {
			t.Errorf("%s: the caller reads %q", rule, said)
		}
		if _, err := b.store.Decision(t.Context(), dec.ID); err != nil {
			t.Errorf("%s: the denial was not kept: %v", rule, err)
		}
	}
	b.now = g.NotAfter
	if err := b.engine.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if dec, err := b.Intend(t.Context(), ask(g)); err != nil || !slices.Equal(dec.Failed(), []string{"period.current"}) {
		t.Errorf("past the period: %v, %v", dec.Failed(), err)
	}
}

func TestStaleDataAndFailedRecordsDeny(t *testing.T) {
	b := openBureau(t)
	g := b.granted(t)
	b.now = b.now.Add(3 * time.Second)
	if dec, err := b.Intend(t.Context(), ask(g)); err != nil || !slices.Equal(dec.Failed(), []string{"data.fresh"}) {
		t.Errorf("stale data: %v, %v", dec.Failed(), err)
	}
	if err := b.engine.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.Exec(t.Context(), `ALTER TABLE ledger_outbox ADD CONSTRAINT shut CHECK (kind <> 'decision.permit') NOT VALID`); err != nil {
		t.Fatal(err)
	}
	if dec, err := b.Intend(t.Context(), ask(g)); err == nil || dec.Permit {
		t.Errorf("without a record: permit %t, %v; want an error", dec.Permit, err)
	}
	var n int
	if err := b.db.QueryRow(t.Context(), `SELECT count(*) FROM policy_decision WHERE permit`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d permissions were kept without their record, %v", n, err)
	}
}

func TestRevocationIsSeenBeforeAnyNotice(t *testing.T) {
	b := openBureau(t)
	g := b.granted(t)
	if _, err := b.RevokeGrant(t.Context(), stranger, g.ID, "x"); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("a stranger revokes: %v", err)
	}
	revoked, err := b.RevokeGrant(t.Context(), owner, g.ID, "用途结束")
	if err != nil || revoked.Version != 2 || revoked.State != policy.Revoked {
		t.Fatalf("got %+v, %v", revoked, err)
	}
	// The engine has not been refreshed: the record's transaction finds it out.
	dec, err := b.Intend(t.Context(), ask(g))
	if err != nil || dec.Permit || !slices.Equal(dec.Failed(), []string{"data.fresh"}) {
		t.Errorf("right after the revocation: %v, %v", dec.Failed(), err)
	}
	if err := b.engine.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if dec, err = b.Intend(t.Context(), ask(g)); err != nil || !slices.Equal(dec.Failed(), []string{"grant.active"}) {
		t.Errorf("after the notice: %v, %v", dec.Failed(), err)
	}
	scopes, next, err := b.store.LiveScopes(t.Context(), b.now, b.now.Add(time.Minute))
	if err != nil || len(scopes) != 0 || !next.IsZero() {
		t.Errorf("live scopes %v until %v, %v; want none", scopes, next, err)
	}
	if _, err := b.db.Exec(t.Context(), `UPDATE policy_grant SET state = 'active'`); err == nil {
		t.Error("a version of a grant could be changed")
	}
}

func TestEngineHearsOfChangesByItself(t *testing.T) {
	b := openBureau(t)
	b.granted(t)
	_, before, _ := b.engine.State()
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { done <- b.engine.Run(ctx) }()
	b.granted(t)
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, rev, _ := b.engine.State(); rev > before {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the engine did not hear of the new grant")
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestListsShowWhatThePrincipalMaySee(t *testing.T) {
	b := openBureau(t)
	b.granted(t)
	g := b.granted(t)
	for who, want := range map[*plinth.Principal]int{&asker: 2, &owner: 2, &guard: 2, &stranger: 0} {
		if _, n, err := b.Requests(t.Context(), *who, policy.RequestFilter{}); err != nil || n != want {
			t.Errorf("%s sees %d requests, %v; want %d", who.Account, n, err, want)
		}
		if _, n, err := b.Grants(t.Context(), *who, policy.GrantFilter{State: policy.Active}); err != nil || n != want {
			t.Errorf("%s sees %d grants, %v; want %d", who.Account, n, err, want)
		}
	}
	page, n, err := b.Grants(t.Context(), owner, policy.GrantFilter{Page: policy.Page{Size: 1}})
	if err != nil || n != 2 || len(page) != 1 || page[0].ID != g.ID {
		t.Errorf("first page %v of %d, %v; want the newest", page, n, err)
	}
	if page, _, err = b.Grants(t.Context(), owner, policy.GrantFilter{Page: policy.Page{Size: 5, After: string(g.ID)}}); err != nil || len(page) != 1 {
		t.Errorf("second page %v, %v", page, err)
	}
}

// uses makes the reader's history: so many rows on each of the days before.
func (b *bureau) uses(t *testing.T, g policy.Grant, days int, rows func(i int) int64) {
	t.Helper()
	today := b.now
	for i := days; i > 0; i-- {
		b.now = today.AddDate(0, 0, -i)
		dec := policy.Decision{ID: plinth.DecisionID(plinth.NewID("dc")), Permit: true, Subject: reader.Account, Department: "civil",
			Action: policy.Query, Dataset: g.Dataset, Grant: g.ID, GrantVersion: 1, At: b.now, Outcome: policy.Running,
			Quota: 1 << 40, Reasons: []policy.Reason{}, Record: g.Record}
		if err := b.store.AddDecision(t.Context(), dec, ledgerRecord(b.now)); err != nil {
			t.Fatal(err)
		}
		if err := b.store.FinishDecision(t.Context(), dec.ID, policy.Done, rows(i), b.now, ledgerRecord(b.now)); err != nil {
			t.Fatal(err)
		}
	}
	b.now = today
}

func TestReadingFarAboveHabitRaisesOneAlert(t *testing.T) {
	b := openBureau(t)
	g := b.granted(t)
	risk := postgres.NewRisk(b.db)
	clock := func() time.Time { return b.now }
	watch := security.NewWatch(risk, clock, slog.New(slog.DiscardHandler))
	cases := security.NewCases(risk, b.engine, clock)
	b.uses(t, g, 20, func(i int) int64 { return 40 + int64(i%7) })
	read := func(rows int64) policy.Decision {
		dec, err := b.Intend(t.Context(), ask(g))
		if err != nil || !dec.Permit {
			t.Fatalf("use: %v, %v", dec.Failed(), err)
		}
		if err := b.Finish(t.Context(), dec, policy.Done, rows); err != nil {
			t.Fatal(err)
		}
		if err := watch.Check(t.Context(), reader.Account, g.Dataset); err != nil {
			t.Fatal(err)
		}
		return dec
	}
	read(90)
	if _, n, err := cases.Alerts(t.Context(), guard, security.AlertFilter{}); err != nil || n != 0 {
		t.Fatalf("twice the habit: %d alerts, %v; want none", n, err)
	}
	read(400)
	read(400)
	read(20) // one more, after the alert
	alerts, n, err := cases.Alerts(t.Context(), guard, security.AlertFilter{})
	if err != nil || n != 1 {
		t.Fatalf("far above the habit: %d alerts, %v; want one", n, err)
	}
	a := alerts[0]
	if a.Rule != security.RuleVolume || a.State != security.AlertNew || a.Consumer != reader.Account || a.Dataset != g.Dataset ||
		len(a.Findings) != 1 || a.Findings[0].Observed != 890 || a.Findings[0].Expected < 40 || a.Findings[0].Expected > 50 || len(a.Decisions) != 3 {
		t.Errorf("got %+v", a)
	}
	b.contain(t, cases, a, g)
}

// contain suspends the consumer and lets it go again.
func (b *bureau) contain(t *testing.T, cases *security.Cases, a security.Alert, g policy.Grant) {
	t.Helper()
	if _, err := cases.Handle(t.Context(), owner, a.ID, "contain", ""); !errors.Is(err, plinth.ErrDenied) {
		t.Errorf("a provider handles an alert: %v", err)
	}
	if _, err := cases.Handle(t.Context(), guard, a.ID, "contain", "核实中"); err != nil {
		t.Fatal(err)
	}
	if dec, err := b.Intend(t.Context(), ask(g)); err != nil || !slices.Contains(dec.Failed(), "risk.contained") {
		t.Errorf("contained: %v, %v", dec.Failed(), err)
	}
	list, err := cases.Consumers(t.Context(), guard, policy.Page{})
	if err != nil || len(list) != 1 || !list[0].Contained || list[0].Usual < 40 || list[0].Band == "low" || list[0].OpenAlerts != 1 {
		t.Errorf("consumers %+v, %v", list, err)
	}
	if _, err := cases.Handle(t.Context(), guard, a.ID, "triage", ""); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("triage of a contained alert: %v", err)
	}
	if _, err := cases.Handle(t.Context(), guard, a.ID, "resolve", "经核实为批准的专项统计"); err != nil {
		t.Fatal(err)
	}
	if dec, err := b.Intend(t.Context(), ask(g)); err != nil || slices.Contains(dec.Failed(), "risk.contained") {
		t.Errorf("resolved: %v, %v", dec.Failed(), err)
	}
}

func TestBurstOfDenialsRaisesOneAlert(t *testing.T) {
	b := openBureau(t)
	g := b.granted(t)
	risk := postgres.NewRisk(b.db)
	watch := security.NewWatch(risk, func() time.Time { return b.now }, slog.New(slog.DiscardHandler))
	for i := range 12 {
		q := ask(g)
		q.Purpose = fmt.Sprintf("purpose-%d", i)
		if _, err := b.Intend(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		if err := watch.Check(t.Context(), reader.Account, g.Dataset); err != nil {
			t.Fatal(err)
		}
	}
	alerts, n, err := risk.Alerts(t.Context(), security.AlertFilter{})
	if err != nil || n != 1 || alerts[0].Rule != security.RuleDenied {
		t.Errorf("got %v, %v; want one burst", alerts, err)
	}
	if err := watch.Fade(t.Context()); err != nil {
		t.Error(err)
	}
}

func ledgerRecord(at time.Time) ledger.Record {
	return ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: "decision.permit", Org: "civil", Subject: "grant:gr_1",
		From: at, To: at, Count: 1, Payload: []byte("{}")}
}

// TestRecordsNameWhatTheyWereMadeFrom follows a request to a use: each record names those before it, and what uses the
// dataset names its registration.
func TestRecordsNameWhatTheyWereMadeFrom(t *testing.T) {
	b := openBureau(t)
	registered := uuid.New()
	b.register(t, registered)
	g := b.granted(t)
	dec, err := b.Intend(t.Context(), ask(g))
	if err != nil || !dec.Permit {
		t.Fatalf("%+v, %v", dec, err)
	}
	if err := b.Finish(t.Context(), dec, policy.Done, 3); err != nil {
		t.Fatal(err)
	}
	rows, err := b.db.Query(t.Context(), `
		SELECT o.kind || ' ' || o.relation || ' ' || coalesce((SELECT string_agg(coalesce(i.kind, 'registration'), ',' ORDER BY i.n)
			FROM unnest(o.inputs) AS x LEFT JOIN ledger_outbox i ON i.id = x), '')
		FROM ledger_outbox o ORDER BY o.n`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	want := []string{
		"request.created wasGeneratedBy registration",
		"request.approved wasDerivedFrom request.created",
		"grant.created wasDerivedFrom request.approved",
		"decision.permit used grant.created,registration",
		"query.done wasDerivedFrom decision.permit",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// register puts ds_1 into the catalogue with the record of its registration.
func (b *bureau) register(t *testing.T, record uuid.UUID) {
	t.Helper()
	if _, err := b.db.Exec(t.Context(), `
		WITH d AS (INSERT INTO dataset (id, code, state, revision, created_at, updated_at, registered_at)
			VALUES ('ds_1', 'C1', 'registered', 1, now(), now(), now())),
		r AS (INSERT INTO registration (id, dataset, kind, state, proposal, before, publisher, created_at, updated_at)
			SELECT 'rg_1', 'ds_1', 'initial', 'registered', '{}', '{}', id, now(), now() FROM agent LIMIT 1)
		INSERT INTO dataset_revision (dataset, number, registration, content, published_at, record_id)
		VALUES ('ds_1', 1, 'rg_1', '{}', now(), $1)`, record); err != nil {
		t.Fatal(err)
	}
}
