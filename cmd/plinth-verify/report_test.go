package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrintedReportTellsWhatTheVerdictDoes(t *testing.T) {
	for _, tt := range []struct {
		file string
		lang string
		says []string
	}{
		{"proven-with-data.tlog-proof", "zh", []string{"存证核验报告", "第十六条", "核验一致：所提交的内容", "不是法律意见", "未核验", "是否属实", "SHA-256", "grant.created", "OverseerMSP"}},
		{"proven.tlog-proof", "en", []string{"Article 16", "not verified", "unaltered since", "Certificates of the signing peers"}},
		{"proven.cose", "zh", []string{"存证记录核验一致", "背书节点的证书"}},
		{"entry-bit.tlog-proof", "zh", []string{"核验未通过", "问题所在", "不支持"}},
	} {
		out := filepath.Join(t.TempDir(), "report.html")
		call("receipt", vectors+tt.file, "--roots", vectors+"roots.json", "--report", out, "--lang", tt.lang)
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range tt.says {
			if !strings.Contains(string(b), s) {
				t.Errorf("%s, %s: does not say %q", tt.file, tt.lang, s)
			}
		}
		for _, s := range []string{"<script", "http://", "https://", "src="} {
			if strings.Contains(string(b), s) {
				t.Errorf("%s: is not self-contained: %q", tt.file, s)
			}
		}
	}
	if code, out := call("receipt", vectors+"proven.tlog-proof", "--roots", vectors+"roots.json", "--report", t.TempDir()); code != 4 {
		t.Errorf("a report that cannot be written: exit code %d\n%s", code, out)
	}
}
