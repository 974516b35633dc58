package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"plinth/ledger"
)

// script runs plinthVerify over the vectors in Node, which has the browser's WebAssembly.
const script = `
const fs = require('fs');
require(process.argv[2]);
const go = new Go();
WebAssembly.instantiate(fs.readFileSync(process.argv[3]), go.importObject).then(async ({instance}) => {
  go.run(instance);
  while (!globalThis.plinthVerify) await new Promise(r => setTimeout(r, 10));
  const dir = process.argv[4], roots = fs.readFileSync(dir + '/roots.json', 'utf8');
  const out = {};
  const check = (name, text) => {
    if (!name.endsWith('.b64')) return plinthVerify(text, roots);
    const bytes = new Uint8Array(Buffer.from(text, 'base64'));
    return name.endsWith('.batch.b64') ? plinthVerifyBatch(bytes, roots) : plinthVerifyReceipt(bytes, roots);
  };
  for (const v of JSON.parse(fs.readFileSync(dir + '/vectors.json')))
    out[v.file] = JSON.parse(check(v.file, fs.readFileSync(dir + '/' + v.file, 'utf8')));
  out.usage = JSON.parse(plinthVerify('x'));
  out.noFile = JSON.parse(plinthVerifyBatch(7, roots));
  out.noPeriod = JSON.parse(plinthVerifyDevice('x', roots, 'd'));
  out.noCase = JSON.parse(plinthVerifyCase('x', 'x'));
  out.badRoots = JSON.parse(plinthVerify('x', '{'));
  process.stdout.write(JSON.stringify(out), () => process.exit(0));
});`

// TestBrowserSaysWhatTheCommandSays holds because it is the same code; this shows that it runs there.
func TestBrowserSaysWhatTheCommandSays(t *testing.T) {
	dir := t.TempDir()
	wasm, js := filepath.Join(dir, "verify.wasm"), filepath.Join(dir, "run.cjs") // whatever a package.json above says
	build := exec.Command("go", "build", "-o", wasm, ".")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(js, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	vectors, err := filepath.Abs("../../ledger/testdata/vectors")
	if err != nil {
		t.Fatal(err)
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err, runtime.Version())
	}
	glue := filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js")
	node := exec.Command("node", js, glue, wasm, vectors)
	node.Stderr = os.Stderr
	out, err := node.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]ledger.Report
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var want []struct {
		File string
		Word ledger.Word
		Part ledger.Part
		Org  string
		At   string
	}
	b, err := os.ReadFile(filepath.Join(vectors, "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		if w.At != "2027-01-01T00:00:00Z" {
			continue // the browser judges certificates today
		}
		var fault ledger.FaultOut
		if f := got[w.File].Fault; f != nil {
			fault = *f
		}
		if got[w.File].Word != w.Word || fault.Part != w.Part || fault.Org != w.Org {
			t.Errorf("%s: got %+v, want %+v", w.File, got[w.File], w)
		}
	}
	for _, name := range []string{"usage", "noFile", "noPeriod", "noCase", "badRoots"} {
		if got[name].Word != ledger.UsageError || got[name].Fault == nil {
			t.Errorf("%s: got %+v", name, got[name])
		}
	}
}
