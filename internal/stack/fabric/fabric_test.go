package fabric_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plinth/internal/stack/fabric"
	"plinth/ledger/fabric/network"
)

// binaries are Fabric's own; the chaincode's stands in for itself, since nothing is started here.
func binaries(t *testing.T) fabric.Binaries {
	t.Helper()
	b := fabric.FindBinaries()
	b.Chaincode = filepath.Join(t.TempDir(), "plinth-chaincode")
	if err := os.WriteFile(b.Chaincode, []byte("#!"), 0o755); err != nil {
		t.Fatal(err)
	}
	return b
}

func prepare(t *testing.T, dir string) *fabric.Network {
	t.Helper()
	n, err := fabric.Prepare(t.Context(), dir, fabric.Config{Binaries: binaries(t)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPrepareTwiceChangesNothingThatMatters(t *testing.T) {
	dir := t.TempDir()
	first := prepare(t, dir)
	before := contents(t, dir, "crypto", "genesis.block", "ports.json", "network.json")
	second := prepare(t, dir)
	if diff := cmp.Diff(before, contents(t, dir, "crypto", "genesis.block", "ports.json", "network.json")); diff != "" {
		t.Errorf("the second time differs:\n%s", diff)
	}
	for i, p := range first.Processes() {
		if q := second.Processes()[i]; p.Name != q.Name || strings.HasPrefix(p.Name, "peer") && !cmp.Equal(p.Env, q.Env) {
			t.Errorf("process %s differs from %s", p.Name, q.Name)
		}
	}
}

func TestAFirstStartThatDiedHalfwayIsBegunAgain(t *testing.T) {
	dir := t.TempDir()
	prepare(t, dir)
	before := contents(t, dir, "genesis.block")
	if err := os.Remove(filepath.Join(dir, "prepared")); err != nil {
		t.Fatal(err)
	}
	prepare(t, dir)
	if cmp.Equal(before, contents(t, dir, "genesis.block")) {
		t.Error("the keys of an unfinished start were kept")
	}
}

func TestEveryRootHasALowSignature(t *testing.T) {
	dir := t.TempDir()
	prepare(t, dir)
	roots := 0
	for path, data := range contents(t, dir, "crypto") {
		block, _ := pem.Decode([]byte(data))
		if block == nil || block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if !cert.IsCA {
			continue
		}
		roots++
		if err := cert.CheckSignatureFrom(cert); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		var sig struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(cert.Signature, &sig); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		half := new(big.Int).Rsh(cert.PublicKey.(*ecdsa.PublicKey).Params().N, 1)
		if sig.S.Cmp(half) > 0 {
			t.Errorf("%s: s is in the upper half", path)
		}
	}
	if roots < 12 {
		t.Errorf("looked at %d roots only", roots)
	}
}

func TestAllNetworksInstallTheSamePackage(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	prepare(t, a)
	prepare(t, b)
	if !cmp.Equal(contents(t, a, "cfg/anchor.tgz")["cfg/anchor.tgz"], contents(t, b, "cfg/anchor.tgz")["cfg/anchor.tgz"]) {
		t.Error("the packages differ")
	}
}

func TestEveryListenerIsOnLoopback(t *testing.T) {
	dir := t.TempDir()
	prepare(t, dir)
	for path, text := range contents(t, dir, "cfg") {
		if !strings.HasSuffix(path, ".yaml") {
			continue
		}
		for line := range strings.Lines(text) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			if strings.HasSuffix(strings.ToLower(key), "listenaddress") && !strings.HasPrefix(strings.TrimSpace(value), "127.0.0.1") {
				t.Errorf("%s: %s", path, strings.TrimSpace(line))
			}
		}
	}
}

func TestDescriptionIsComplete(t *testing.T) {
	n := prepare(t, t.TempDir())
	d, err := network.Read(n.Description())
	if err != nil {
		t.Fatal(err)
	}
	files := []string{d.Client.Cert, d.Client.Key, d.Orderers[0].TLSCA}
	var msps []string
	for _, o := range d.Organisations {
		msps = append(msps, o.MSP)
		files = append(files, o.RootCA, o.Peer.TLSCA)
	}
	if diff := cmp.Diff([]string{"BureauMSP", "OverseerMSP"}, msps); diff != "" {
		t.Error(diff)
	}
	for _, f := range files {
		if _, err := os.Stat(f); err != nil {
			t.Error(err)
		}
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	dir := t.TempDir()
	n := prepare(t, dir)
	d, err := network.Read(n.Description())
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", d.Organisations[1].Peer.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = fabric.Prepare(t.Context(), dir, fabric.Config{Binaries: binaries(t)}, slog.New(slog.DiscardHandler))
	_, port, _ := net.SplitHostPort(d.Organisations[1].Peer.Address)
	if err == nil || !strings.Contains(err.Error(), "port "+port+" of peer-overseer is taken") {
		t.Errorf("got %v, want the port of peer-overseer to be named", err)
	}
}

func TestMissingProgramsNameTheWaysOut(t *testing.T) {
	b := binaries(t)
	for name, test := range map[string]struct {
		bins fabric.Binaries
		want []string
	}{
		"fabric":    {fabric.Binaries{Dir: t.TempDir(), Chaincode: b.Chaincode}, []string{"peer, orderer", "make fabric", "PLINTH_FABRIC_BIN", "network.json"}},
		"chaincode": {fabric.Binaries{Dir: b.Dir, Chaincode: "/nowhere"}, []string{"/nowhere", "make chaincode", "network.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fabric.Prepare(context.Background(), t.TempDir(), fabric.Config{Binaries: test.bins}, slog.New(slog.DiscardHandler))
			for _, w := range test.want {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("got %v, want it to mention %q", err, w)
				}
			}
		})
	}
}

// contents reads files and folders under dir.
func contents(t *testing.T, dir string, names ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(dir, name), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			rel, _ := filepath.Rel(dir, path)
			all[rel] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
