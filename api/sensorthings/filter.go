package sensorthings

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"plinth"
)

// The filter language is OData 4.01's as OGC 18-088 §9.3.3.5 takes it: comparison, logical and arithmetic operators, and
// functions of text, time, numbers and geometry.

// expr is a node of a filter. Its kind says which fields count.
type expr struct {
	kind exprKind
	at   int      // place in the text, in bytes
	op   string   // of binary and unary nodes; a call's function
	path []string // of a path
	val  any      // of a literal: float64, string, bool, time.Time, shape or nil
	args []*expr
}

type exprKind int

const (
	literalExpr exprKind = iota
	pathExpr
	callExpr   // op(args…)
	binaryExpr // args[0] op args[1]
	notExpr
	minusExpr
)

// Limits of a filter.
const (
	maxFilter = 8 << 10
	maxDepth  = 40
	maxNodes  = 500
)

// faultAt names the option and the place of what is wrong, counted in characters from 1.
func faultAt(field, text string, at int, format string, args ...any) error {
	place := utf8.RuneCountInString(text[:min(at, len(text))]) + 1
	e := plinth.Invalid(field, format, args...)
	e.Text = "at character " + strconv.Itoa(place) + ": " + e.Text
	return e
}

type filterParser struct {
	text         string
	pos          int
	nodes, depth int
}

// parseFilter reads a filter.
func parseFilter(text string) (*expr, error) {
	p := &filterParser{text: text}
	if len(text) > maxFilter {
		return nil, plinth.Invalid("$filter", "a filter has at most %d bytes", maxFilter)
	}
	if !utf8.ValidString(text) {
		return nil, plinth.Invalid("$filter", "a filter is UTF-8 text")
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.skip(); p.pos < len(p.text) {
		return nil, p.fault(p.pos, "%.20q is not expected here", p.text[p.pos:])
	}
	return e, nil
}

func (p *filterParser) fault(at int, format string, args ...any) error {
	return faultAt("$filter", p.text, at, format, args...)
}

func (p *filterParser) skip() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
}

func (p *filterParser) node(e *expr) (*expr, error) {
	if p.nodes++; p.nodes > maxNodes {
		return nil, p.fault(e.at, "the filter has more than %d parts", maxNodes)
	}
	return e, nil
}

// word takes one of the words, when it comes next and is whole.
func (p *filterParser) word(words ...string) (string, int) {
	p.skip()
	for _, w := range words {
		rest := p.text[p.pos:]
		if strings.HasPrefix(rest, w) && (len(rest) == len(w) || !isName(rest[len(w)])) {
			at := p.pos
			p.pos += len(w)
			return w, at
		}
	}
	return "", 0
}

func isName(c byte) bool {
	return c == '_' || c == '@' || c == '.' || c == '/' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// binary reads operands that one level of operators joins, from the left.
func (p *filterParser) binary(next func() (*expr, error), words ...string) (*expr, error) {
	left, err := next()
	if err != nil {
		return nil, err
	}
	for {
		op, at := p.word(words...)
		if op == "" {
			return left, nil
		}
		right, err := next()
		if err != nil {
			return nil, err
		}
		if left, err = p.node(&expr{kind: binaryExpr, at: at, op: op, args: []*expr{left, right}}); err != nil {
			return nil, err
		}
	}
}

func (p *filterParser) or() (*expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fault(p.pos, "the filter is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	return p.binary(p.and, "or")
}

func (p *filterParser) and() (*expr, error) { return p.binary(p.not, "and") }

func (p *filterParser) not() (*expr, error) {
	negations, first := 0, 0
	for {
		op, at := p.word("not")
		if op == "" {
			break
		}
		if negations == 0 {
			first = at
		}
		if negations++; negations > maxDepth {
			return nil, p.fault(at, "too many negations")
		}
	}
	e, err := p.binary(p.sum, "eq", "ne", "gt", "ge", "lt", "le")
	if err != nil || negations%2 == 0 {
		return e, err
	}
	return p.node(&expr{kind: notExpr, at: first, args: []*expr{e}})
}

func (p *filterParser) sum() (*expr, error) { return p.binary(p.product, "add", "sub") }

func (p *filterParser) product() (*expr, error) { return p.binary(p.primary, "mul", "div", "mod") }

var (
	timeToken   = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?`)
	numberToken = regexp.MustCompile(`^-?\d+(\.\d+)?([eE][+-]?\d+)?`)
	nameToken   = regexp.MustCompile(`^[A-Za-z_@][A-Za-z0-9_.@]*(/[A-Za-z_@$][A-Za-z0-9_.@]*)*`)
)

func (p *filterParser) primary() (*expr, error) {
	p.skip()
	at, rest := p.pos, p.text[p.pos:]
	switch {
	case rest == "":
		return nil, p.fault(at, "the filter ends where a value is expected")
	case rest[0] == '(':
		p.pos++
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		return e, p.expect(')')
	case rest[0] == '\'':
		s, err := p.quoted()
		if err != nil {
			return nil, err
		}
		return p.node(&expr{at: at, val: s})
	case timeToken.MatchString(rest):
		return p.moment(at, timeToken.FindString(rest))
	case numberToken.MatchString(rest):
		return p.number(at, numberToken.FindString(rest))
	case nameToken.MatchString(rest):
		return p.named(at, nameToken.FindString(rest))
	}
	return nil, p.fault(at, "%.20q is not expected here", rest)
}

func (p *filterParser) expect(c byte) error {
	if p.skip(); p.pos >= len(p.text) || p.text[p.pos] != c {
		return p.fault(p.pos, "%q is missing", c)
	}
	p.pos++
	return nil
}

// quoted reads a text in single quotes, a quote within doubled.
func (p *filterParser) quoted() (string, error) {
	at := p.pos
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		if p.text[i] != '\'' {
			b.WriteByte(p.text[i])
			continue
		}
		if i+1 < len(p.text) && p.text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		p.pos = i + 1
		return b.String(), nil
	}
	return "", p.fault(at, "this text has no closing quote")
}

func (p *filterParser) moment(at int, token string) (*expr, error) {
	t, ok := timeOf(token)
	if !ok {
		return nil, p.fault(at, "%s is not a time, e.g. 2026-11-24T08:00:00Z", token)
	}
	p.pos += len(token)
	return p.node(&expr{at: at, val: t})
}

// timeOf reads a time of ISO 8601; without a zone it is UTC.
func timeOf(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04",
		"2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1900 && t.Year() < 2262 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func (p *filterParser) number(at int, token string) (*expr, error) {
	f, err := strconv.ParseFloat(token, 64)
	if err != nil {
		return nil, p.fault(at, "%.40s is not a number", token)
	}
	p.pos += len(token)
	return p.node(&expr{at: at, val: f})
}

// named reads a constant, a call, a geometry or a path.
func (p *filterParser) named(at int, token string) (*expr, error) {
	p.pos += len(token)
	next := byte(0)
	if p.pos < len(p.text) {
		next = p.text[p.pos]
	}
	switch {
	case token == "true" || token == "false":
		return p.node(&expr{at: at, val: token == "true"})
	case token == "null":
		return p.node(&expr{at: at})
	case token == "geography" && next == '\'':
		inside := p.pos
		s, err := p.quoted()
		if err != nil {
			return nil, err
		}
		g, err := parseWKT(s)
		if err != nil {
			return nil, p.fault(inside, "%s", err)
		}
		return p.node(&expr{at: at, val: g})
	case next == '(':
		return p.call(at, token)
	}
	return p.node(&expr{kind: pathExpr, at: at, path: strings.Split(token, "/")})
}

func (p *filterParser) call(at int, name string) (*expr, error) {
	want, ok := functions[name]
	if !ok {
		return nil, p.fault(at, "there is no function %.40s", name)
	}
	e := &expr{kind: callExpr, at: at, op: name}
	p.pos++
	if p.skip(); p.pos < len(p.text) && p.text[p.pos] == ')' {
		p.pos++
		return p.called(e, want)
	}
	for {
		arg, err := p.or()
		if err != nil {
			return nil, err
		}
		e.args = append(e.args, arg)
		if p.skip(); p.pos < len(p.text) && p.text[p.pos] == ',' {
			p.pos++
			continue
		}
		if err := p.expect(')'); err != nil {
			return nil, err
		}
		return p.called(e, want)
	}
}

func (p *filterParser) called(e *expr, want [2]int) (*expr, error) {
	if n := len(e.args); n < want[0] || n > want[1] {
		return nil, p.fault(e.at, "%s takes %d to %d arguments, not %d", e.op, want[0], want[1], n)
	}
	return p.node(e)
}

// functions are the functions with their least and most arguments.
var functions = map[string][2]int{
	"substringof": {2, 2}, "startswith": {2, 2}, "endswith": {2, 2}, "length": {1, 1}, "indexof": {2, 2}, "substring": {2, 3},
	"tolower": {1, 1}, "toupper": {1, 1}, "trim": {1, 1}, "concat": {2, 2},
	"year": {1, 1}, "month": {1, 1}, "day": {1, 1}, "hour": {1, 1}, "minute": {1, 1}, "second": {1, 1}, "now": {0, 0},
	"round": {1, 1}, "floor": {1, 1}, "ceiling": {1, 1},
	"st_within": {2, 2}, "geo.distance": {2, 2},
}
