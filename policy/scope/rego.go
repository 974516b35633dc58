package scope

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/rego/compile"

	"plinth/policy"
)

// filterText writes a grant's row filter as a Rego module. Literals are JSON, so no value can leave its quotes.
func filterText(g policy.Grant, d policy.Dataset) (string, error) {
	var b strings.Builder
	b.WriteString("package plinth.rows\n\ndefault include := false\n\n")
	if g.AllRows && len(g.Filter) == 0 {
		b.WriteString("include := true\n")
		return b.String(), nil
	}
	b.WriteString("include if {\n")
	for _, c := range g.Filter {
		term, err := termText(c, d)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\t%s\n", term)
	}
	b.WriteString("}\n")
	return b.String(), nil
}

var regoOps = map[policy.Op]string{policy.Eq: "==", policy.Ne: "!=", policy.Lt: "<", policy.Le: "<=", policy.Gt: ">",
	policy.Ge: ">="}

func termText(c policy.Condition, d policy.Dataset) (string, error) {
	f, ok := d.Field(c.Column)
	if !ok || len(c.Values) == 0 {
		return "", fmt.Errorf("condition on %q: no such field or no value", c.Column)
	}
	lits := make([]string, len(c.Values))
	for i, v := range c.Values {
		lit, err := literal(f.Kind, v)
		if err != nil {
			return "", fmt.Errorf("condition on %s: %w", c.Column, err)
		}
		lits[i] = lit
	}
	row := "input.row[" + quoteJSON(c.Column) + "]"
	switch op := regoOps[c.Op]; {
	case op != "":
		return row + " " + op + " " + lits[0], nil
	case c.Op == policy.In:
		return row + " in [" + strings.Join(lits, ", ") + "]", nil
	case c.Op == policy.StartsWith:
		return "startswith(" + row + ", " + lits[0] + ")", nil
	}
	return "", fmt.Errorf("condition on %s: unknown comparison %q", c.Column, c.Op)
}

// literal is a value in Rego: numbers and booleans as such, times as text of fixed width, whose order is the times'.
func literal(k policy.Kind, v string) (string, error) {
	v, err := policy.Canonical(k, v)
	if err != nil {
		return "", err
	}
	switch k {
	case policy.Integer, policy.Decimal, policy.Boolean:
		return v, nil
	}
	return quoteJSON(v), nil
}

func quoteJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("scope: text is always JSON: " + err.Error())
	}
	return string(b)
}

var unknownRow = ast.MustParseTerm("input.row")

// partial evaluates the filter as far as it goes without a row. The result is UCAST: nil means no row, an empty map
// means every row.
func partial(ctx context.Context, module string) (map[string]any, error) {
	p, err := compile.New(compile.Target("ucast", "all"), compile.ParsedUnknowns(unknownRow),
		compile.ParsedQuery(ast.MustParseBody("data.plinth.rows.include == true")),
		compile.Rego(rego.Module("rows.rego", module), rego.Capabilities(pure()))).Prepare(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare the filter: %w", err)
	}
	filters, err := p.Compile(ctx)
	if err != nil {
		return nil, fmt.Errorf("evaluate the filter without rows: %w", err)
	}
	switch q := filters.One().Query.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return q, nil
	default:
		return nil, fmt.Errorf("the filter's evaluation gave %T", q)
	}
}

// pure is OPA's language without anything that reaches outside: partial evaluation would run it.
func pure() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	var keep []*ast.Builtin
	for _, b := range c.Builtins {
		if !b.Nondeterministic {
			keep = append(keep, b)
		}
	}
	c.Builtins, c.AllowNet = keep, []string{}
	return c
}

// full prepares the filter for evaluation on whole rows.
func full(ctx context.Context, module string) (rego.PreparedEvalQuery, error) {
	return rego.New(rego.Query("data.plinth.rows.include"), rego.Module("rows.rego", module), rego.Capabilities(pure()),
		rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
}

// included tells what the full policy says of one row.
func included(ctx context.Context, q rego.PreparedEvalQuery, row map[string]any) (bool, error) {
	rs, err := q.Eval(ctx, rego.EvalInput(map[string]any{"row": row}))
	if err != nil {
		return false, err
	}
	return rs.Allowed(), nil
}
