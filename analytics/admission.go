package analytics

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"plinth"
	"plinth/policy"
)

// Token is one lexeme of the engine's own lexer. A lexer of ours would see quotes and comments differently somewhere.
type Token struct{ Kind, Text string }

// Reader reads a query's text with the engine's own parser, without giving rows.
type Reader interface {
	Tokens(ctx context.Context, text string) ([]Token, error)
	// Tree is EXPLAIN QUERY TREE with run_passes = pass, under the scope's login. Pass 1 may execute scalar subqueries.
	Tree(ctx context.Context, scope, text string, pass int) ([]string, error)
	// Functions are the names of all functions the engine has, lower case.
	Functions(ctx context.Context) (map[string]bool, error)
}

// ground is what a text may read.
type ground struct {
	scope   string   // whose login explains it; empty is the service's own
	tables  []string // with their database
	names   []string // of columns and views, which need not be functions of the same name
	refused policy.Text
}

// groundOf is the grant's view.
func groundOf(g policy.Grant) ground {
	return ground{scope: g.Scope.Name, tables: []string{g.Scope.Database + "." + g.Scope.View},
		names: append([]string{g.Scope.View}, g.Columns...), refused: policy.Text{
			ZH: "只能查询授权视图 " + g.Scope.View, EN: "only the grant's view " + g.Scope.View + " may be queried"}}
}

// AdmitOver decides whether the text is one SELECT over the tables, each with its database, with functions that reach
// nothing else. names are their columns. The text is of a person whom the house trusts with the tables but not with more.
func AdmitOver(ctx context.Context, r Reader, tables, names []string, text string) (*policy.Refusal, error) {
	list := strings.Join(tables, ", ")
	return admit(ctx, r, ground{tables: tables, names: names, refused: policy.Text{ZH: "只能查询 " + list,
		EN: "only these may be queried: " + list}}, text)
}

// admit decides whether the text is one SELECT over its ground with functions that reach nothing else. Under a grant it
// is the first lock; the scope's login, its column grants and row filter, and the view's own WHERE stand behind it. What
// it cannot classify it refuses.
func admit(ctx context.Context, r Reader, g ground, text string) (*policy.Refusal, error) {
	tokens, err := r.Tokens(ctx, text)
	if err != nil {
		return nil, err
	}
	functions, err := r.Functions(ctx)
	if err != nil {
		return nil, err
	}
	if no := admitTokens(tokens, g, functions); no != nil {
		return no, nil
	}
	for pass := range 2 {
		lines, err := r.Tree(ctx, g.scope, text, pass)
		if err != nil {
			return nil, err
		}
		if no := admitTree(lines, g, pass); no != nil {
			return no, nil
		}
	}
	return nil, nil
}

func refuse(zh, en string, args ...any) *policy.Refusal {
	return &policy.Refusal{Detail: policy.Text{ZH: fmt.Sprintf(zh, args...), EN: fmt.Sprintf(en, args...)}}
}

// deniedWords are keywords that begin or change something else than a plain SELECT. DESC and SET operators stay.
var deniedWords = wordSet(`settings format into outfile infile explain show describe set use system information_schema
	execute insert alter drop create kill grant revoke attach detach rename truncate optimize exchange undrop backup restore
	check copy watch parallel`)

// lexemes that a plain SELECT is written with.
var plainKinds = wordSet(`whitespace comment bareword number stringliteral quotedidentifier openingroundbracket
	closingroundbracket openingsquarebracket closingsquarebracket comma dot asterisk plus minus slash percent arrow
	questionmark colon doublecolon equals notequals less greater lessorequals greaterorequals concatenation caret
	pipemark spaceship endofstream`)

func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

// admitTokens refuses everything that is dangerous even to explain.
func admitTokens(tokens []Token, g ground, functions map[string]bool) *policy.Refusal {
	words := slices.DeleteFunc(slices.Clone(tokens), func(t Token) bool { return t.Kind == "Whitespace" || t.Kind == "Comment" })
	if len(words) == 0 || words[0].Kind != "BareWord" || !isAny(words[0].Text, "select", "with") {
		return refuse("语句必须以 SELECT 或 WITH 开头", "the text must begin with SELECT or WITH")
	}
	for _, t := range words {
		if no := admitToken(t, g, functions); no != nil {
			return no
		}
	}
	return nil
}

func admitToken(t Token, g ground, functions map[string]bool) *policy.Refusal {
	switch {
	case t.Kind == "Semicolon":
		return refuse("只允许一条语句，不能有分号", "only one statement is allowed, without a semicolon")
	case !plainKinds[strings.ToLower(t.Kind)]:
		return refuse("语句含有不允许的符号 %.20q", "the text holds the symbol %.20q, which is not allowed", t.Text)
	case t.Kind == "StringLiteral" && t.Text[0] != '\'':
		return refuse("字符串只能用单引号", "text is quoted with ' alone")
	case t.Kind == "QuotedIdentifier":
		name, ok := plainQuoted(t.Text)
		if !ok {
			return refuse("带引号的名称只能含字母、数字、空格、_ 和 -", "a quoted name holds letters, digits, spaces, _ and - alone")
		}
		return admitWord(name, g, functions)
	case t.Kind == "BareWord":
		return admitWord(t.Text, g, functions)
	}
	return nil
}

// plainQuoted is the name within quotes. A name with a newline could write lines of its own into the query tree.
func plainQuoted(s string) (string, bool) {
	if len(s) < 3 || s[0] != s[len(s)-1] || s[0] != '"' && s[0] != '`' {
		return "", false
	}
	name := s[1 : len(s)-1]
	odd := func(r rune) bool {
		return !(r == ' ' || r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r))
	}
	return name, strings.IndexFunc(name, odd) < 0
}

// admitWord refuses keywords that do more than select, and the names of functions outside the list: a higher-order
// function would call them by name alone.
func admitWord(word string, g ground, functions map[string]bool) *policy.Refusal {
	lower := strings.ToLower(word)
	switch {
	case deniedWords[lower]:
		return refuse("不允许使用 %s", "%s is not allowed here", strings.ToUpper(word))
	case slices.Contains(g.names, word):
		return nil
	case (functions[lower] || strings.HasPrefix(lower, "__")) && !allowedFunction(lower):
		return refuse("不允许使用函数 %s", "the function %s is not allowed", word)
	}
	return nil
}

var node = regexp.MustCompile(`^\s*([A-Z][A-Z_ ]*?) id: \d+(?:, (.*))?$`)

// nodes are the kinds of tree node that a plain SELECT has.
var nodes = map[string]bool{"UNION": true, "QUERY": true, "LIST": true, "CONSTANT": true, "IDENTIFIER": true,
	"FUNCTION": true, "LAMBDA": true, "JOIN": true, "CROSS JOIN": true, "ARRAY JOIN": true, "SORT": true, "MATCHER": true,
	"COLUMN": true, "TABLE": true, "WINDOW": true, "INTERPOLATE": true, "TABLE_FUNCTION": true,
	"EXCEPT COLUMN TRANSFORMER": true, "REPLACE COLUMN TRANSFORMER": true, "APPLY COLUMN TRANSFORMER": true}

// admitTree checks every node of the engine's tree. After pass 1 the tables are resolved.
func admitTree(lines []string, g ground, pass int) *policy.Refusal {
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "QUERY id:") && !strings.HasPrefix(lines[0], "UNION id:") {
		return refuse("语句不是查询", "the text is no query")
	}
	for _, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "SETTINGS") {
			return refuse("不允许使用 SETTINGS", "SETTINGS is not allowed here")
		}
		m := node.FindStringSubmatch(line)
		if m == nil {
			continue // a heading, or a projected column's name and type
		}
		if no := admitNode(m[1], m[2], g, pass); no != nil {
			return no
		}
	}
	return nil
}

func admitNode(kind, attributes string, g ground, pass int) *policy.Refusal {
	switch kind {
	case "FUNCTION":
		name, ok := attribute(attributes, "function_name")
		if !ok || !allowedFunction(strings.ToLower(name)) {
			return refuse("不允许使用函数 %.60s", "the function %.60s is not allowed", name)
		}
	case "TABLE_FUNCTION":
		name, ok := attribute(attributes, "table_function_name")
		if !ok || name != "numbers" {
			return refuse("不允许使用表函数 %.60s", "the table function %.60s is not allowed", name)
		}
	case "TABLE":
		name, ok := attribute(attributes, "table_name")
		if !ok || !slices.Contains(g.tables, name) && name != "system.one" {
			return &policy.Refusal{Detail: g.refused}
		}
	case "IDENTIFIER":
		if pass == 1 {
			return refuse("有未能解析的名称", "a name was not resolved")
		}
	default:
		if !nodes[kind] {
			return refuse("不允许使用 %.40s", "%.40s is not allowed here", strings.ToLower(kind))
		}
	}
	return nil
}

// ColumnsOf are the names of the columns that a resolved tree reads, as often as it reads them. Where the engine reads a
// part alone, such as text.size for length(text), it is the column.
func ColumnsOf(lines []string) []string {
	var out []string
	for _, line := range lines {
		m := node.FindStringSubmatch(line)
		if m == nil || m[1] != "COLUMN" {
			continue
		}
		if name, ok := attribute(m[2], "column_name"); ok {
			name, _, _ = strings.Cut(name, ".")
			out = append(out, name)
		}
	}
	return out
}

// attribute finds the one value of a key. An alias cannot imitate it: names with : or , have been refused.
func attribute(attributes, key string) (string, bool) {
	parts := strings.Split(", "+attributes, ", "+key+": ")
	if len(parts) != 2 {
		return "?", false
	}
	value, _, _ := strings.Cut(parts[1], ", ")
	return value, value != ""
}

func isAny(word string, of ...string) bool {
	return slices.ContainsFunc(of, func(o string) bool { return strings.EqualFold(word, o) })
}

// QueryFault is the caller's sentence, without any value of a row, for an engine's error code about the text, or nil when the fault is not the
// text's. name is a word of the text that the engine complains of, if it is known.
func QueryFault(code int, name string) error {
	sentence := faults[code]
	if sentence == "" {
		return nil
	}
	if strings.Contains(sentence, "%s") {
		if name == "" {
			name = "of this name"
		}
		sentence = fmt.Sprintf(sentence, name)
	}
	return plinth.Invalid("sql", "%s", sentence)
}

var faults = map[int]string{
	6:   "a value cannot be read as the type asked for",
	26:  "a value cannot be read as the type asked for",
	27:  "a value cannot be read as the type asked for",
	34:  "a function has too many arguments",
	35:  "a function has too few arguments",
	36:  "an argument of a function is not one it takes",
	38:  "a value cannot be read as a date",
	41:  "a value cannot be read as a time",
	42:  "a function has the wrong number of arguments",
	43:  "a function does not take arguments of this type",
	44:  "an argument must be a constant",
	46:  "there is no function %s",
	47:  "there is no column %s in the view",
	53:  "the types on both sides do not fit",
	60:  "there is no table %s; the grant's view is the only one",
	62:  "the text is not valid SQL",
	69:  "an argument of a function is out of bounds",
	70:  "a value cannot be converted to the type asked for",
	72:  "a value cannot be read as a number",
	80:  "the query is not correct",
	81:  "there is no database %s",
	125: "a subquery gives more than one row where one is needed",
	153: "division by zero",
	179: "a name stands for several expressions",
	184: "an aggregate function stands where it may not",
	207: "a name could mean several columns",
	215: "a column is neither aggregated nor in GROUP BY",
	349: "NULL cannot be put into a type without it",
	352: "a column could mean several tables'",
	386: "the types have no common type",
	407: "a number is too large for its decimal type",
	456: "a query parameter has no value",
	636: "a table has no data to tell its columns from",
}
