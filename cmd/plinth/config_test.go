package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigReportsAllFaultsAtOnce(t *testing.T) {
	err := run(t.Context(), []string{"config", "check", "--serve", "--listen", "nowhere",
		"--postgres-url", "postgres://me:secret@db/x", "--ledger-name", "a b"})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"listen:", "postgres-url: holds a password", "clickhouse-url: must be set",
		"broker-url: must be set", "fabric-network: must be set", "ledger-name:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the password is in the message: %q", err)
	}
}

func TestConfigFileGivesWayToVariablesAndFlags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plinth.yaml")
	write(t, path, "listen: nowhere\nledger:\n  name: 'bad name'\n")
	t.Setenv("PLINTH_LISTEN", "127.0.0.1:1")
	err := run(t.Context(), []string{"--config", path, "config", "check"})
	if err == nil || strings.Contains(err.Error(), "listen") || !strings.Contains(err.Error(), "ledger-name") {
		t.Errorf("got %v, want the file's ledger name refused and the variable's listen taken", err)
	}
	if err := run(t.Context(), []string{"--config", path, "--ledger-name", "good", "config", "check"}); err != nil {
		t.Errorf("with the flag: %v", err)
	}
}

func TestConfigFileWithUnknownSettingIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plinth.yaml")
	write(t, path, "legder:\n  name: x\n")
	if err := run(t.Context(), []string{"--config", path, "config", "check"}); err == nil ||
		!strings.Contains(err.Error(), `"legder-name"`) {
		t.Errorf("got %v, want the setting named", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
