package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// caseVector writes one file of the vectors as it would be downloaded.
func caseVector(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(vectors + "case/" + name + ".b64")
	if err != nil {
		t.Fatal(err)
	}
	b, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCaseIsToldInBothLanguages(t *testing.T) {
	for lang, want := range map[string]string{"en": "revoked after 6 steps, as of block 106", "zh": "revoked，共 6 步，截至区块 106"} {
		var out, trouble bytes.Buffer
		code := run([]string{"case", caseVector(t, "proven"), "--roots", vectors + "case/roots.json", "--lang", lang}, &out, &trouble, now)
		if code != 0 || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "5. 2026-") {
			t.Errorf("%s: exit %d, %s%s", lang, code, out.String(), trouble.String())
		}
	}
}

func TestBentCaseIsRefusedWithThePart(t *testing.T) {
	for name, want := range map[string]string{"omitted-use": "case: 1 of 6 steps", "foreign": "step: no. 4", "cut": "file: "} {
		var out, trouble bytes.Buffer
		code := run([]string{"case", caseVector(t, name), "--roots", vectors + "case/roots.json", "--lang", "en"}, &out, &trouble, now)
		if code == 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit %d, want %q:\n%s%s", name, code, want, out.String(), trouble.String())
		}
	}
}
