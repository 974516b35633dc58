package twin

import (
	"crypto/hmac"
	"encoding/asn1"
	"errors"
	"math/big"

	"github.com/emmansun/gmsm/sm3"
)

// nonces is RFC 6979 §3.2 with HMAC-SM3: the numbers from which signatures take their secret k, made of the key and of
// what is signed. A checkpoint is signed anew whenever someone asks for an old size, and must then come out byte for
// byte as it did the first time; and no weak source of randomness can give the key away.
type nonces struct{ k, v []byte }

func newNonces(secret, digest []byte) *nonces {
	n := &nonces{k: make([]byte, sm3.Size), v: make([]byte, sm3.Size)}
	for i := range n.v {
		n.v[i] = 1
	}
	for _, round := range []byte{0, 1} {
		n.k = n.mac(n.v, []byte{round}, secret, digest)
		n.v = n.mac(n.v)
	}
	return n
}

func (n *nonces) mac(parts ...[]byte) []byte {
	h := hmac.New(sm3.New, n.k)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// Read gives the next number. A single byte is what the library reads at random, so that nobody relies on what we rely
// on here; it gets one without the sequence moving.
func (n *nonces) Read(b []byte) (int, error) {
	if len(b) == 1 {
		return 1, nil
	}
	for done := 0; done < len(b); {
		n.v = n.mac(n.v)
		done += copy(b[done:], n.v)
	}
	n.k = n.mac(n.v, []byte{0}) // RFC 6979 §3.2 step h.3: after a number that was refused
	n.v = n.mac(n.v)
	return len(b), nil
}

// flatten turns the DER of two numbers into r ‖ s.
func flatten(der []byte) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, errors.New("signature is not two numbers in DER")
	}
	out := make([]byte, signatureSize)
	sig.R.FillBytes(out[:scalarSize])
	sig.S.FillBytes(out[scalarSize:])
	return out, nil
}
