package fetch

import "strings"

// nextLink finds the target of rel="next" in the Link headers of an answer (RFC 8288 §3). A link with an anchor is about
// something else. It is empty when there is none.
func nextLink(headers []string) string {
	for _, h := range headers {
		for rest := h; rest != ""; {
			var target string
			var params []string
			target, params, rest = oneLink(rest)
			if target != "" && isNext(params) {
				return target
			}
		}
	}
	return ""
}

// oneLink cuts the first link off a header. What is no link has no target; the parser goes on behind the next comma.
func oneLink(s string) (target string, params []string, rest string) {
	s = strings.TrimLeft(s, " \t,")
	if !strings.HasPrefix(s, "<") {
		_, rest, _ = strings.Cut(s, ",")
		return "", nil, rest
	}
	target, s, ok := strings.Cut(s[1:], ">")
	if !ok {
		return "", nil, ""
	}
	for {
		s = strings.TrimLeft(s, " \t")
		if !strings.HasPrefix(s, ";") {
			_, rest, _ = strings.Cut(s, ",")
			return strings.TrimSpace(target), params, rest
		}
		var p string
		p, s = oneParam(s[1:])
		params = append(params, p)
	}
}

// oneParam cuts a parameter off, as name=value with the value's quotes undone.
func oneParam(s string) (param, rest string) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case !quoted && (c == ';' || c == ','):
			return b.String(), s[i:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

func isNext(params []string) bool {
	next, told := false, false
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "anchor":
			return false
		case "rel": // the first one counts
			if told {
				continue
			}
			told = true
			for _, r := range strings.Fields(value) {
				next = next || strings.EqualFold(r, "next")
			}
		}
	}
	return next
}
