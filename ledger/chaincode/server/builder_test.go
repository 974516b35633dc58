package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, name, content string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBuilderHandsThePeerItsOwnAddress(t *testing.T) {
	t.Setenv(builderConfig, `{"address":"127.0.0.1:9999"}`)
	source := put(t, connectionFile, `{"address":"{{.address}}","dial_timeout":"3s","tls_required":false}`)
	metadata := put(t, "metadata.json", `{"type":"ccaas","label":"anchor_1"}`)
	built, released := t.TempDir(), t.TempDir()
	log := slog.New(slog.DiscardHandler)
	for _, step := range [][]string{{"detect", source, metadata}, {"build", source, metadata, built}, {"release", built, released}} {
		if err := run(step[0], step[1:], log); err != nil {
			t.Fatalf("%s: %v", step[0], err)
		}
	}
	got, err := os.ReadFile(filepath.Join(released, "chaincode", "server", connectionFile))
	if want := `{"address":"127.0.0.1:9999","dial_timeout":"3s","tls_required":false}`; string(got) != want {
		t.Errorf("released %s, %v; want %s", got, err, want)
	}
}

func TestBuilderRefuses(t *testing.T) {
	template := put(t, connectionFile, `{"address":"{{.address}}"}`)
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"another type":      {detect(put(t, "metadata.json", `{"type":"golang"}`)), "not ccaas"},
		"no metadata":       {detect(t.TempDir()), "metadata.json"},
		"broken metadata":   {detect(put(t, "metadata.json", `{`)), "metadata.json"},
		"no address given":  {build(template, t.TempDir(), ""), builderConfig},
		"broken address":    {build(template, t.TempDir(), "{"), builderConfig},
		"broken connection": {build(put(t, connectionFile, "{"), t.TempDir(), ""), connectionFile},
		"too few folders":   {run("build", []string{"a"}, slog.New(slog.DiscardHandler)), "3 folders"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%s: got %v, want it to mention %q", name, test.err, test.want)
		}
	}
}

func TestServerOffLoopbackNeedsTLS(t *testing.T) {
	env := func(address string) func(string) string {
		return func(name string) string {
			return map[string]string{"CHAINCODE_ID": "anchor_1:00", "CHAINCODE_SERVER_ADDRESS": address}[name]
		}
	}
	if _, err := newServer(env("127.0.0.1:7000")); err != nil {
		t.Errorf("on loopback: %v", err)
	}
	for _, address := range []string{"0.0.0.0:7000", "10.0.0.1:7000", ":7000", "peer:7000"} {
		if _, err := newServer(env(address)); err == nil || !strings.Contains(err.Error(), "CHAINCODE_TLS_CERT") {
			t.Errorf("%s: got %v, want TLS to be required", address, err)
		}
	}
	if _, err := newServer(env("")); err == nil {
		t.Error("served without an address")
	}
}
