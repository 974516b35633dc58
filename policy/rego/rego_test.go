package rego_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/tester"

	"plinth"
	"plinth/policy"
	"plinth/policy/rego"
)

var (
	now   = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	quiet = slog.New(slog.DiscardHandler)
)

// source is a policy.Source in memory that can be made to fail.
type source struct {
	snap policy.Snapshot
	err  error
}

func (s *source) Changes(context.Context, int64) (policy.Snapshot, error) { return s.snap, s.err }

func (s *source) Wait(ctx context.Context, atMost time.Duration) error { return s.err }

func grant() policy.Grant {
	return policy.Grant{ID: "gr_1", Version: 1, Dataset: "ds_1", Publisher: "opcentre", Department: "civil",
		Purpose: "statistics", Columns: []string{"at", "class"}, Masks: map[string]policy.Mask{"class": policy.MaskPartial},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), RowsPerDay: 100, State: policy.Active}
}

func question() policy.Question {
	return policy.Question{Subject: plinth.Principal{Account: "ac_1", Department: "civil", Roles: []plinth.Role{plinth.RoleAnalyst}},
		Action: policy.Query, Grant: "gr_1", Purpose: "statistics", At: now, RowsAsked: 1000, Text: "SELECT 1"}
}

func engine(t testing.TB, s policy.Source, clock func() time.Time) *rego.Engine {
	t.Helper()
	e, err := rego.New(context.Background(), s, clock, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func failed(v policy.Verdict) []string {
	var out []string
	for _, r := range v.Reasons {
		if !r.OK {
			out = append(out, r.Rule)
		}
	}
	return out
}

func TestPolicyPassesItsOwnTests(t *testing.T) {
	modules := map[string]*ast.Module{}
	for _, name := range []string{"authz.rego", "authz_test.rego"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ast.ParseModule(name, string(text))
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = m
	}
	results, err := tester.NewRunner().SetModules(modules).RunTests(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r := range results {
		n++
		if !r.Pass() {
			t.Errorf("%s: %v", r.Name, r.Error)
		}
	}
	if n < 20 {
		t.Errorf("ran %d tests, want all of them", n)
	}
}

func TestDecidePermitsWhatIsGranted(t *testing.T) {
	e := engine(t, &source{snap: policy.Snapshot{Rev: 3, Grants: []policy.Grant{grant()}}}, func() time.Time { return now })
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := e.Decide(t.Context(), question())
	if !v.Permit || v.Rows != 100 || v.Quota != 100 || v.DataRev != 3 || v.PolicyRev == "" || v.Grant.Version != 1 {
		t.Errorf("got %+v, want a permission of 100 rows", v)
	}
	if len(v.Reasons) != len(policy.Premises) || !slices.Equal(v.Obligations, []string{"mask:class:partial"}) {
		t.Errorf("got reasons %v and obligations %v", v.Reasons, v.Obligations)
	}
}

func TestDecideDenies(t *testing.T) {
	cases := map[string]struct {
		spoil func(*policy.Question, *policy.Snapshot)
		want  []string
	}{
		"without grant":      {func(q *policy.Question, _ *policy.Snapshot) { q.Grant = "gr_x" }, []string{"grant.exists"}},
		"an empty question":  {func(q *policy.Question, _ *policy.Snapshot) { *q = policy.Question{} }, []string{"grant.exists", "role.analyst", "risk.band"}},
		"past the period":    {func(q *policy.Question, _ *policy.Snapshot) { q.At = now.Add(time.Hour) }, []string{"period.current"}},
		"another purpose":    {func(q *policy.Question, _ *policy.Snapshot) { q.Purpose = "x\"]" }, []string{"purpose.match"}},
		"another department": {func(q *policy.Question, _ *policy.Snapshot) { q.Subject.Department = "market" }, []string{"department.match"}},
		"another dataset":    {func(q *policy.Question, _ *policy.Snapshot) { q.Dataset = "ds_2" }, []string{"dataset.match"}},
		"an unread text": {func(q *policy.Question, _ *policy.Snapshot) {
			q.Admission = &policy.Refusal{Detail: policy.Text{ZH: "不可", EN: "no"}}
		}, []string{"query.admitted"}},
		"a revoked grant": {func(_ *policy.Question, s *policy.Snapshot) { s.Grants[0].State = policy.Revoked }, []string{"grant.active"}},
		"a used quota":    {func(q *policy.Question, _ *policy.Snapshot) { q.RowsToday = 100 }, []string{"quota.left"}},
		"a contained consumer": {func(_ *policy.Question, s *policy.Snapshot) {
			s.Risk = map[plinth.AccountID]policy.Risk{"ac_1": {Band: "low", Contained: true}}
		}, []string{"risk.contained"}},
		"a grant that is not there and a text that was not read": {func(q *policy.Question, _ *policy.Snapshot) { q.Grant, q.Text = "", "" }, []string{"grant.exists"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			q, s := question(), policy.Snapshot{Rev: 1, Grants: []policy.Grant{grant()}}
			c.spoil(&q, &s)
			e := engine(t, &source{snap: s}, func() time.Time { return now })
			if err := e.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			v := e.Decide(t.Context(), q)
			if v.Permit || v.Rows != 0 || len(v.Obligations) > 0 {
				t.Errorf("got %+v, want a denial", v)
			}
			if got := failed(v); !slices.Equal(got, c.want) || len(v.WouldPassIf) != len(c.want) {
				t.Errorf("denied by %v with remedies %v, want %v", got, v.WouldPassIf, c.want)
			}
			for _, r := range v.Reasons {
				if r.Detail.ZH == "" || r.Detail.EN == "" {
					t.Errorf("%s is not told in both languages", r.Rule)
				}
			}
		})
	}
}

func TestStaleDataDenies(t *testing.T) {
	clock := now
	src := &source{snap: policy.Snapshot{Rev: 1, Grants: []policy.Grant{grant()}}}
	e := engine(t, src, func() time.Time { return clock })
	if v := e.Decide(t.Context(), question()); v.Permit || !slices.Contains(failed(v), "data.fresh") {
		t.Errorf("before the first load: got %v, want data.fresh", failed(v))
	}
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	src.err = errors.New("away")
	clock = now.Add(1900 * time.Millisecond)
	_ = e.Refresh(t.Context())
	if v := e.Decide(t.Context(), question()); !v.Permit {
		t.Errorf("within two seconds: denied by %v", failed(v))
	}
	clock = now.Add(2100 * time.Millisecond)
	if v := e.Decide(t.Context(), question()); v.Permit || !slices.Equal(failed(v), []string{"data.fresh"}) {
		t.Errorf("after two seconds: got %v, want data.fresh", failed(v))
	}
}

func TestRevisionNeverGoesBack(t *testing.T) {
	src := &source{snap: policy.Snapshot{Rev: 5}}
	e := engine(t, src, func() time.Time { return now })
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	src.snap.Rev = 4
	if err := e.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "went back") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// BenchmarkDecide decides with ten thousand grants in the store, reasons in two languages included.
func BenchmarkDecide(b *testing.B) {
	snap := policy.Snapshot{Rev: 1}
	for i := range 10_000 {
		g := grant()
		g.ID = plinth.GrantID(fmt.Sprintf("gr_%d", i))
		snap.Grants = append(snap.Grants, g)
	}
	e := engine(b, &source{snap: snap}, func() time.Time { return now })
	if err := e.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !e.Decide(b.Context(), question()).Permit {
			b.Fatal("denied")
		}
	}
}
