// Package scope turns a grant into the objects that enforce it inside ClickHouse: a definer with a row filter, a view
// of the granted columns with their masks, and a login that sees that view alone. The row filter is written in Rego,
// evaluated without rows by OPA, written as SQL, and compared row by row with the full policy before a grant may become
// active. It neither decides about a use nor reads an analyst's text.
package scope

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plinth"
	"plinth/policy"
)

// Engine is what the compiler needs of ClickHouse, under the service's own role.
type Engine interface {
	// Table describes a base table: its columns' types by name, and whether rows of one identity may be stored twice.
	Table(ctx context.Context, table string) (types map[string]string, duplicates bool, err error)
	// Texts runs a query whose columns are all Nullable(String).
	Texts(ctx context.Context, query string) ([][]*string, error)
}

// Compiler is a policy.Compiler. It is safe for concurrent use.
type Compiler struct{ engine Engine }

var _ policy.Compiler = (*Compiler)(nil)

// NewCompiler returns a compiler that reads types and sample rows from the engine.
func NewCompiler(e Engine) *Compiler { return &Compiler{e} }

// KeyTable holds one random key per scope for the mask "token"; only the scope's definer may read its row.
const KeyTable = "plinth.scope_key"

// Compile implements policy.Compiler.
func (k *Compiler) Compile(ctx context.Context, g policy.Grant, d policy.Dataset) (policy.Scope, error) {
	types, duplicates, err := k.engine.Table(ctx, d.Table)
	if errors.Is(err, plinth.ErrNotFound) {
		return policy.Scope{}, &policy.Counterexample{Text: fmt.Sprintf("the dataset's table %s does not exist", d.Table)}
	}
	if err != nil {
		return policy.Scope{}, err
	}
	columns, err := columnsOf(g, d, types)
	if err != nil {
		return policy.Scope{}, &policy.Counterexample{Text: err.Error()}
	}
	b, err := build(ctx, g, d, columns, duplicates)
	if err != nil {
		return policy.Scope{}, &policy.Counterexample{Text: err.Error()}
	}
	checked, err := k.compare(ctx, g, d, b)
	if err != nil {
		return policy.Scope{}, err
	}
	b.scope.Checked = checked
	return b.scope, nil
}

// built is a scope on its way, with what the comparison needs of it.
type built struct {
	scope   policy.Scope
	columns map[string]column
}

// columnsOf finds the columns a grant touches in the base table.
func columnsOf(g policy.Grant, d policy.Dataset, types map[string]string) (map[string]column, error) {
	out := map[string]column{}
	for _, name := range touched(g) {
		f, ok := d.Field(name)
		if !ok || !plainName.MatchString(name) {
			return nil, fmt.Errorf("the dataset has no field %q", name)
		}
		typ, ok := types[name]
		if !ok {
			return nil, fmt.Errorf("the table %s has no column %s", d.Table, name)
		}
		out[name] = column{name: name, kind: f.Kind, typ: typ}
	}
	return out, nil
}

// touched are the columns that are shown or filtered by, sorted.
func touched(g policy.Grant) []string {
	names := slices.Clone(g.Columns)
	for _, c := range g.Filter {
		names = append(names, c.Column)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func build(ctx context.Context, g policy.Grant, d policy.Dataset, columns map[string]column, duplicates bool) (built, error) {
	module, err := filterText(g, d)
	if err != nil {
		return built{}, err
	}
	filter, err := rowFilter(ctx, module, emitter{columns: columns}, g.AllRows)
	if err != nil {
		return built{}, err
	}
	where, err := rowFilter(ctx, module, emitter{columns: columns, qualifier: "b."}, g.AllRows)
	if err != nil {
		return built{}, err
	}
	s := policy.Scope{View: d.Table[strings.LastIndexByte(d.Table, '.')+1:], Base: d.Table, Columns: touched(g),
		Rego: module, Filter: filter}
	var shown []string
	for _, name := range g.Columns {
		expr, err := masked(columns[name], g.Masks[name])
		if err != nil {
			return built{}, err
		}
		s.Tokens = s.Tokens || g.Masks[name] == policy.MaskToken
		shown = append(shown, expr+" AS `"+name+"`")
	}
	final := ""
	if duplicates {
		final = " FINAL" // a row that was delivered twice counts once
	}
	s.Select = fmt.Sprintf("SELECT %s FROM %s AS b%s WHERE %s", strings.Join(shown, ", "), table(d.Table), final, where)
	s.Name = name(s)
	s.Select = strings.ReplaceAll(s.Select, keyPlaceholder, tokenKey(s.Name))
	s.Database = "s_" + s.Name
	return built{s, columns}, nil
}

// rowFilter is the SQL of the filter. Nothing from OPA means no row and everything means all rows: neither is taken
// for the other, and all rows must have been asked for.
func rowFilter(ctx context.Context, module string, e emitter, allRows bool) (string, error) {
	ucast, err := partial(ctx, module)
	switch {
	case err != nil:
		return "", err
	case ucast == nil:
		return "", errors.New("the filter lets no row through")
	case len(ucast) == 0 && allRows:
		return "1", nil
	case len(ucast) == 0:
		return "", errors.New("the filter lets every row through, which nobody asked for")
	case allRows:
		return "", errors.New("all rows were asked for, but the filter is not empty")
	}
	sql, err := e.condition(ucast)
	if err != nil {
		return "", err
	}
	for _, c := range e.columns {
		if c.nullable() {
			return "ifNull(" + sql + ", 0)", nil // what is not known to match is hidden
		}
	}
	return sql, nil
}

func table(name string) string {
	db, tab, _ := strings.Cut(name, ".")
	return "`" + db + "`.`" + tab + "`"
}

// name is the content address of a scope: equal content is one scope, other content another.
func name(s policy.Scope) string {
	h := sha256.New()
	for _, part := range append([]string{"plinth-scope/v1", s.Base, s.Filter, s.Select}, s.Columns...) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
