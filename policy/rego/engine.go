// Package rego decides uses of data with OPA as a library. The policy is the embedded Rego, the data are the grants and
// the consumers' risk, copied from Postgres into OPA's store and refreshed whenever they change. It knows nothing of
// requests, queries or the ledger.
package rego

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"plinth"
	"plinth/policy"
)

//go:embed authz.rego
var authz string

// Engine is a policy.Engine. It is safe for concurrent use; Run keeps it fresh.
type Engine struct {
	source policy.Source
	now    func() time.Time
	log    *slog.Logger

	query rego.PreparedEvalQuery
	store storage.Store
	rev   string

	mu      sync.RWMutex // guards the store's content together with the fields below
	grants  map[plinth.GrantID]policy.Grant
	dataRev int64
	asOf    time.Time // the moment the data was known to be complete; zero before the first load

	loading sync.Mutex // one load at a time
}

var _ policy.Engine = (*Engine)(nil)

// New compiles the policy. The engine denies everything until Refresh or Run has loaded data.
func New(ctx context.Context, source policy.Source, now func() time.Time, log *slog.Logger) (*Engine, error) {
	sum := sha256.Sum256([]byte(authz))
	e := &Engine{source: source, now: now, log: log, grants: map[plinth.GrantID]policy.Grant{},
		rev: hex.EncodeToString(sum[:])[:16]}
	// Raw mode: without it every write of one grant would convert the whole map of grants.
	e.store = inmem.NewFromObjectWithOpts(map[string]any{"grants": map[string]any{}, "risk": map[string]any{}},
		inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(false))
	var err error
	e.query, err = rego.New(rego.Query("data.plinth.authz.answer"), rego.Store(e.store), rego.Module("authz.rego", authz),
		rego.Capabilities(pure()), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("compile policy: %w", err)
	}
	return e, nil
}

// pure is OPA's language without anything that reaches outside or depends on the moment.
func pure() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(slices.Clone(c.Builtins), func(b *ast.Builtin) bool { return b.Nondeterministic })
	c.AllowNet = []string{}
	return c
}

// Decide implements policy.Engine.
func (e *Engine) Decide(ctx context.Context, q policy.Question) policy.Verdict {
	e.mu.RLock()
	defer e.mu.RUnlock()
	g := e.grants[q.Grant]
	v := policy.Verdict{Grant: g, PolicyRev: e.rev, DataRev: e.dataRev}
	a, err := e.eval(ctx, e.input(q, g))
	if err != nil {
		e.log.ErrorContext(ctx, "policy evaluation", "err", err)
		v.Reasons = []policy.Reason{{Rule: "policy.error", Detail: policy.Explain("policy.error", false, q, g)}}
		return v
	}
	v.Permit, v.Rows, v.Quota, v.Obligations = a.allow && len(a.failed) == 0, a.rows, a.quota, a.obligations
	explain(&v, a, q, g)
	return v
}

// explain puts the premises into words.
func explain(v *policy.Verdict, a answer, q policy.Question, g policy.Grant) {
	for _, rule := range policy.Premises {
		ok, bad := slices.Contains(a.holds, rule), slices.Contains(a.failed, rule)
		if !ok && !bad || bad && moot(rule, q, g) {
			continue
		}
		v.Reasons = append(v.Reasons, policy.Reason{Rule: rule, OK: !bad, Detail: policy.Explain(rule, !bad, q, g)})
		if bad {
			v.WouldPassIf = append(v.WouldPassIf, policy.Remedy(rule, g))
		}
	}
}

// moot tells whether a failed premise only follows from another one, which is told.
func moot(rule string, q policy.Question, g policy.Grant) bool {
	switch rule {
	case "grant.active", "period.current", "purpose.match", "dataset.match", "department.match", "columns.granted",
		"quota.left":
		return g.ID == ""
	case "query.admitted":
		return q.Admission == nil // the text was not read, since the grant is out of use
	}
	return false
}

// answer is the value of data.plinth.authz.answer.
type answer struct {
	allow                      bool
	holds, failed, obligations []string
	rows, quota                int64
}

func (e *Engine) eval(ctx context.Context, input ast.Value) (answer, error) {
	rs, err := e.query.Eval(ctx, rego.EvalParsedInput(input))
	if err != nil {
		return answer{}, err
	}
	if len(rs) != 1 || len(rs[0].Expressions) != 1 {
		return answer{}, errors.New("the policy gave no answer")
	}
	m, ok := rs[0].Expressions[0].Value.(map[string]any)
	if !ok {
		return answer{}, errors.New("the policy's answer is no object")
	}
	return readAnswer(m)
}

func readAnswer(m map[string]any) (a answer, err error) {
	var ok bool
	if a.allow, ok = m["allow"].(bool); !ok {
		return answer{}, errors.New("the policy's answer has no allow")
	}
	a.holds, a.failed, a.obligations = texts(m["holds"]), texts(m["failed"]), texts(m["obligations"])
	if a.rows, err = whole(m["rows"]); err != nil {
		return answer{}, err
	}
	a.quota, err = whole(m["quota"])
	return a, err
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func whole(v any) (int64, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("the policy's answer has %T for a number", v)
	}
	return n.Int64()
}
