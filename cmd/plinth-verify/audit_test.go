package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plinth/ledger"
	"plinth/ledger/audit"
)

// manifestOnly is an export with nothing but its manifest and roots.
func manifestOnly(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	b, err := os.ReadFile(vectors + "roots.json")
	if err != nil {
		t.Fatal(err)
	}
	trust, err := ledger.ParseTrust(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range trust.Roots {
		trust.Roots[i].Name = ""
	}
	roots, err := json.MarshalIndent(trust, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{audit.ManifestFile: audit.NewManifest("", "").Encode(), audit.RootsFile: append(roots, '\n')} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAuditNamesTheFirstBadObject(t *testing.T) {
	dir := manifestOnly(t)
	page := filepath.Join(t.TempDir(), "report.html")
	code, out := call("audit", dir, "--roots", vectors+"roots.json", "--lang", "en", "--report", page)
	if code != 1 || !strings.Contains(out, "first bad object: block 0: is missing") || !strings.Contains(out, "everything after the first bad object") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "block 0: is missing") {
		t.Errorf("report: %v\n%s", err, html)
	}
	code, out = call("audit", dir, "--roots", vectors+"roots.json", "--json")
	var r audit.Report
	if _, body, ok := strings.Cut(out, "{"); !ok || json.Unmarshal([]byte("{"+strings.TrimSuffix(body, "\r\033[K")), &r) != nil {
		t.Fatalf("not JSON: %s", out)
	}
	if code != 1 || r.ExitCode != 1 || r.Fault == nil || r.Fault.Stage != audit.StageChain || len(r.NotChecked) == 0 {
		t.Errorf("exit code %d, %+v", code, r)
	}
	if err := os.WriteFile(filepath.Join(dir, audit.ManifestFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out = call("audit", dir, "--roots", vectors+"roots.json"); code != 1 || !strings.Contains(out, "首个问题：export.json") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestAuditCalledWrongly(t *testing.T) {
	dir := manifestOnly(t)
	for _, args := range [][]string{
		{"audit", t.TempDir(), "--roots", vectors + "roots.json"},
		{"audit", dir},
		{"audit", dir, "--roots", vectors + "roots.json", "--orderer-roots", vectors + "roots.json"},
		{"audit", dir, "--roots", vectors + "roots.json", "--payload", "x"},
	} {
		if code, out := call(args...); code != 4 {
			t.Errorf("%v: exit code %d\n%s", args, code, out)
		}
	}
}

func TestEverythingIsSaidInBothLanguages(t *testing.T) {
	for _, l := range []ledger.Lang{ledger.Chinese, ledger.English} {
		for _, s := range []audit.Stage{audit.StageFolder, audit.StageChain, audit.StageCheckpoints, audit.StageTree, audit.StageData,
			audit.StageCases, audit.StageReceipts} {
			if s.Say(l) == "" {
				t.Errorf("stage %s is not said in %s", s, l)
			}
		}
		for _, c := range []ledger.Check{audit.NotOrdererRoots, audit.NotConfigUpdates, audit.NotLifecycle, audit.NotRangeQueries,
			audit.NotKeyPolicies, audit.NotUnanchored, audit.NotData, audit.NotErased, audit.NotLateRows, audit.NotPendingRows,
			audit.NotRows, audit.NotNewer, audit.NotTags, audit.NotStatus, audit.NotLogKeys, audit.NotTwin, audit.NotAfterFault, ledger.NotTruth} {
			if (audit.Skipped{What: c}).Say(l) == "" {
				t.Errorf("%s is not said in %s", c, l)
			}
		}
	}
}
