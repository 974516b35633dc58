package ledgertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
)

// TSA is a time-stamp authority (RFC 3161) that answers as a library does which shares no code with the verifier.
type TSA struct {
	Root  *x509.Certificate
	Clock func() time.Time // what it says the time is; nil for Begin plus a year
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
}

// NewTSA makes an authority whose certificate has the critical extended key usages, which is time-stamping alone
// unless a test wants a fault.
func NewTSA(usages ...x509.ExtKeyUsage) *TSA {
	if len(usages) == 0 {
		usages = []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}
	}
	rootKey, key := newKey(), newKey()
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tsa root"}, NotBefore: Begin,
		NotAfter: End, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	t := &TSA{key: key}
	t.Root = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey))))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "tsa"}, NotBefore: Begin,
		NotAfter: End, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{extendedUsage(usages)}}
	t.cert = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, leaf, t.Root, &key.PublicKey, rootKey))))
	return t
}

// extendedUsage makes the extension by hand, because x509 does not mark it critical.
func extendedUsage(usages []x509.ExtKeyUsage) pkix.Extension {
	oids := map[x509.ExtKeyUsage]asn1.ObjectIdentifier{
		x509.ExtKeyUsageTimeStamping: {1, 3, 6, 1, 5, 5, 7, 3, 8}, x509.ExtKeyUsageCodeSigning: {1, 3, 6, 1, 5, 5, 7, 3, 3},
	}
	var all []asn1.ObjectIdentifier
	for _, u := range usages {
		all = append(all, oids[u])
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: must(asn1.Marshal(all))}
}

// Answer returns the answer to a request in DER.
func (t *TSA) Answer(request []byte) ([]byte, error) {
	q, err := timestamp.ParseRequest(request)
	if err != nil {
		return nil, err
	}
	at := Begin.AddDate(1, 0, 0)
	if t.Clock != nil {
		at = t.Clock()
	}
	s := timestamp.Timestamp{HashAlgorithm: q.HashAlgorithm, HashedMessage: q.HashedMessage, Time: at, Nonce: q.Nonce,
		Policy: asn1.ObjectIdentifier{2, 4, 5, 6}, Accuracy: time.Second, AddTSACertificate: q.Certificates}
	return s.CreateResponseWithOpts(t.cert, t.key, crypto.SHA256)
}

// ServeHTTP implements http.Handler, as RFC 3161 §3.4 has it.
func (t *TSA) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err == nil {
		request, err = t.Answer(request)
	}
	if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "bad query", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(request)
}
