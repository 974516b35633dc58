package web_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestEveryReasonHasItsChinese reads what the code says of readings, messages and rows that it cannot use, and looks for it
// in the console's words.
func TestEveryReasonHasItsChinese(t *testing.T) {
	words, err := os.ReadFile("src/i18n/reasons.ts")
	if err != nil {
		t.Fatal(err)
	}
	files := globs(t, "../sensors/codec/*.go", "../sensors/*.go", "../sensors/geodesy/geodesy.go", "../pipelines/table/*.go",
		"../pipelines/row.go", "../pipelines/take.go", "../pipelines/pullpage.go", "../pipelines/devicefile.go")
	found := 0
	for _, file := range files {
		for at, reason := range reasonsIn(t, file) {
			found++
			if !strings.Contains(string(words), "['"+reason+"', ") && !strings.Contains(string(words), `["`+reason+`", `) {
				t.Errorf("%s: %q has no words in web/src/i18n/reasons.ts", at, reason)
			}
		}
	}
	if found < 60 {
		t.Errorf("%d reasons were found: this shows nothing", found)
	}
}

func globs(t *testing.T, patterns ...string) (files []string) {
	t.Helper()
	for _, p := range patterns {
		names, err := filepath.Glob(p)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, names...)
	}
	return files
}

// reasonsIn are the reasons of a file's faults by their place, with {} for what they quote.
func reasonsIn(t *testing.T, file string) map[string]string {
	t.Helper()
	set, out := token.NewFileSet(), map[string]string{}
	if strings.HasSuffix(file, "_test.go") {
		return out
	}
	parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if reason := reasonOf(n); reason != nil {
			if form := formOf(reason); strings.Trim(form, "{}") != "" {
				out[set.Position(n.Pos()).String()] = form
			}
		}
		return true
	})
	return out
}

// reasonOf is the expression of a fault's reason, if n is a fault.
func reasonOf(n ast.Node) ast.Expr {
	lit, ok := n.(*ast.CompositeLit)
	if !ok || len(lit.Elts) == 0 {
		return nil
	}
	if name, ok := lit.Type.(*ast.Ident); ok && (name.Name == "Broken" || name.Name == "fault") && len(lit.Elts) == 2 {
		if _, keyed := lit.Elts[0].(*ast.KeyValueExpr); !keyed {
			return lit.Elts[1]
		}
	}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Reason" {
				return kv.Value
			}
		}
	}
	return nil
}

var verb = regexp.MustCompile(`%[.0-9]*[a-z]`)

// formOf is a text with {} for what is not written there.
func formOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil {
			return s
		}
	case *ast.BinaryExpr:
		return formOf(e.X) + formOf(e.Y)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" {
			return verb.ReplaceAllString(formOf(e.Args[0]), "{}")
		}
	}
	return "{}"
}
