package audit

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// identity is who signed something: an organisation's id and a certificate that chains to one of its roots.
type identity struct {
	msp  string
	cert *x509.Certificate
	key  *ecdsa.PublicKey
}

// has tells whether the certificate has the role: client, peer, admin or orderer, as Fabric's NodeOUs name them.
func (i *identity) has(role string) bool {
	return slices.Contains(i.cert.Subject.OrganizationalUnit, role)
}

// members knows the channel's organisations and judges who belongs to them. Each certificate is judged once.
type members struct {
	at    time.Time
	pools map[string]*x509.CertPool
	known map[string]*identity // by serialized identity
}

func newMembers(at time.Time) *members {
	return &members{at: at, pools: map[string]*x509.CertPool{}, known: map[string]*identity{}}
}

// trust makes the roots those of an organisation, and forgets what was judged by others.
func (m *members) trust(msp string, roots []*x509.Certificate) {
	m.pools[msp] = x509.NewCertPool()
	for _, r := range roots {
		m.pools[msp].AddCert(r)
	}
	clear(m.known)
}

// identify reads a SerializedIdentity and checks the certificate's chain.
func (m *members) identify(serialized []byte) (*identity, error) {
	if id := m.known[string(serialized)]; id != nil {
		return id, nil
	}
	var msp string
	var text []byte
	if err := message("identity", serialized, takes{1: &msp, 2: &text}); err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("identity of %.64q: not one certificate", msp)
	}
	id, err := m.judge(msp, block.Bytes)
	if err == nil {
		m.known[string(serialized)] = id
	}
	return id, err
}

func (m *members) judge(msp string, der []byte) (*identity, error) {
	pool := m.pools[msp]
	if pool == nil {
		return nil, fmt.Errorf("there is no root certificate of %.64q", msp)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", msp, err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: m.at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", msp, err)
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() || cert.IsCA {
		return nil, fmt.Errorf("certificate of %s: want an ECDSA P-256 key that is not an authority's", msp)
	}
	return &identity{msp, cert, key}, nil
}

// halfOrder is n/2 of P-256: Fabric signs with s in the lower half and refuses the twin in the upper one.
var halfOrder = new(big.Int).Rsh(elliptic.P256().Params().N, 1)

// verify checks a signature over the parts, joined.
func (i *identity) verify(sig []byte, parts ...[]byte) error {
	var v struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(sig, &v); err != nil || len(rest) > 0 {
		return errors.New("signature is not ASN.1 DER")
	}
	if v.S.Cmp(halfOrder) > 0 {
		return errors.New("signature has s in the upper half")
	}
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	if !ecdsa.VerifyASN1(i.key, h.Sum(nil), sig) {
		return errors.New("signature does not fit")
	}
	return nil
}

// Identity returns the serialized identity that goes with a certificate in DER.
func Identity(msp string, der []byte) []byte {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return appendField(appendField(nil, 1, []byte(msp)), 2, text)
}
