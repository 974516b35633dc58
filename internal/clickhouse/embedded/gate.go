package embedded

import (
	"strconv"
	"strings"
)

// Readers may do no more than look. EXPLAIN is for the admission check of the governed query, which runs it as the
// reader; its output never reaches the reader.
var readerVerbs = map[string]bool{"SELECT": true, "WITH": true, "EXPLAIN": true, "DESCRIBE": true, "DESC": true}

// controlVerbs are what the service may do among the statements that act on the engine rather than on a database.
var controlVerbs = map[string]bool{"KILL": true, "SYSTEM": true, "ATTACH": true, "DETACH": true}

// gate refuses what the engine's grants cannot: several statements in one text (all would run), statements its parser
// does not know, and every way to the file system that asks for no grant. It returns what the statement does.
func gate(s *session, id identity, sql string) (class, error) {
	a := s.analyse(sql)
	switch {
	case a.count > 1:
		return a.class, exceptionf(62, "SYNTAX_ERROR", "only one statement is allowed in one request, got %d", a.count)
	case a.class == classUnknown:
		return a.class, unknownStatement(s, sql)
	}
	tokens, err := tokensOf(s, id, sql)
	if err != nil {
		return a.class, err
	}
	if err := refuseFiles(tokens, id); err != nil {
		return a.class, err
	}
	if id.reader() {
		return a.class, gateReader(a, tokens, s.e.tableFunctions)
	}
	if verb := firstWord(sql); a.class == classControl && !controlVerbs[verb] {
		return a.class, exceptionf(497, "ACCESS_DENIED", "%s is refused here: each request has a session of its own; put settings into the request", verb)
	}
	return a.class, nil
}

// unknownStatement lets the engine say where its parser stumbled.
func unknownStatement(s *session, sql string) error {
	if strings.TrimSpace(sql) == "" {
		return exceptionf(62, "SYNTAX_ERROR", "the statement is empty")
	}
	if _, err := s.text("SELECT formatQuerySingleLine({q:String})", param{"q", escapeTSV(sql)}); err != nil {
		return err
	}
	return exceptionf(62, "SYNTAX_ERROR", "this kind of statement is not supported")
}

// gateReader keeps a reader to queries of its own views. Grants cover tables; what they leave open is refused here: the
// engine's own databases, the functions that stand for a table, and names that come as parameters.
func gateReader(a analysis, tokens []token, tableFunctions map[string]bool) error {
	verb := ""
	if len(tokens) > 0 {
		verb = strings.ToUpper(tokens[0].text)
	}
	if a.class != classRead || !readerVerbs[verb] {
		return exceptionf(497, "ACCESS_DENIED", "a reader of a scope may only SELECT")
	}
	for i, t := range tokens {
		if t.isWord("system", "information_schema") && next(tokens, i) == "." {
			return exceptionf(497, "ACCESS_DENIED", "a reader of a scope may not read the database %s", t.text)
		}
		if t.isWord(t.text) && tableFunctions[strings.ToLower(t.text)] && next(tokens, i) == "(" {
			return exceptionf(497, "ACCESS_DENIED", "a reader of a scope may not use the table function %s", t.text)
		}
		if t.isWord("identifier") && i > 0 && tokens[i-1].raw == ":" {
			return exceptionf(497, "ACCESS_DENIED", "a reader of a scope may not give names as parameters")
		}
	}
	return nil
}

// refuseFiles refuses the words that read or write files on the engine's disk without any grant: the function file,
// INTO OUTFILE and FROM INFILE. Readers may not even name the function, since a higher-order one would call it.
func refuseFiles(tokens []token, id identity) error {
	for i, t := range tokens {
		switch {
		case t.kind == "QuotedIdentifier" && strings.Contains(t.raw, `\`):
			return exceptionf(497, "ACCESS_DENIED", "a quoted name may not hold a backslash")
		case t.isWord("file") && (id.reader() || next(tokens, i) == "("):
			return exceptionf(497, "ACCESS_DENIED", "the function file is refused")
		case t.kind == "BareWord" && t.isWord("outfile", "infile"):
			return exceptionf(497, "ACCESS_DENIED", "%s is refused: data comes and goes through the request", strings.ToUpper(t.text))
		}
	}
	return nil
}

// token is one lexeme of the engine's own lexer; a lexer of ours would see quotes and comments differently somewhere.
type token struct {
	kind string // "BareWord", "QuotedIdentifier", "StringLiteral", …
	raw  string // as written
	text string // without quotes
}

func (t token) isWord(words ...string) bool {
	if t.kind != "BareWord" && t.kind != "QuotedIdentifier" {
		return false
	}
	for _, w := range words {
		if strings.EqualFold(t.text, w) {
			return true
		}
	}
	return false
}

func next(tokens []token, i int) string {
	if i+1 < len(tokens) {
		return tokens[i+1].raw
	}
	return ""
}

// tokensOf asks the engine for the lexemes, white space and comments left out. The service's own statements are asked
// about only when their bytes hold what refuseFiles looks for: the call costs more than most statements.
func tokensOf(s *session, id identity, sql string) ([]token, error) {
	if !id.reader() && !mayNameFiles(sql) {
		return nil, nil
	}
	out, err := s.text("SELECT t.1, t.2, t.3 FROM (SELECT arrayJoin(tokenizeQuery({q:String})) AS t)", param{"q", escapeTSV(sql)})
	if err != nil {
		return nil, err
	}
	var tokens []token
	for line := range strings.Lines(out) {
		t, ok := parseToken(strings.TrimSuffix(line, "\n"), sql)
		if !ok {
			return nil, exceptionf(62, "SYNTAX_ERROR", "the statement cannot be read")
		}
		if t.kind != "Whitespace" && t.kind != "Comment" {
			tokens = append(tokens, t)
		}
	}
	return tokens, nil
}

func parseToken(line, sql string) (token, bool) {
	f := strings.Split(line, "\t")
	if len(f) != 3 {
		return token{}, false
	}
	from, err1 := strconv.Atoi(f[0])
	to, err2 := strconv.Atoi(f[1])
	if err1 != nil || err2 != nil || from < 0 || from > to || to > len(sql) {
		return token{}, false
	}
	raw := sql[from:to]
	return token{kind: f[2], raw: raw, text: strings.Trim(raw, "`\"“”")}, true
}

// mayNameFiles errs on the side of true: the word itself in any case, or a quoted name that could spell it by escapes.
func mayNameFiles(sql string) bool {
	return strings.Contains(strings.ToLower(sql), "file") ||
		strings.Contains(sql, `\`) && strings.ContainsAny(sql, "`\"“”")
}

// firstWord is the statement's first word, upper case, after white space and comments in their plain forms. It only
// chooses words for a refusal and between verbs that the engine's own grants guard as well.
func firstWord(sql string) string {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n(")
		switch {
		case strings.HasPrefix(sql, "--"):
			_, sql, _ = strings.Cut(sql, "\n")
		case strings.HasPrefix(sql, "/*"):
			_, sql, _ = strings.Cut(sql, "*/")
		default:
			end := strings.IndexFunc(sql, func(r rune) bool { return r < 'A' || r > 'z' || r > 'Z' && r < 'a' })
			if end < 0 {
				end = len(sql)
			}
			return strings.ToUpper(sql[:end])
		}
	}
}

var tsvEscaper = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

// escapeTSV writes a parameter's value as the engine reads it.
func escapeTSV(s string) string { return tsvEscaper.Replace(s) }

var tsvUnescaper = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r", `\'`, "'", `\0`, "\x00")

// unescapeTSV reads a value that the engine wrote as tab-separated text.
func unescapeTSV(s string) string { return tsvUnescaper.Replace(s) }
