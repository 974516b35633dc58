package sensorthings

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// evaluator holds a filter against entities that lie in memory. A path over several entities gives several values; a
// comparison holds when it holds for one of them.
type evaluator struct {
	world
	text string
	now  time.Time
}

func (v evaluator) fault(e *expr, format string, args ...any) error {
	return faultAt("$filter", v.text, e.at, format, args...)
}

// matches tells whether the filter holds.
func (v evaluator) matches(e *expr, of entity) (bool, error) {
	vals, err := v.values(e, of)
	if err != nil {
		return false, err
	}
	for _, x := range vals {
		b, ok := x.(bool)
		if !ok && x != nil {
			return false, v.fault(e, "this is no condition")
		}
		if b {
			return true, nil
		}
	}
	return false, nil
}

func (v evaluator) values(e *expr, of entity) ([]any, error) {
	switch e.kind {
	case literalExpr:
		return []any{e.val}, nil
	case pathExpr:
		vals, err := v.resolve(of, e.path)
		if err != nil {
			return nil, v.fault(e, "%s", err)
		}
		return vals, nil
	case notExpr:
		b, err := v.matches(e.args[0], of)
		return []any{!b}, err
	case callExpr:
		return v.called(e, of)
	}
	if e.op == "and" || e.op == "or" {
		left, err := v.matches(e.args[0], of)
		if err != nil || left == (e.op == "or") {
			return []any{left}, err
		}
		right, err := v.matches(e.args[1], of)
		return []any{right}, err
	}
	return v.joined(e, of, func(a, b any) (any, error) { return v.binary(e, a, b) })
}

// joined applies f to each pair of values of two operands.
func (v evaluator) joined(e *expr, of entity, f func(a, b any) (any, error)) ([]any, error) {
	left, err := v.values(e.args[0], of)
	if err != nil {
		return nil, err
	}
	right, err := v.values(e.args[1], of)
	if err != nil {
		return nil, err
	}
	var out []any
	for _, a := range left {
		for _, b := range right {
			x, err := f(a, b)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
	}
	return out, nil
}

func (v evaluator) binary(e *expr, a, b any) (any, error) {
	switch e.op {
	case "add", "sub", "mul", "div", "mod":
		x, ok1 := a.(float64)
		y, ok2 := b.(float64)
		if !ok1 || !ok2 {
			return nil, v.fault(e, "%s is for numbers", e.op)
		}
		return arithmetic(e.op, x, y), nil
	}
	if a == nil || b == nil {
		return e.op == "eq" && a == b || e.op == "ne" && a != b, nil
	}
	c, ok := compare(a, b)
	if !ok {
		return nil, v.fault(e, "%s and %s cannot be compared", typeName(a), typeName(b))
	}
	return map[string]bool{"eq": c == 0, "ne": c != 0, "gt": c > 0, "ge": c >= 0, "lt": c < 0, "le": c <= 0}[e.op], nil
}

func arithmetic(op string, x, y float64) any {
	switch op {
	case "add":
		return x + y
	case "sub":
		return x - y
	case "mul":
		return x * y
	case "mod":
		return number(math.Mod(x, y))
	}
	return number(x / y)
}

// number is f, or nil for what is no number, such as a division by zero.
func number(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}

// compare orders two values of one type; a text beside a time is read as one.
func compare(a, b any) (int, bool) {
	switch x := a.(type) {
	case float64:
		if y, ok := b.(float64); ok {
			return order(x < y, x > y), true
		}
	case string:
		switch y := b.(type) {
		case string:
			return strings.Compare(x, y), true
		case time.Time:
			t, ok := timeOf(x)
			return t.Compare(y), ok
		}
	case bool:
		if y, ok := b.(bool); ok {
			return order(!x && y, x && !y), true
		}
	case time.Time:
		switch y := b.(type) {
		case time.Time:
			return x.Compare(y), true
		case string:
			t, ok := timeOf(y)
			return x.Compare(t), ok
		}
	}
	return 0, false
}

func order(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

func typeName(v any) string {
	switch v.(type) {
	case float64:
		return "a number"
	case string:
		return "a text"
	case bool:
		return "a truth value"
	case time.Time:
		return "a time"
	case shape:
		return "a geometry"
	case nil:
		return "nothing"
	}
	return "an object"
}

// called applies a function to every combination of its arguments' values; there are three at most.
func (v evaluator) called(e *expr, of entity) ([]any, error) {
	sets := [][]any{{}}
	for _, arg := range e.args {
		vals, err := v.values(arg, of)
		if err != nil {
			return nil, err
		}
		var next [][]any
		for _, s := range sets {
			for _, x := range vals {
				next = append(next, append(s[:len(s):len(s)], x))
			}
		}
		sets = next
	}
	var out []any
	for _, args := range sets {
		x, ok := apply(e.op, args, v.now)
		if !ok {
			return nil, v.fault(e, "%s does not take %s", e.op, describe(args))
		}
		out = append(out, x)
	}
	return out, nil
}

func describe(args []any) string {
	var names []string
	for _, a := range args {
		names = append(names, typeName(a))
	}
	return strings.Join(names, " and ")
}

// apply computes a function; nothing in is nothing out.
func apply(name string, args []any, now time.Time) (any, bool) {
	for _, a := range args {
		if a == nil {
			return nil, true
		}
	}
	switch name {
	case "now":
		return now, true
	case "st_within", "geo.distance":
		return geometric(name, args)
	case "round", "floor", "ceiling":
		f, ok := args[0].(float64)
		return map[string]func(float64) float64{"round": math.Round, "floor": math.Floor, "ceiling": math.Ceil}[name](f), ok
	case "year", "month", "day", "hour", "minute", "second":
		t, ok := args[0].(time.Time)
		return part(name, t), ok
	case "substring":
		return substring(args)
	}
	var texts []string
	for _, a := range args {
		s, ok := a.(string)
		if !ok {
			return nil, false
		}
		texts = append(texts, s)
	}
	return textual(name, texts)
}

func part(name string, t time.Time) any {
	return float64(map[string]int{"year": t.Year(), "month": int(t.Month()), "day": t.Day(), "hour": t.Hour(), "minute": t.Minute(),
		"second": t.Second()}[name])
}

func textual(name string, s []string) (any, bool) {
	switch name {
	case "substringof": // the first in the second, as OGC 18-088 table 24 has it
		return strings.Contains(s[1], s[0]), true
	case "startswith":
		return strings.HasPrefix(s[0], s[1]), true
	case "endswith":
		return strings.HasSuffix(s[0], s[1]), true
	case "length":
		return float64(utf8.RuneCountInString(s[0])), true
	case "indexof":
		i := strings.Index(s[0], s[1])
		if i > 0 {
			i = utf8.RuneCountInString(s[0][:i])
		}
		return float64(i), true
	case "tolower":
		return strings.ToLower(s[0]), true
	case "toupper":
		return strings.ToUpper(s[0]), true
	case "trim":
		return strings.TrimSpace(s[0]), true
	case "concat":
		return s[0] + s[1], true
	}
	return nil, false
}

func substring(args []any) (any, bool) {
	s, ok := args[0].(string)
	from, ok2 := args[1].(float64)
	if !ok || !ok2 || from != math.Trunc(from) {
		return nil, false
	}
	runes := []rune(s)
	first := int(min(max(from, 0), float64(len(runes))))
	last := len(runes)
	if len(args) == 3 {
		n, ok := args[2].(float64)
		if !ok || n < 0 {
			return nil, false
		}
		last = int(min(float64(first)+n, float64(last)))
	}
	return string(runes[first:last]), true
}

func geometric(name string, args []any) (any, bool) {
	a, ok1 := args[0].(shape)
	b, ok2 := args[1].(shape)
	if !ok1 || !ok2 || a.polygon || b.polygon != (name == "st_within") {
		return nil, false
	}
	if name == "st_within" {
		return within(a, b), true
	}
	return metres(a, b), true
}
