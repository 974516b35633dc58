package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plinth/ledger"
)

// vectors is a copy of the ledger's vectors in which the binary ones are decoded.
var vectors string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "plinth-verify-")
	if err == nil {
		err = decodeVectors("../../ledger/testdata/vectors/", dir)
	}
	if err != nil {
		panic(err)
	}
	vectors = dir + "/"
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func decodeVectors(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(to, "*.b64"))
	if err != nil {
		return err
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			return err
		}
		if err := os.WriteFile(strings.TrimSuffix(f, ".b64"), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func now() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }

func call(args ...string) (code int, out string) {
	var stdout, stderr bytes.Buffer
	code = run(args, &stdout, &stderr, now)
	return code, stdout.String() + stderr.String()
}

func TestVerdictsAndExitCodes(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		says []string
	}{
		{"receipt V/proven.tlog-proof --roots V/roots.json", 0, []string{"record-proven", "未核验", "是否属实", "grant.created"}},
		{"receipt V/proven.tlog-proof --roots V/roots.json --lang en", 0, []string{"not checked", "revoked", "signed by: BureauMSP, OverseerMSP"}},
		{"--roots V/roots.json --lang en receipt V/proven-with-data.tlog-proof", 0, []string{"record-and-data-proven"}},
		{"receipt V/entry-bit.tlog-proof --roots V/roots.json --lang en", 1, []string{"untrusted", "at fault: entry or path"}},
		{"receipt V/one-org.tlog-proof --roots V/roots.json --lang en", 2, []string{"policy-failed", "OverseerMSP"}},
		{"receipt V/cut.tlog-proof --roots V/roots.json --lang en", 3, []string{"cannot-evaluate", "at fault: file"}},
		{"receipt V/cut.tlog-proof --roots V/roots.json", 3, []string{"问题所在：回执文件"}},
		{"receipt V/proven.tlog-proof --roots V/roots.json --at 2040-01-01T00:00:00Z", 1, []string{"证书链"}},
		{"receipt V/proven.tlog-proof --roots V/roots.json --channel other", 2, []string{"policy-failed"}},
		{"receipt V/proven.tlog-proof --roots V/roots.json --payload V/roots.json", 3, []string{"salt"}},
		{"receipt V/proven.tlog-proof", 4, []string{"--roots"}},
		{"receipt V/proven.cose --roots V/roots.json --lang en", 0, []string{"record-proven", "✓ the log's signature"}},
		{"receipt V/cose-path-bit.cose --roots V/roots.json --lang en", 1, []string{"entry or path"}},
		{"receipt V/by-reference.tlog-proof --roots V/roots.json", 0, []string{"record-proven"}},
		{"receipt V/stamped.tlog-proof --roots V/roots.json --at 2040-01-01T00:00:00Z", 0, []string{"可信时间戳：2027-01-01", "CN=tsa"}},
		{"receipt V/fields.tlog-proof --roots V/roots.json --lang en", 0, []string{`opened field purpose: "traffic study"`}},
		{"batch V/proven.batch --roots V/roots.json --lang en", 0, []string{"record-proven", "512–767", "proven records"}},
		{"batch V/batch-leaf-bit.batch --roots V/roots.json --lang en", 1, []string{"entry or path"}},
		{"batch V/proven.tlog-proof --roots V/roots.json", 3, []string{"cannot-evaluate"}},
		{"batch V/proven.batch --roots V/roots.json --payload V/roots.json", 4, []string{"not an option of batch"}},
		{"receipt V/proven.tlog-proof --roots V/roots.json --certificates V/vectors.json", 4, []string{"--certificates"}},
		{"receipt V/proven.tlog-proof --roots V/roots.json --tsa-roots V/none", 4, []string{"--tsa-roots"}},
		{"receipt V/twin/proven.tlog-proof --roots V/twin/roots.json", 0, []string{"✓ 孪生日志", "孪生日志：putuo.plinth/authz/sm3"}},
		{"receipt V/twin/proven.tlog-proof --roots V/twin/roots.json --twin-only --lang en", 0, []string{"log: putuo.plinth/authz/sm3", "judged by the twin alone"}},
		{"receipt V/twin/stripped.tlog-proof --roots V/twin/roots.json --lang en", 0, []string{"record-proven", "the log's twin (SM3)"}},
		{"receipt V/twin/stripped.tlog-proof --roots V/twin/roots.json --hash both", 2, []string{"问题所在：孪生日志"}},
		{"receipt V/twin/stripped.tlog-proof --roots V/twin/roots.json --twin-only", 2, []string{"policy-failed"}},
		{"receipt V/twin/path-bit.tlog-proof --roots V/twin/roots.json --lang en", 1, []string{"at fault: twin"}},
		{"receipt V/twin/path-bit.tlog-proof --roots V/twin/roots.json --hash sha256", 0, []string{"record-proven"}},
		{"receipt V/twin/proven.tlog-proof --roots V/twin/roots.json --hash md5", 4, []string{"sha256, sm3 or both"}},
		{"receipt V/twin/proven.tlog-proof --roots V/twin/roots.json --hash both --twin-only", 4, []string{"chosen twice"}},
		{"batch V/proven.batch --roots V/roots.json --twin-only", 4, []string{"not an option of batch"}},
		{"receipt V/none --roots V/roots.json", 4, []string{"no such file"}},
		{"receipt V/proven.tlog-proof --roots V/vectors.json", 4, []string{"roots"}},
		{"receipt V/proven.tlog-proof --roots V/roots.json --at soon", 4, []string{"--at"}},
		{"receipt V/proven.tlog-proof --roots V/roots.json --lang fr", 4, []string{"--lang"}},
		{"audit x --roots V/roots.json", 4, []string{"receipt"}},
		{"--wrong", 4, []string{"wrong"}},
		{"--help", 0, []string{"Exit codes"}},
	} {
		t.Run(tt.args, func(t *testing.T) {
			code, out := call(strings.Fields(strings.ReplaceAll(tt.args, "V/", vectors))...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d\n%s", code, tt.code, out)
			}
			for _, s := range tt.says {
				if !strings.Contains(out, s) {
					t.Errorf("does not say %q:\n%s", s, out)
				}
			}
		})
	}
}

func TestJSONTellsTheSame(t *testing.T) {
	code, out := call("receipt", vectors+"one-org.tlog-proof", "--roots", vectors+"roots.json", "--json")
	var r ledger.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if code != 2 || r.ExitCode != 2 || r.Fault == nil || r.Fault.Org != "OverseerMSP" || len(r.NotChecked) < 6 || r.Proof != nil {
		t.Errorf("exit code %d, %s", code, out)
	}
	code, out = call("receipt", "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 4 || r.Word != ledger.UsageError {
		t.Errorf("wrong call: exit code %d, %s", code, out)
	}
}

func TestRootsAsPEMFiles(t *testing.T) {
	b, err := os.ReadFile(vectors + "roots.json")
	if err != nil {
		t.Fatal(err)
	}
	trust, err := ledger.ParseTrust(b)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, r := range trust.Roots {
		if err := os.WriteFile(filepath.Join(dir, r.MSP+".pem"), []byte(r.PEM), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bureau, overseer := filepath.Join(dir, "BureauMSP.pem"), filepath.Join(dir, "OverseerMSP.pem")
	for _, args := range [][]string{
		{"--roots", dir}, {"--roots", bureau, "--roots", overseer}, {"--roots", bureau, overseer},
		{"--roots", "BureauMSP=" + bureau, "--roots", "OverseerMSP=" + overseer},
	} {
		args = append([]string{"receipt", vectors + "proven.tlog-proof", "--lang", "en"}, args...)
		code, out := call(append(args, "--log-key", trust.LogKeys[0])...)
		if code != 0 || strings.Contains(out, "– the log's signature") {
			t.Errorf("%v: exit code %d\n%s", args, code, out)
		}
		if _, out = call(args...); !strings.Contains(out, "– the log's signature") {
			t.Errorf("%v: without the log's key it does not say so\n%s", args, out)
		}
	}
	code, out := call("receipt", vectors+"proven.tlog-proof", "--roots", bureau, "--lang", "en")
	if code != 2 {
		t.Errorf("with one root alone: exit code %d\n%s", code, out)
	}
	if code, out = call("receipt", vectors+"proven.tlog-proof", "--roots", t.TempDir()); code != 4 {
		t.Errorf("empty folder: exit code %d\n%s", code, out)
	}
}

// TestDependenciesArePinned keeps the auditor's program small enough to be read: package ledger, and the libraries
// that its page names.
func TestDependenciesArePinned(t *testing.T) {
	allowed := []string{
		"plinth", "plinth/ledger", "plinth/ledger/audit", "plinth/ledger/merkle", "plinth/ledger/twin",
		"plinth/cmd/plinth-verify",
		"github.com/fxamacker/cbor/v2", "github.com/x448/float16", "github.com/google/uuid",
		"golang.org/x/mod/sumdb/note", "golang.org/x/mod/sumdb/tlog", "golang.org/x/mod/internal/lazyregexp",
		"google.golang.org/protobuf/encoding/protowire", "google.golang.org/protobuf/internal/errors",
		"google.golang.org/protobuf/internal/detrand",
		"golang.org/x/crypto/cryptobyte", "golang.org/x/crypto/cryptobyte/asn1",
	}
	for _, target := range [][]string{{".", ""}, {"../../web/verify", "js"}} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", target[0])
		cmd.Env = os.Environ()
		if target[1] != "" {
			cmd.Env = append(cmd.Env, "GOOS=js", "GOARCH=wasm")
			allowed = append(allowed, "plinth/web/verify")
		}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, dep := range strings.Fields(string(out)) {
			if !slices.Contains(allowed, dep) && !strings.HasPrefix(dep, "github.com/emmansun/gmsm/") {
				t.Errorf("%s depends on %s", target[0], dep)
			}
		}
	}
}
