package ledger

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	_ "crypto/sha512" // hash of tokens
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// A time-stamp token (RFC 3161) is a CMS SignedData (RFC 5652) over a TSTInfo. It is read here strictly, with the
// standard library alone: one signer, DER, the certificate named by hash (RFC 5816), nothing unsigned beside it.

const maxTimestamp = 16 << 10

// stampDomain begins the text that a time-stamp is over.
const stampDomain = "plinth-timestamp/v1"

// StampedText is the text whose SHA-256 a receipt's time-stamp token holds: the checkpoint and, by hash, the
// attestation with its certificates by reference. The token must cover the attestation: one over the checkpoint alone
// would let whoever comes by an expired peer's key endorse, years later, another tree that the operator had stamped
// in time.
func StampedText(c Checkpoint, a Attestation) ([]byte, error) {
	b, err := a.ByReference().Encode()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	return []byte(stampDomain + "\n" + c.String() + hex.EncodeToString(sum[:]) + "\n"), nil
}

var (
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTSTInfo       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCertV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidExtKeyUsage   = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// digests are the hash functions that tokens may use.
var digests = []struct {
	oid  asn1.ObjectIdentifier
	hash crypto.Hash
}{
	{oidSHA256, crypto.SHA256},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, crypto.SHA384},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, crypto.SHA512},
}

// signatures are the signature algorithms that tokens may use; one that names no hash goes with the signer's.
var signatures = []struct {
	oid  asn1.ObjectIdentifier
	hash crypto.Hash
	alg  x509.SignatureAlgorithm
}{
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, crypto.SHA256, x509.ECDSAWithSHA256},
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, crypto.SHA384, x509.ECDSAWithSHA384},
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, crypto.SHA512, x509.ECDSAWithSHA512},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, crypto.SHA256, x509.SHA256WithRSA},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, crypto.SHA384, x509.SHA384WithRSA},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, crypto.SHA512, x509.SHA512WithRSA},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, crypto.SHA256, x509.SHA256WithRSA},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, crypto.SHA384, x509.SHA384WithRSA},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, crypto.SHA512, x509.SHA512WithRSA},
}

type cmsContent struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type cmsSignedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Content      cmsContent
	Certificates asn1.RawValue   `asn1:"optional,tag:0"`
	Signers      []cmsSignerInfo `asn1:"set"`
}

type cmsSignerInfo struct {
	Version   int
	ID        asn1.RawValue
	Digest    pkix.AlgorithmIdentifier
	Signed    asn1.RawValue `asn1:"tag:0"`
	Algorithm pkix.AlgorithmIdentifier
	Signature []byte
}

type cmsAttribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

type tstInfo struct {
	Version    int
	Policy     asn1.ObjectIdentifier
	Imprint    tstImprint
	Serial     *big.Int
	Time       time.Time        `asn1:"generalized"`
	Accuracy   tstAccuracy      `asn1:"optional"`
	Ordering   bool             `asn1:"optional"`
	Nonce      *big.Int         `asn1:"optional"`
	TSA        asn1.RawValue    `asn1:"optional,tag:0"`
	Extensions []pkix.Extension `asn1:"optional,tag:1"`
}

type tstImprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Hash      []byte
}

type tstAccuracy struct {
	Seconds int `asn1:"optional"`
	Millis  int `asn1:"optional,tag:0"`
	Micros  int `asn1:"optional,tag:1"`
}

// essCertV2 names the signer's certificate by its hash (RFC 5816).
type essCertV2 struct {
	Algorithm pkix.AlgorithmIdentifier `asn1:"optional"`
	Hash      []byte
	Issuer    asn1.RawValue `asn1:"optional"`
}

// token is a time-stamp token whose signature holds. Who signed it is not judged yet.
type token struct {
	Time         time.Time
	Imprint      []byte // SHA-256 of what was stamped
	Signer       *x509.Certificate
	Certificates []*x509.Certificate
}

// unmarshalAll reads b whole.
func unmarshalAll(b []byte, into any, params string) error {
	rest, err := asn1.UnmarshalWithParams(b, into, params)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return errors.New("something stands behind it")
	}
	return nil
}

// parseToken reads a token and checks that its signer signed it.
func parseToken(der []byte) (token, error) {
	var outer cmsContent
	var data cmsSignedData
	if err := unmarshalAll(der, &outer, ""); err != nil || !outer.Type.Equal(oidSignedData) {
		return token{}, errors.New("not a signed CMS message in DER")
	}
	if err := unmarshalAll(outer.Content.Bytes, &data, ""); err != nil {
		return token{}, fmt.Errorf("signed data: %w", err)
	}
	if err := data.check(); err != nil {
		return token{}, err
	}
	if again, err := asn1.Marshal(data); err != nil || !bytes.Equal(again, outer.Content.Bytes) {
		return token{}, errors.New("signed data: not in its one form")
	}
	content, t, err := data.info()
	if err != nil {
		return token{}, err
	}
	if t.Certificates, err = data.certificates(); err != nil {
		return token{}, err
	}
	return t, t.checkSigner(data.Signers[0], content)
}

func (d cmsSignedData) check() error {
	switch {
	case d.Version != 3 || !d.Content.Type.Equal(oidTSTInfo):
		return errors.New("signed data: it holds no time-stamp")
	case len(d.Signers) != 1 || d.Signers[0].Version != 1 && d.Signers[0].Version != 3:
		return errors.New("signed data: want one signer")
	case len(d.Digests) != 1 || !d.Digests[0].Algorithm.Equal(d.Signers[0].Digest.Algorithm):
		return errors.New("signed data: want the signer's hash function alone")
	}
	for _, a := range []pkix.AlgorithmIdentifier{d.Digests[0], d.Signers[0].Digest, d.Signers[0].Algorithm} {
		if p := a.Parameters.FullBytes; len(p) > 0 && !bytes.Equal(p, asn1.NullBytes) {
			return errors.New("signed data: an algorithm has parameters")
		}
	}
	return nil
}

// info reads the TSTInfo; content is its bytes.
func (d cmsSignedData) info() (content []byte, t token, err error) {
	if err := unmarshalAll(d.Content.Content.Bytes, &content, ""); err != nil {
		return nil, t, fmt.Errorf("time-stamp info: %w", err)
	}
	var i tstInfo
	if err := unmarshalAll(content, &i, ""); err != nil {
		return nil, t, fmt.Errorf("time-stamp info: %w", err)
	}
	switch {
	case i.Version != 1:
		return nil, t, fmt.Errorf("time-stamp info: version %d is not known", i.Version)
	case !i.Imprint.Algorithm.Algorithm.Equal(oidSHA256) || len(i.Imprint.Hash) != sha256.Size:
		return nil, t, errors.New("time-stamp info: want a SHA-256 imprint")
	case slices.ContainsFunc(i.Extensions, func(e pkix.Extension) bool { return e.Critical }):
		return nil, t, errors.New("time-stamp info: a critical extension is not known")
	}
	return content, token{Time: i.Time.UTC(), Imprint: i.Imprint.Hash}, nil
}

func (d cmsSignedData) certificates() ([]*x509.Certificate, error) {
	if !d.Certificates.IsCompound {
		return nil, errors.New("the signer's certificate is not in it; ask the authority for it with certReq")
	}
	certs, err := x509.ParseCertificates(d.Certificates.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	return certs, nil
}

// checkSigner finds the signer's certificate by the hash among the signed attributes and checks the signature.
func (t *token) checkSigner(s cmsSignerInfo, content []byte) error {
	hash, alg, err := s.algorithms()
	if err != nil {
		return err
	}
	attributes, err := s.attributes()
	if err != nil {
		return err
	}
	h := hash.New()
	h.Write(content)
	if want, _ := asn1.Marshal(h.Sum(nil)); !bytes.Equal(attributes[oidMessageDigest.String()], want) {
		return errors.New("the signed digest is not that of the time-stamp")
	}
	if want, _ := asn1.Marshal(oidTSTInfo); !bytes.Equal(attributes[oidContentType.String()], want) {
		return errors.New("the signed content type is not a time-stamp's")
	}
	if t.Signer, err = t.named(attributes[oidSigningCertV2.String()]); err != nil {
		return err
	}
	if !s.names(t.Signer) {
		return errors.New("the signer's name is not that of the certificate")
	}
	signed := slices.Clone(s.Signed.FullBytes)
	signed[0] = 0x31 // RFC 5652 §5.4: what is signed has the tag of a SET
	if err := t.Signer.CheckSignature(alg, signed, s.Signature); err != nil {
		return errors.New("the authority's signature does not fit")
	}
	return nil
}

func (s cmsSignerInfo) algorithms() (hash crypto.Hash, alg x509.SignatureAlgorithm, err error) {
	for _, d := range digests {
		if d.oid.Equal(s.Digest.Algorithm) {
			hash = d.hash
		}
	}
	for _, a := range signatures {
		if hash != 0 && a.oid.Equal(s.Algorithm.Algorithm) && a.hash == hash {
			return hash, a.alg, nil
		}
	}
	return 0, 0, errors.New("the hash or signature algorithm is not one of those accepted")
}

// attributes returns the one value of each signed attribute.
func (s cmsSignerInfo) attributes() (map[string][]byte, error) {
	out := map[string][]byte{}
	var all []cmsAttribute
	if err := unmarshalAll(s.Signed.FullBytes, &all, "set,tag:0"); err != nil {
		return nil, fmt.Errorf("signed attributes: %w", err)
	}
	for _, a := range all {
		name := a.Type.String()
		if _, twice := out[name]; twice || len(a.Values) != 1 {
			return nil, fmt.Errorf("signed attributes: %s has not one value", name)
		}
		out[name] = a.Values[0].FullBytes
	}
	return out, nil
}

// named returns the certificate that the signing-certificate-v2 attribute names first.
func (t *token) named(attribute []byte) (*x509.Certificate, error) {
	var list struct {
		Certs    []essCertV2
		Policies asn1.RawValue `asn1:"optional"`
	}
	if err := unmarshalAll(attribute, &list, ""); err != nil || len(list.Certs) == 0 {
		return nil, errors.New("the signer's certificate is not named by a hash of the SHA-2 family (RFC 5816)")
	}
	hash := crypto.SHA256 // the default
	for _, d := range digests {
		if d.oid.Equal(list.Certs[0].Algorithm.Algorithm) {
			hash = d.hash
		}
	}
	for _, c := range t.Certificates {
		h := hash.New()
		h.Write(c.Raw)
		if bytes.Equal(h.Sum(nil), list.Certs[0].Hash) {
			return c, nil
		}
	}
	return nil, errors.New("the certificate that the signer names is not in it")
}

// names tells whether the signer's identifier is the certificate's: its issuer and serial number, or its key's id.
func (s cmsSignerInfo) names(c *x509.Certificate) bool {
	want := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, Bytes: c.SubjectKeyId}
	if s.Version == 1 {
		serial, err := asn1.Marshal(c.SerialNumber)
		if err != nil {
			return false
		}
		want = asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: append(slices.Clone(c.RawIssuer), serial...)}
	}
	b, err := asn1.Marshal(want)
	return err == nil && bytes.Equal(b, s.ID.FullBytes)
}

// verifyChain checks that the signer may issue time-stamps and chains to one of the roots at the token's own time, and
// that no certificate rides along that is not needed for it.
func (t token) verifyChain(roots []*x509.Certificate) error {
	trusted, between := x509.NewCertPool(), x509.NewCertPool()
	for _, r := range roots {
		trusted.AddCert(r)
	}
	for _, c := range t.Certificates {
		between.AddCert(c)
	}
	chains, err := t.Signer.Verify(x509.VerifyOptions{Roots: trusted, Intermediates: between, CurrentTime: t.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return err
	}
	if !onlyTimeStamping(t.Signer) {
		return errors.New("the certificate is not one for time-stamps alone (RFC 3161 §2.3)")
	}
	for _, c := range t.Certificates {
		if !slices.ContainsFunc(chains, func(chain []*x509.Certificate) bool { return slices.ContainsFunc(chain, c.Equal) }) {
			return errors.New("a certificate is not part of the chain")
		}
	}
	return nil
}

func onlyTimeStamping(c *x509.Certificate) bool {
	critical := slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool {
		return e.Critical && e.Id.Equal(oidExtKeyUsage)
	})
	return critical && len(c.ExtKeyUsage) == 1 && len(c.UnknownExtKeyUsage) == 0 && !c.IsCA
}

// TimestampRequest returns the request (RFC 3161 §2.4.1) for a token over the text, with the authority's certificate
// in it.
func TimestampRequest(text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	return asn1.Marshal(struct {
		Version int
		Imprint tstImprint
		CertReq bool
	}{1, tstImprint{pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}, sum[:]}, true})
}

// TimestampToken returns the token in an authority's answer (RFC 3161 §2.4.2).
func TimestampToken(answer []byte) ([]byte, error) {
	var a struct {
		Status asn1.RawValue
		Token  asn1.RawValue `asn1:"optional"`
	}
	if err := unmarshalAll(answer, &a, ""); err != nil {
		return nil, fmt.Errorf("time-stamp answer: %w", err)
	}
	var status int
	if _, err := asn1.Unmarshal(a.Status.Bytes, &status); err != nil {
		return nil, fmt.Errorf("time-stamp answer: status: %w", err)
	}
	if status > 1 || len(a.Token.FullBytes) == 0 {
		return nil, fmt.Errorf("time-stamp answer: refused with status %d", status)
	}
	if len(a.Token.FullBytes) > maxTimestamp {
		return nil, errors.New("time-stamp answer: the token is too long")
	}
	return a.Token.FullBytes, nil
}

// Stamped is what a time-stamp token proves.
type Stamped struct {
	At time.Time // by the authority's clock, UTC
	By string    // the authority's name in its certificate
}

// VerifyTimestamp checks that the token is over the text and chains to one of the roots at its own time.
func VerifyTimestamp(der, text []byte, roots []*x509.Certificate) (Stamped, error) {
	t, err := parseToken(der)
	if err == nil {
		err = t.verifyChain(roots)
	}
	if err == nil {
		err = t.covers(text)
	}
	if err != nil {
		return Stamped{}, fmt.Errorf("time-stamp: %w", err)
	}
	return t.stamped(), nil
}

func (t token) stamped() Stamped { return Stamped{At: t.Time, By: t.Signer.Subject.String()} }

func (t token) covers(text []byte) error {
	if sum := sha256.Sum256(text); !bytes.Equal(sum[:], t.Imprint) {
		return errors.New("it is over something else")
	}
	return nil
}
