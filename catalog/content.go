package catalog

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"plinth"
)

// Text is a metadata value in both languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en,omitempty"`
}

// Field is one 信息项 of a dataset.
type Field struct {
	Name        string `json:"name"`
	Title       Text   `json:"title"`
	Type        string `json:"type"`
	Grade       string `json:"grade"`
	Sensitivity string `json:"sensitivity"`
	Description string `json:"description,omitempty"`
	Standard    string `json:"standard,omitempty"`
}

// Content is all of a dataset that its steward writes, and all that a revision changes.
type Content struct {
	Title          Text           `json:"title"`
	Description    Text           `json:"description"`
	Publisher      plinth.AgentID `json:"publisher"`
	Theme          string         `json:"theme"`
	Keywords       []string       `json:"keywords,omitempty"`
	Grade          string         `json:"grade"`
	Openness       string         `json:"openness"`
	OpennessReason string         `json:"openness_reason,omitempty"`
	Frequency      string         `json:"frequency"`
	Table          string         `json:"table,omitempty"`
	Fields         []Field        `json:"fields"`
}

// The code lists of a dataset, in the order they are shown. Grades are by GB/T 43697-2024 and rise.
var (
	Grades        = []string{"general", "important", "core"}
	Sensitivities = []string{"none", "personal", "sensitive"}
	Opennesses    = []string{"unconditional", "conditional", "closed"}
	Frequencies   = []string{"realtime", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular"}
	FieldTypes    = []string{"string", "integer", "decimal", "boolean", "date", "datetime"}
)

// Themes are the catalogue's themes.
var Themes = map[string]Text{
	"city-operation": {"城市运行", "City operation"},
	"public-safety":  {"公共安全", "Public safety"},
	"environment":    {"生态环境", "Environment"},
	"construction":   {"城乡建设", "Construction"},
	"market":         {"市场监管", "Market regulation"},
	"civil-affairs":  {"民政服务", "Civil affairs"},
	"housing":        {"房屋住宅", "Housing"},
	"health":         {"医疗卫生", "Health"},
	"culture":        {"文化文物", "Culture and heritage"},
	"transport":      {"交通出行", "Transport"},
}

var (
	tableForm = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}$`)
	nameForm  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
)

const (
	maxFields   = 500
	maxKeywords = 20
)

// Check refuses what no draft may hold. A draft may be incomplete.
func (c Content) Check() error {
	checks := []error{
		c.Title.check("title", 200),
		c.Description.check("description", 5000),
		oneOf("grade", c.Grade, Grades),
		oneOf("openness", c.Openness, Opennesses),
		oneOf("frequency", c.Frequency, Frequencies),
		plain("opennessReason", c.OpennessReason, 500),
	}
	if _, ok := Themes[c.Theme]; !ok && c.Theme != "" {
		checks = append(checks, plinth.Invalid("theme", "%q is not one of the catalogue's themes", c.Theme))
	}
	if c.Table != "" && !tableForm.MatchString(c.Table) {
		checks = append(checks, plinth.Invalid("table", "must be database.table in small letters, digits and _"))
	}
	return cmp.Or(first(checks), c.checkKeywords(), c.checkFields())
}

func (c Content) checkKeywords() error {
	if len(c.Keywords) > maxKeywords {
		return plinth.Invalid("keywords", "are at most %d", maxKeywords)
	}
	for i, k := range c.Keywords {
		at := fmt.Sprintf("keywords[%d]", i)
		if k == "" || strings.Contains(k, "、") {
			return plinth.Invalid(at, "must be one word")
		}
		if err := plain(at, k, 40); err != nil {
			return err
		}
	}
	return nil
}

func (c Content) checkFields() error {
	if len(c.Fields) > maxFields {
		return plinth.Invalid("fields", "are at most %d", maxFields)
	}
	seen := map[string]bool{}
	for i, f := range c.Fields {
		at := fmt.Sprintf("fields[%d].", i)
		if !nameForm.MatchString(f.Name) {
			return plinth.Invalid(at+"name", "must be letters, digits and _, at most 63, and not begin with a digit")
		}
		if seen[f.Name] {
			return plinth.Invalid(at+"name", "%q stands twice", f.Name)
		}
		seen[f.Name] = true
		err := first([]error{f.Title.check(at+"title", 100), oneOf(at+"type", f.Type, FieldTypes), oneOf(at+"grade", f.Grade, Grades),
			oneOf(at+"sensitivity", f.Sensitivity, Sensitivities), plain(at+"description", f.Description, 1000), plain(at+"standard", f.Standard, 100)})
		if err != nil {
			return err
		}
	}
	return nil
}

// Complete refuses what may not be submitted.
func (c Content) Complete() error {
	for _, need := range []struct{ field, value string }{{"title.zh", c.Title.ZH}, {"description.zh", c.Description.ZH},
		{"publisher", string(c.Publisher)}, {"theme", c.Theme}, {"grade", c.Grade}, {"openness", c.Openness}, {"frequency", c.Frequency}} {
		if need.value == "" {
			return plinth.Invalid(need.field, "is needed before the dataset can be submitted")
		}
	}
	if len(c.Fields) == 0 {
		return plinth.Invalid("fields", "must hold at least one field before the dataset can be submitted")
	}
	for i, f := range c.Fields {
		at := fmt.Sprintf("fields[%d].", i)
		for _, need := range []struct{ field, value string }{{"title.zh", f.Title.ZH}, {"type", f.Type}, {"grade", f.Grade}, {"sensitivity", f.Sensitivity}} {
			if need.value == "" {
				return plinth.Invalid(at+need.field, "is needed before the dataset can be submitted")
			}
		}
	}
	return cmp.Or(c.checkGrades(), c.checkOpenness())
}

// checkGrades holds the dataset to the highest grade among its fields (GB/T 43697-2024, 就高从严).
func (c Content) checkGrades() error {
	for i, f := range c.Fields {
		if slices.Index(Grades, f.Grade) > slices.Index(Grades, c.Grade) {
			return plinth.Invalid("grade", "is lower than that of fields[%d] %s, which is %s", i, f.Name, f.Grade)
		}
	}
	return nil
}

// checkOpenness keeps persons and graded data out of unconditional opening.
func (c Content) checkOpenness() error {
	if c.Openness != "unconditional" && strings.TrimSpace(c.OpennessReason) == "" {
		return plinth.Invalid("opennessReason", "must say why the data is %s, with the legal basis", c.Openness)
	}
	if c.Grade == "core" && c.Openness != "closed" {
		return plinth.Invalid("openness", "core data must be closed")
	}
	if c.Openness != "unconditional" {
		return nil
	}
	if c.Grade != "general" {
		return plinth.Invalid("openness", "%s data cannot be opened unconditionally", c.Grade)
	}
	for i, f := range c.Fields {
		if f.Sensitivity != "none" {
			return plinth.Invalid("openness", "cannot be unconditional: fields[%d] %s is %s", i, f.Name, f.Sensitivity)
		}
	}
	return nil
}

func (t Text) check(field string, limit int) error {
	return cmp.Or(plain(field+".zh", t.ZH, limit), plain(field+".en", t.EN, 2*limit))
}

// plain refuses text that is too long, holds control characters, or begins as a spreadsheet's formula does: the open
// list is opened in spreadsheets, and is published as it was written.
func plain(field, s string, limit int) error {
	switch {
	case utf8.RuneCountInString(s) > limit:
		return plinth.Invalid(field, "must have at most %d characters", limit)
	case !utf8.ValidString(s):
		return plinth.Invalid(field, "must be UTF-8")
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		return plinth.Invalid(field, "must not hold control characters")
	case s != "" && strings.ContainsRune("=+-@", rune(s[0])):
		return plinth.Invalid(field, "must not begin with %q, which a spreadsheet would run", s[0])
	}
	return nil
}

// oneOf refuses a value that is neither empty nor of the list.
func oneOf(field, value string, list []string) error {
	if value == "" || slices.Contains(list, value) {
		return nil
	}
	return plinth.Invalid(field, "%q is not one of %s", value, strings.Join(list, ", "))
}

func first(errs []error) error { return cmp.Or(errs...) }

// clone copies c so that a draft can be edited without touching what it was made from.
func (c Content) clone() Content {
	c.Keywords, c.Fields = slices.Clone(c.Keywords), slices.Clone(c.Fields)
	return c
}
