package catalog

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold makes text comparable: full-width and half-width forms are one (NFKC), case is ignored.
func Fold(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// Grams cuts folded text into its single characters and pairs of neighbours, each once, in order of appearance. Chinese
// has no spaces to find words by, so a query of one or two characters must find its place inside any run. What is
// neither letter nor digit separates.
func Grams(s string) []string {
	seen := map[string]bool{}
	var out []string
	add := func(g string) {
		if !seen[g] {
			seen[g] = true
			out = append(out, g)
		}
	}
	var before rune
	for _, r := range Fold(s) {
		if !letter(r) {
			before = 0
			continue
		}
		add(string(r))
		if before != 0 {
			add(string(before) + string(r))
		}
		before = r
	}
	return out
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }

// QueryGrams are the grams that every entry matching the term must hold: the pairs, or the character of a run of one.
func QueryGrams(term string) []string {
	var out []string
	for _, run := range strings.FieldsFunc(Fold(term), func(r rune) bool { return !letter(r) }) {
		rs := []rune(run)
		if len(rs) == 1 {
			out = append(out, run)
			continue
		}
		for i := range len(rs) - 1 {
			out = append(out, string(rs[i:i+2]))
		}
	}
	return out
}

// Terms splits a query at spaces, folded; each term must stand in the entry as written. A query has at most maxTerms.
func Terms(query string) []string { return strings.Fields(Fold(query)) }

const maxTerms = 10

// Index is what an entry is found by.
type Index struct {
	Title string   // folded; a hit in it weighs more
	Text  string   // all of it, folded, for checking a hit exactly
	Grams []string // of Text
}

// IndexOf makes the index of a content under a code and publisher's name.
func IndexOf(c Content, code, publisher string) Index {
	title := c.Title.ZH + "\n" + c.Title.EN
	texts := append([]string{title, code, publisher, c.Description.ZH, c.Description.EN}, c.Keywords...)
	for _, f := range c.Fields {
		texts = append(texts, f.Name, f.Title.ZH, f.Title.EN)
	}
	all := strings.Join(texts, "\n")
	return Index{Title: Fold(title), Text: Fold(all), Grams: Grams(all)}
}
