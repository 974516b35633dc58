package ledger

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

	"google.golang.org/protobuf/encoding/protowire"
)

// wireAttestation is the attestation's CBOR map. Keys 4 to 6 are kept for the proposal, which a court export may add.
type wireAttestation struct {
	Version      uint8             `cbor:"1,keyasint"`
	Payload      []byte            `cbor:"2,keyasint"`
	Endorsements []wireEndorsement `cbor:"3,keyasint"`
}

// wireEndorsement has the certificate in key 3, or in its place the certificate's SHA-256 in key 4. Key 1 is kept for the
// endorser's own bytes.
type wireEndorsement struct {
	MSP         string `cbor:"2,keyasint"`
	Certificate []byte `cbor:"3,keyasint,omitempty"`
	Reference   []byte `cbor:"4,keyasint,omitempty"`
	Signature   []byte `cbor:"5,keyasint"`
}

func (a Attestation) wire() wireAttestation {
	w := wireAttestation{Version: 1, Payload: a.Payload}
	for _, e := range a.Endorsements {
		w.Endorsements = append(w.Endorsements, wireEndorsement(e))
	}
	return w
}

func (w wireAttestation) attestation() (Attestation, error) {
	if w.Version != 1 {
		return Attestation{}, fmt.Errorf("version %d is not known", w.Version)
	}
	a := Attestation{Payload: w.Payload}
	for i, e := range w.Endorsements {
		if i > 0 && w.Endorsements[i-1].MSP >= e.MSP {
			return Attestation{}, errors.New("endorsements are not sorted by organisation, each once")
		}
		if (e.Certificate == nil) == (e.Reference == nil) || e.Reference != nil && len(e.Reference) != sha256.Size {
			return Attestation{}, fmt.Errorf("want the certificate of %q, or in its place its SHA-256", e.MSP)
		}
		a.Endorsements = append(a.Endorsements, Endorsement(e))
	}
	return a, nil
}

// ByReference returns the attestation with every certificate replaced by its SHA-256.
func (a Attestation) ByReference() Attestation {
	out := Attestation{Payload: a.Payload, Endorsements: slices.Clone(a.Endorsements)}
	for i, e := range out.Endorsements {
		if e.Certificate != nil {
			sum := sha256.Sum256(e.Certificate)
			out.Endorsements[i].Certificate, out.Endorsements[i].Reference = nil, sum[:]
		}
	}
	return out
}

// resolve returns the endorsement with its certificate, which may be one of those at hand.
func (e Endorsement) resolve(certificates [][]byte) (Endorsement, error) {
	if e.Reference == nil {
		return e, nil
	}
	for _, der := range certificates {
		if sum := sha256.Sum256(der); bytes.Equal(sum[:], e.Reference) {
			e.Certificate, e.Reference = der, nil
			return e, nil
		}
	}
	return e, fmt.Errorf("the certificate with the SHA-256 %x is not at hand", e.Reference)
}

// Encode returns the attestation in deterministic CBOR.
func (a Attestation) Encode() ([]byte, error) { return encoding.Marshal(a.wire()) }

// ParseAttestation reads what Encode writes.
func ParseAttestation(b []byte) (Attestation, error) {
	var w wireAttestation
	if err := decode(b, &w); err != nil {
		return Attestation{}, fmt.Errorf("attestation: %w", err)
	}
	return w.attestation()
}

// verifyChain checks that the certificate is a peer's and chains to one of the organisation's roots at the time.
func (e Endorsement) verifyChain(roots []*x509.Certificate, at time.Time) (*ecdsa.PublicKey, error) {
	cert, err := x509.ParseCertificate(e.Certificate)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	pool := x509.NewCertPool()
	for _, r := range roots {
		pool.AddCert(r)
	}
	if _, err := cert.Verify(x509.VerifyOptions{
		Roots: pool, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	switch units := cert.Subject.OrganizationalUnit; {
	case cert.IsCA:
		return nil, errors.New("certificate: it is an authority's, not a peer's")
	case !slices.Contains(units, "peer") || slices.ContainsFunc(units, notPeer):
		return nil, fmt.Errorf("certificate: its units are %q, want peer", units)
	case !ok || key.Curve != elliptic.P256():
		return nil, errors.New("certificate: its key is not ECDSA P-256")
	}
	return key, nil
}

func notPeer(unit string) bool { return unit == "client" || unit == "admin" || unit == "orderer" }

// halfOrder is n/2 of P-256. Fabric signs with s in the lower half; the twin in the upper half is refused, or one
// receipt would have two spellings.
var halfOrder = new(big.Int).Rsh(elliptic.P256().Params().N, 1)

// verifySignature checks the signature over the payload followed by the endorser's serialized identity.
func (e Endorsement) verifySignature(key *ecdsa.PublicKey, payload []byte) error {
	var sig struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(e.Signature, &sig); err != nil || len(rest) > 0 {
		return errors.New("signature is not ASN.1 DER")
	}
	if again, err := asn1.Marshal(sig); err != nil || !bytes.Equal(again, e.Signature) {
		return errors.New("signature is not ASN.1 DER")
	}
	if sig.S.Cmp(halfOrder) > 0 {
		return errors.New("signature has s in the upper half")
	}
	digest := sha256.Sum256(append(slices.Clone(payload), e.identity()...))
	if !ecdsa.VerifyASN1(key, digest[:], e.Signature) {
		return errors.New("signature does not fit the signed answer")
	}
	return nil
}

// identity rebuilds the SerializedIdentity that Fabric appends to what a peer signs.
func (e Endorsement) identity() []byte {
	p := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.Certificate})
	b := protowire.AppendTag(nil, 1, protowire.BytesType)
	b = protowire.AppendString(b, e.MSP)
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	return protowire.AppendBytes(b, p)
}
