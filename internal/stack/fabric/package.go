package fabric

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
)

// linkBuilder gives the peers their external builder: the chaincode program under the three names it answers to.
func (n *Network) linkBuilder(context.Context) error {
	program, err := filepath.Abs(n.bins.Chaincode)
	if err != nil {
		return err
	}
	bin := n.path("builder", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	for _, step := range []string{"detect", "build", "release"} {
		link := filepath.Join(bin, step)
		if err := os.RemoveAll(link); err != nil {
			return err
		}
		if err := os.Symlink(program, link); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) packageLabel() string { return chaincode + "_" + n.version }

// makePackage writes the chaincode package. Its id is a hash of its bytes, which hold no address and no time: every
// organisation of every network installs the same package.
func (n *Network) makePackage(context.Context) error {
	code, err := archive(file{"connection.json", `{"address":"{{.address}}","dial_timeout":"3s","tls_required":false}`})
	if err != nil {
		return err
	}
	pkg, err := archive(
		file{"metadata.json", `{"path":"","type":"ccaas","label":"` + n.packageLabel() + `"}`},
		file{"code.tar.gz", string(code)})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(pkg)
	n.pkgID = n.packageLabel() + ":" + hex.EncodeToString(sum[:])
	return os.WriteFile(n.packagePath(), pkg, 0o644)
}

func (n *Network) packagePath() string { return n.path("cfg", chaincode+".tgz") }

type file struct{ name, content string }

// archive is a tar.gz that depends on nothing but its files: no owner, no time.
func archive(files ...file) ([]byte, error) {
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	tw := tar.NewWriter(gz)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content)), Format: tar.FormatUSTAR}
		if err := tw.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := tw.Write([]byte(f.content)); err != nil {
			return nil, err
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	if err := gz.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
