package scope

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"plinth/policy"
)

// column is one column of the base table that a filter or a view uses.
type column struct {
	name string
	kind policy.Kind
	typ  string // as ClickHouse declares it
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// bare is the type without LowCardinality and Nullable.
func bare(typ string) string {
	for {
		switch {
		case strings.HasPrefix(typ, "LowCardinality("), strings.HasPrefix(typ, "Nullable("):
			typ = typ[strings.IndexByte(typ, '(')+1 : len(typ)-1]
		default:
			return typ
		}
	}
}

func (c column) nullable() bool { return strings.Contains(c.typ, "Nullable(") }
func (c column) float() bool    { return strings.HasPrefix(bare(c.typ), "Float") }

var typesOf = map[policy.Kind]*regexp.Regexp{
	policy.String:   regexp.MustCompile(`^String$`),
	policy.Integer:  regexp.MustCompile(`^U?Int(8|16|32|64)$`),
	policy.Decimal:  regexp.MustCompile(`^(Float(32|64)|Decimal.*|U?Int(8|16|32|64))$`),
	policy.Boolean:  regexp.MustCompile(`^(Bool|UInt8)$`),
	policy.Date:     regexp.MustCompile(`^Date(32)?$`),
	policy.Datetime: regexp.MustCompile(`^DateTime(\('[A-Za-z/_]+'\)|64\([0-3](, '[A-Za-z/_]+')?\))?$`),
}

// fits tells whether rows of the column can be filtered as the catalogue's kind.
func (c column) fits() bool {
	re := typesOf[c.kind]
	return re != nil && re.MatchString(bare(c.typ))
}

// emitter writes UCAST as ClickHouse SQL. Every name must be a column of the catalogue; every literal is written by
// the column's kind.
type emitter struct {
	columns   map[string]column
	qualifier string // put before column names, since an alias of the same name would win over a bare one
}

// condition writes one node. The nodes that Rego filters of ours produce are known; anything else is an error.
func (e emitter) condition(node map[string]any) (string, error) {
	op, _ := node["operator"].(string)
	switch node["type"] {
	case "compound":
		return e.compound(op, node["value"])
	case "field":
		name, _ := node["field"].(string)
		c, ok := e.columns[strings.TrimPrefix(name, "row.")]
		if !ok || !strings.HasPrefix(name, "row.") {
			return "", fmt.Errorf("the filter uses %.60q, which is no column of the dataset", name)
		}
		return e.compare(c, op, node["value"])
	}
	return "", fmt.Errorf("the filter has a node of unknown type %.60v", node["type"])
}

func (e emitter) compound(op string, value any) (string, error) {
	join := map[string]string{"and": " AND ", "or": " OR "}[op]
	nodes, ok := value.([]any)
	if maps, isMaps := value.([]map[string]any); isMaps {
		for _, m := range maps {
			nodes = append(nodes, m)
		}
		ok = true
	}
	if join == "" || !ok || len(nodes) == 0 {
		return "", fmt.Errorf("the filter uses %.60q, which has no SQL here", op)
	}
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		m, ok := n.(map[string]any)
		if !ok {
			return "", fmt.Errorf("the filter's node is %T", n)
		}
		var err error
		if parts[i], err = e.condition(m); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(parts, join) + ")", nil
}

var sqlOps = map[string]string{"eq": "=", "ne": "!=", "lt": "<", "lte": "<=", "le": "<=", "gt": ">", "gte": ">=", "ge": ">="}

func (e emitter) compare(c column, op string, value any) (string, error) {
	if !c.fits() {
		return "", fmt.Errorf("the column %s is %s in ClickHouse, which cannot be filtered as %s", c.name, c.typ, c.kind)
	}
	name := e.name(c)
	guard := ""
	if c.float() { // JSON has no NaN or infinity: such rows are hidden on both sides
		guard = "isFinite(" + name + ") AND "
	}
	if op == "in" {
		list, err := literals(c, value)
		if err != nil {
			return "", err
		}
		return "(" + guard + name + " IN (" + list + "))", nil
	}
	lit, err := sqlLiteral(c, value)
	if err != nil {
		return "", err
	}
	if op == "startswith" && c.kind == policy.String {
		return "startsWith(" + name + ", " + lit + ")", nil
	}
	if sqlOps[op] == "" {
		return "", fmt.Errorf("the filter uses %.60q, which has no SQL here", op)
	}
	return "(" + guard + name + " " + sqlOps[op] + " " + lit + ")", nil
}

func (e emitter) name(c column) string { return e.qualifier + "`" + c.name + "`" }

func literals(c column, value any) (string, error) {
	values, ok := value.([]any)
	if !ok || len(values) == 0 {
		return "", fmt.Errorf("the filter's list for %s is %T", c.name, value)
	}
	out := make([]string, len(values))
	for i, v := range values {
		lit, err := sqlLiteral(c, v)
		if err != nil {
			return "", err
		}
		out[i] = lit
	}
	return strings.Join(out, ", "), nil
}

// sqlLiteral writes a UCAST value by the column's kind, through the same canonical form as Rego saw it.
func sqlLiteral(c column, v any) (string, error) {
	text, err := canonical(c.kind, v)
	if err != nil {
		return "", fmt.Errorf("the filter's value for %s: %w", c.name, err)
	}
	switch c.kind {
	case policy.Integer, policy.Boolean:
		return text, nil
	case policy.Decimal:
		if strings.HasPrefix(bare(c.typ), "Decimal") {
			return "toDecimal128('" + text + "', 9)", nil
		}
		return text, nil
	case policy.Date:
		return "toDate32('" + text + "')", nil
	case policy.Datetime:
		t, err := time.Parse(policy.DatetimeForm, text)
		if err != nil {
			return "", err
		}
		return "toDateTime64('" + t.Format("2006-01-02 15:04:05.000") + "', 3, 'UTC')", nil
	}
	return quote(text), nil
}

func canonical(k policy.Kind, v any) (string, error) {
	var text string
	switch v := v.(type) {
	case string:
		if k == policy.Integer || k == policy.Decimal || k == policy.Boolean {
			return "", fmt.Errorf("text for a field of type %s", k)
		}
		text = v
	case json.Number:
		text = v.String()
	case float64, int, int64, bool:
		b, err := json.Marshal(v)
		if err != nil {
			return "", err
		}
		text = string(b)
	default:
		return "", fmt.Errorf("a value of type %T", v)
	}
	return policy.Canonical(k, text)
}

// quote writes text as a ClickHouse string literal.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i := range len(s) {
		switch ch := s[i]; {
		case ch == '\\' || ch == '\'':
			b.WriteByte('\\')
			b.WriteByte(ch)
		case ch < 0x20 || ch == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, ch)
		default:
			b.WriteByte(ch)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
