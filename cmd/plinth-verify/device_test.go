package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plinth/ledger"
)

// deviceVector writes a vector, which lies as base64, as the file that it is.
func deviceVector(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(vectors + "device/" + name + ".b64")
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

func TestDeviceFilesHaveTheirVerdicts(t *testing.T) {
	const period = " --from 2026-11-24T08:00:00Z --to 2026-11-24T08:05:00Z"
	for _, tt := range []struct {
		file, args string
		code       int
		says       []string
	}{
		{"proven", "--device wq-7 --lang en" + period, 0, []string{"record-and-data-proven", "numbers 1 to 5, none missing between", "4, of 182 readings",
			"2026-11-24T08:02:00Z – 2026-11-24T08:03:00Z", "ph = 14.375, segment 1", "why there are no readings"}},
		{"proven", "--device wq-7" + period, 0, []string{"第 1 至 5 号，其间无缺", "无分段的时段", "已证实的读数"}},
		{"segment-omitted", "--device wq-7 --lang en" + period, 1, []string{"untrusted", "at fault: segment: entry 3 is missing"}},
		{"reading-changed", "--device wq-7" + period, 1, []string{"问题所在：读数"}},
		{"proven", "--device wq-8 --lang en" + period, 2, []string{"policy-failed", "at fault: device"}},
		{"cut", "--device wq-7" + period, 3, []string{"cannot-evaluate"}},
		{"proven", period, 4, []string{"--device"}},
		{"proven", "--device wq-7 --from soon --to 2026-11-24T08:05:00Z", 4, []string{"--from"}},
		{"proven", "--device wq-7 --to 2026-11-24T08:00:00Z --from 2026-11-24T08:05:00Z", 4, []string{"before"}},
	} {
		args := append([]string{"device", deviceVector(t, tt.file), "--roots", vectors + "device/roots.json"}, strings.Fields(tt.args)...)
		code, out := call(args...)
		if code != tt.code {
			t.Errorf("%s %s: exit code %d, want %d\n%s", tt.file, tt.args, code, tt.code, out)
		}
		for _, s := range tt.says {
			if !strings.Contains(out, s) {
				t.Errorf("%s %s: does not say %q:\n%s", tt.file, tt.args, s, out)
			}
		}
	}
}

func TestDeviceJSONTellsTheSame(t *testing.T) {
	code, out := call("device", deviceVector(t, "proven"), "--roots", vectors+"device/roots.json", "--device", "wq-7", "--json",
		"--from", "2026-11-24T08:00:00Z", "--to", "2026-11-24T08:05:00Z")
	var r ledger.DeviceReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if code != 0 || r.Word != ledger.ProvenWithData || r.Device == nil || len(r.Device.Windows) != 4 || !r.Device.EndProven {
		t.Errorf("exit code %d, %s", code, out)
	}
}
