package scope

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"plinth/policy"
)

// sample is how many stored rows of each sort are compared: first ones, passing ones, hidden ones.
const sample = 500

// compare evaluates the full policy and the SQL on sampled rows and on rows made around the filter's values. They must
// agree on every row.
func (k *Compiler) compare(ctx context.Context, g policy.Grant, d policy.Dataset, b built) (int, error) {
	if g.AllRows {
		return 0, nil // there is no filter to disagree with
	}
	cols := filterColumns(g, b.columns)
	query, err := full(ctx, b.scope.Rego)
	if err != nil {
		return 0, fmt.Errorf("prepare the filter: %w", err)
	}
	checked := 0
	for _, source := range []string{stored(b, cols), edges(g, cols)} {
		rows, err := k.engine.Texts(ctx, verdicts(b.scope.Filter, cols, source))
		if err != nil {
			return checked, fmt.Errorf("compare policy and SQL: %w", err)
		}
		for _, r := range rows {
			row := rowOf(cols, r[1:])
			want, err := included(ctx, query, row)
			if err != nil {
				return checked, fmt.Errorf("evaluate the filter: %w", err)
			}
			if got := r[0] != nil && *r[0] == "1"; got != want {
				return checked, disagreement(row, got, want)
			}
		}
		checked += len(rows)
	}
	return checked, nil
}

func disagreement(row map[string]any, sql, rego bool) error {
	text, _ := json.Marshal(row)
	if len(text) > 400 {
		text = text[:400]
	}
	return &policy.Counterexample{Text: fmt.Sprintf("the policy says %t and the SQL says %t for the row %s", rego, sql, text)}
}

func filterColumns(g policy.Grant, all map[string]column) []column {
	used := map[string]column{}
	for _, c := range g.Filter {
		used[c.Column] = all[c.Column]
	}
	out := make([]column, 0, len(used))
	for _, name := range slices.Sorted(maps.Keys(used)) {
		out = append(out, used[name])
	}
	return out
}

// verdicts asks, for each row of the source, what the SQL says and what the row holds.
func verdicts(filter string, cols []column, source string) string {
	parts := []string{"CAST(toString(toUInt8(" + filter + ")), 'Nullable(String)')"}
	for _, c := range cols {
		parts = append(parts, "CAST("+shown(c)+", 'Nullable(String)')")
	}
	return "SELECT " + strings.Join(parts, ", ") + " FROM (" + source + ")"
}

// shown is a column as text from which the policy's value is made.
func shown(c column) string {
	n := "`" + c.name + "`"
	switch c.kind {
	case policy.Boolean:
		return "if(" + n + ", 'true', 'false')"
	case policy.Date:
		return "toString(" + n + ")"
	case policy.Datetime:
		return "toString(toUnixTimestamp64Milli(toDateTime64(" + n + ", 3, 'UTC')))"
	case policy.Decimal:
		if c.float() {
			return "toString(toFloat64(" + n + "))"
		}
	}
	return "toString(" + n + ")"
}

// stored takes rows of the base: the first, some that the SQL passes, some that it hides.
func stored(b built, cols []column) string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = "`" + c.name + "`"
	}
	from := "SELECT " + strings.Join(names, ", ") + " FROM " + table(b.scope.Base)
	limit := " LIMIT " + strconv.Itoa(sample)
	return from + limit + " UNION ALL " + from + " WHERE " + b.scope.Filter + limit +
		" UNION ALL " + from + " WHERE NOT (" + b.scope.Filter + ")" + limit
}

// edges makes rows around the filter's values: each column in turn takes every edge while the others hold a value that
// the filter likes.
func edges(g policy.Grant, cols []column) string {
	liked := make([]string, len(cols))
	all := make([][]string, len(cols))
	for i, c := range cols {
		all[i] = edgeValues(c, g.Filter)
		liked[i] = all[i][0]
	}
	rows := [][]string{liked}
	for i := range cols {
		for _, v := range all[i] {
			row := slices.Clone(liked)
			row[i] = v
			rows = append(rows, row)
		}
	}
	return valuesOf(cols, rows)
}

func valuesOf(cols []column, rows [][]string) string {
	var tuples []string
	for _, r := range rows {
		parts := make([]string, len(r))
		for i, v := range r {
			parts[i] = "CAST(" + v + ", " + quote(plainType(cols[i])) + ") AS `" + cols[i].name + "`"
		}
		tuples = append(tuples, "SELECT "+strings.Join(parts, ", "))
	}
	return strings.Join(tuples, " UNION ALL ")
}

// plainType is the column's type for a constant; LowCardinality is a way of storing, not a type of value.
func plainType(c column) string {
	if c.nullable() {
		return "Nullable(" + bare(c.typ) + ")"
	}
	return bare(c.typ)
}

// edgeValues are SQL constants around the values of the filter's terms on the column, a liked one first.
func edgeValues(c column, filter []policy.Condition) []string {
	var out []string
	for _, cond := range filter {
		if cond.Column != c.name {
			continue
		}
		for _, v := range cond.Values[:min(len(cond.Values), 8)] {
			out = append(out, around(c, v)...)
		}
	}
	out = append(out, always(c)...)
	if c.nullable() {
		out = append(out, "NULL")
	}
	return dedupe(out)
}

func dedupe(in []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(in, func(s string) bool {
		was := seen[s]
		seen[s] = true
		return was
	})
}

func around(c column, v string) []string {
	switch c.kind {
	case policy.String:
		r := []rune(v)
		out := []string{quote(v), quote(v + "x"), quote(v + "'"), quote(strings.ToUpper(v)), quote(" " + v)}
		if len(r) > 0 {
			out = append(out, quote(string(r[:len(r)-1])))
		}
		return out
	case policy.Integer:
		n, _ := strconv.ParseInt(v, 10, 64)
		return fitting(c, n, n-1, n+1)
	case policy.Decimal:
		return []string{v, "(" + v + ") + 0.001", "(" + v + ") - 0.001", "-(" + v + ")"}
	case policy.Boolean:
		return []string{v}
	case policy.Date:
		t, _ := time.Parse(policy.DateForm, v)
		return dates(t, t.AddDate(0, 0, -1), t.AddDate(0, 0, 1))
	case policy.Datetime:
		t, _ := time.Parse(policy.DatetimeForm, v)
		return moments(t, t.Add(-time.Millisecond), t.Add(time.Millisecond), t.Add(-time.Second), t.Add(time.Second), t.Add(8*time.Hour))
	}
	return nil
}

func always(c column) []string {
	switch c.kind {
	case policy.String:
		return []string{`''`, `'\''`, `'\\'`, `'"'`, `'%'`, `'_'`, `'\n'`, `' '`, `'曹杨新村街道'`, `'é'`, `'e\xcc\x81'`, `'🙂'`, `'null'`, `'0'`}
	case policy.Integer:
		return fitting(c, 0, 1, -1, 127, 255, 1<<31, 1<<53)
	case policy.Decimal:
		if c.float() {
			return []string{"0", "-0.0", "1e-300", "nan", "inf", "-inf"}
		}
		return []string{"0", "1"}
	case policy.Boolean:
		return []string{"true", "false"}
	case policy.Date:
		return dates(time.Unix(0, 0).UTC(), time.Date(2099, 12, 31, 0, 0, 0, 0, time.UTC))
	case policy.Datetime:
		return moments(time.Unix(0, 0).UTC(), time.Date(2099, 12, 31, 23, 59, 59, 0, time.UTC))
	}
	return nil
}

// fitting writes the numbers that the column's type can hold.
func fitting(c column, numbers ...int64) []string {
	typ := bare(c.typ)
	bits, _ := strconv.Atoi(strings.TrimLeft(typ, "UInt"))
	lo, hi := int64(0), int64(1)<<min(bits, 62)-1
	if strings.HasPrefix(typ, "Int") {
		lo, hi = -(int64(1) << (min(bits, 63) - 1)), int64(1)<<(min(bits, 63)-1)-1
	}
	var out []string
	for _, n := range numbers {
		if n >= lo && n <= hi {
			out = append(out, strconv.FormatInt(n, 10))
		}
	}
	return out
}

func dates(ts ...time.Time) []string {
	out := make([]string, len(ts))
	for i, t := range ts {
		out[i] = "toDate32('" + t.Format(policy.DateForm) + "')"
	}
	return out
}

func moments(ts ...time.Time) []string {
	out := make([]string, len(ts))
	for i, t := range ts {
		out[i] = "toDateTime64('" + t.Format("2006-01-02 15:04:05.000") + "', 3, 'UTC')"
	}
	return out
}

// rowOf is a row as the policy sees it. A NULL, and a number that JSON does not have, are absent: what is not known to
// match is hidden.
func rowOf(cols []column, texts []*string) map[string]any {
	row := map[string]any{}
	for i, c := range cols {
		if texts[i] == nil {
			continue
		}
		if v, ok := valueOf(c, *texts[i]); ok {
			row[c.name] = v
		}
	}
	return row
}

func valueOf(c column, text string) (any, bool) {
	switch c.kind {
	case policy.Integer:
		return json.Number(text), true
	case policy.Decimal:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f != f || f > 1e308*1.7 || f < -1e308*1.7 {
			return nil, false
		}
		return json.Number(strconv.FormatFloat(f, 'f', -1, 64)), true
	case policy.Boolean:
		return text == "true", true
	case policy.Datetime:
		ms, err := strconv.ParseInt(text, 10, 64)
		return time.UnixMilli(ms).UTC().Format(policy.DatetimeForm), err == nil
	}
	return text, true
}
