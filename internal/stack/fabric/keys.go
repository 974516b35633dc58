package fabric

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
)

// discardUnfinished removes what a first start left behind that died halfway; nothing of value is in it, since the
// marker "prepared" is written before any process runs.
func (n *Network) discardUnfinished(context.Context) error {
	if exists(n.path("prepared")) {
		return nil
	}
	for _, name := range []string{"crypto", "genesis.block", "data", "joined", "consensus"} {
		if err := os.RemoveAll(n.path(name)); err != nil {
			return err
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// makeKeys has cryptogen issue the organisations' certificates, once.
func (n *Network) makeKeys(ctx context.Context) error {
	if exists(n.path("crypto")) {
		return nil
	}
	n.log.InfoContext(ctx, "fabric: making keys and certificates")
	if err := n.render("crypto-config.yaml", n.path("cfg", "crypto-config.yaml"), n.values()); err != nil {
		return err
	}
	_, err := n.run(ctx, "cryptogen", nil, "generate",
		"--config="+n.path("cfg", "crypto-config.yaml"), "--output="+n.path("crypto"))
	if err != nil {
		return err
	}
	return lowerRoots(n.path("crypto"))
}

// lowerRoots rewrites every self-signed certificate under dir whose signature has s in the upper half of the curve's
// order. fabric-sdk-go rewrites such a root in memory and then finds that it is not the one that the others chain to.
// (r, n-s) is a signature as valid as (r, s), so no key is needed.
func lowerRoots(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || (!strings.HasSuffix(path, ".pem") && !strings.HasSuffix(path, ".crt")) {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		lowered, err := lowerRoot(data)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if lowered == nil {
			return nil
		}
		return os.WriteFile(path, lowered, 0o644)
	})
}

// lowerRoot returns the rewritten certificate, or nil when nothing is to be done.
func lowerRoot(data []byte) ([]byte, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || !cert.IsCA || cert.CheckSignatureFrom(cert) != nil {
		return nil, nil
	}
	der, err := lowerSignature(block.Bytes, key.Curve)
	if err != nil || der == nil {
		return nil, err
	}
	again, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if err := again.CheckSignatureFrom(again); err != nil {
		return nil, fmt.Errorf("rewritten root: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func lowerSignature(der []byte, curve elliptic.Curve) ([]byte, error) {
	var cert struct {
		TBS       asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &cert); err != nil || len(rest) > 0 {
		return nil, errors.Join(errors.New("certificate is not one DER value"), err)
	}
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(cert.Signature.Bytes, &sig); err != nil {
		return nil, err
	}
	order := curve.Params().N
	if sig.S.Cmp(new(big.Int).Rsh(order, 1)) <= 0 {
		return nil, nil
	}
	sig.S.Sub(order, sig.S)
	raw, err := asn1.Marshal(sig)
	if err != nil {
		return nil, err
	}
	cert.Signature = asn1.BitString{Bytes: raw, BitLength: 8 * len(raw)}
	return asn1.Marshal(cert)
}
