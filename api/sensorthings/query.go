package sensorthings

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"plinth"
)

// query are the options of a request or of one expansion (OGC 18-088 §9.3).
type query struct {
	filter     *expr
	filterText string
	orderby    []term
	top, skip  int
	topped     bool // the caller named top
	count      bool
	selected   []string
	expand     []expansion
	token      string
	dataArray  bool
	raw        [][2]string // as they came, for the next link
}

type term struct {
	path []string
	desc bool
}

type expansion struct {
	nav string
	query
}

// Limits of a request.
const (
	usualTop        = 100
	mostEntities    = 1000
	mostObservation = 10_000
	deepest         = 5
	mostExpansions  = 50
	mostSkip        = 1_000_000
)

// parseRaw reads a URL's query string. The standard's options hold semicolons, which net/url refuses.
func parseRaw(raw string) (query, error) {
	var pairs [][2]string
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return query{}, plinth.Invalid("query", "the query string is not escaped as URLs are")
		}
		pairs = append(pairs, [2]string{n, v})
	}
	left := mostExpansions
	return parseOptions(pairs, 0, &left)
}

func parseOptions(pairs [][2]string, depth int, left *int) (query, error) {
	q := query{top: usualTop, raw: pairs}
	seen := map[string]bool{}
	for _, p := range pairs {
		if seen[p[0]] {
			return q, plinth.Invalid(p[0], "this option is there twice")
		}
		seen[p[0]] = true
		if err := q.set(p[0], p[1], depth, left); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *query) set(name, value string, depth int, left *int) (err error) {
	switch name {
	case "$filter":
		q.filterText = value
		q.filter, err = parseFilter(value)
	case "$orderby":
		q.orderby, err = parseOrder(value)
	case "$top":
		q.topped = true
		q.top, err = whole("$top", value, mostSkip)
	case "$skip":
		q.skip, err = whole("$skip", value, mostSkip)
	case "$count":
		if q.count = value == "true"; !q.count && value != "false" {
			err = plinth.Invalid("$count", "is true or false")
		}
	case "$select":
		q.selected, err = names(value)
	case "$expand":
		q.expand, err = parseExpand(value, depth+1, left)
	case "$skiptoken":
		q.token = value
	case "$resultFormat":
		if q.dataArray = value == "dataArray"; !q.dataArray {
			err = plinth.Invalid("$resultFormat", "only dataArray is served")
		}
	default:
		err = plinth.Invalid("query", "there is no option %.40q", name)
	}
	return err
}

func whole(field, value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > most {
		return 0, plinth.Invalid(field, "is a whole number from 0 to %d", most)
	}
	return n, nil
}

func names(value string) ([]string, error) {
	var out []string
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSpace(name)
		if name == "" || nameToken.FindString(name) != name {
			return nil, plinth.Invalid("$select", "%.40q is no name of a property", name)
		}
		out = append(out, name)
	}
	return out, nil
}

func parseOrder(value string) ([]term, error) {
	var out []term
	for part := range strings.SplitSeq(value, ",") {
		f := strings.Fields(part)
		if len(f) == 0 || len(f) > 2 || nameToken.FindString(f[0]) != f[0] || len(f) == 2 && f[1] != "asc" && f[1] != "desc" || len(out) == 5 {
			return nil, plinth.Invalid("$orderby", "%.40q is not a property with asc or desc, at most five", part)
		}
		out = append(out, term{strings.Split(f[0], "/"), len(f) == 2 && f[1] == "desc"})
	}
	return out, nil
}

// parseExpand reads links to follow, each with options of its own in parentheses: A($top=1;$expand=B),C/D.
func parseExpand(value string, depth int, left *int) ([]expansion, error) {
	if depth > deepest {
		return nil, plinth.Invalid("$expand", "links are followed at most %d deep", deepest)
	}
	parts, ok := splitOutside(value, ',')
	if !ok {
		return nil, plinth.Invalid("$expand", "a parenthesis or a quote is not closed")
	}
	var out []expansion
	for _, part := range parts {
		e, err := parseExpansion(strings.TrimSpace(part), depth, left)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(out, func(x expansion) bool { return x.nav == e.nav }); i >= 0 && len(e.raw) == 0 {
			out[i].expand = append(out[i].expand, e.expand...) // A/B,A/C
			continue
		}
		out = append(out, e)
	}
	return out, nil
}

func parseExpansion(part string, depth int, left *int) (expansion, error) {
	if *left--; *left < 0 {
		return expansion{}, plinth.Invalid("$expand", "more than %d links are followed", mostExpansions)
	}
	path, options, has := strings.Cut(part, "(")
	first, rest, deeper := strings.Cut(path, "/")
	if nameToken.FindString(first) != first || first == "" {
		return expansion{}, plinth.Invalid("$expand", "%.40q is no link", part)
	}
	if deeper {
		inner := rest
		if has {
			inner += "(" + options
		}
		e := expansion{nav: first, query: query{top: usualTop}}
		sub, err := parseExpand(inner, depth+1, left)
		e.expand = sub
		return e, err
	}
	if !has {
		return expansion{nav: first, query: query{top: usualTop}}, nil
	}
	options, closed := strings.CutSuffix(options, ")")
	if !closed {
		return expansion{}, plinth.Invalid("$expand", "a parenthesis is not closed in %.40q", part)
	}
	return expandedWith(first, options, depth, left)
}

func expandedWith(nav, options string, depth int, left *int) (expansion, error) {
	parts, ok := splitOutside(options, ';')
	if !ok {
		return expansion{}, plinth.Invalid("$expand", "a parenthesis or a quote is not closed")
	}
	var pairs [][2]string
	for _, p := range parts {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		pairs = append(pairs, [2]string{name, value})
	}
	q, err := parseOptions(pairs, depth, left)
	return expansion{nav, q}, err
}

// splitOutside splits at a separator that lies in no parenthesis and no quotes. It tells whether both are closed.
func splitOutside(s string, sep byte) ([]string, bool) {
	var out []string
	depth, quoted, from := 0, false, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == sep && depth == 0:
			out = append(out, s[from:i])
			from = i + 1
		}
		if depth < 0 {
			return nil, false
		}
	}
	return append(out, s[from:]), depth == 0 && !quoted
}

// next is the query string that goes on after the token.
func (q query) next(token string) string {
	var parts []string
	for _, p := range q.raw {
		if p[0] != "$skip" && p[0] != "$skiptoken" {
			parts = append(parts, p[0]+"="+url.QueryEscape(p[1]))
		}
	}
	return strings.Join(append(parts, "$skiptoken="+url.QueryEscape(token)), "&")
}
