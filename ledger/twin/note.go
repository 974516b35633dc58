package twin

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/mod/sumdb/note"
)

// algorithm names the signature type: the byte that C2SP signed-note keeps for types without a byte of their own, and
// behind it the longer name that the specification asks for. A key's public half follows it, uncompressed (65 bytes).
const algorithm = "\xffplinth/sm2-with-sm3/v1"

// userID is the identity that enters every signature where none is agreed upon (GM/T 0009-2012 §10).
var userID = []byte("1234567812345678")

const (
	scalarSize    = 32
	publicSize    = 65
	signatureSize = 2 * scalarSize // r ‖ s, each 32 bytes, so that one signature has one spelling
)

var (
	errVerifierKey = errors.New("not a verifier key of SM2 with SM3")
	errSignerKey   = errors.New("not a signer key of SM2 with SM3")
)

// Verifier checks signatures on notes. It implements note.Verifier.
type Verifier struct {
	name string
	hash uint32
	key  *ecdsa.PublicKey
}

// NewVerifier reads a verifier key: name, key hash and base64 of type and public key, joined by plus signs.
func NewVerifier(vkey string) (*Verifier, error) {
	name, hash, raw, err := splitKey(vkey)
	if err != nil {
		return nil, errVerifierKey
	}
	public, ok := strings.CutPrefix(string(raw), algorithm)
	if !ok || len(public) != publicSize || keyHash(name, raw) != hash {
		return nil, errVerifierKey
	}
	key, err := sm2.NewPublicKey([]byte(public))
	if err != nil {
		return nil, errVerifierKey
	}
	return &Verifier{name: name, hash: hash, key: key}, nil
}

// Name returns the key's name, the origin line of the twin that it signs.
func (v *Verifier) Name() string { return v.name }

// KeyHash returns the first four bytes of the key's identifier.
func (v *Verifier) KeyHash() uint32 { return v.hash }

// Verify tells whether sig is the key's signature of msg. It refuses any form but r ‖ s.
func (v *Verifier) Verify(msg, sig []byte) bool {
	if len(sig) != signatureSize {
		return false
	}
	r, s := new(big.Int).SetBytes(sig[:scalarSize]), new(big.Int).SetBytes(sig[scalarSize:])
	return sm2.VerifyWithSM2(v.key, userID, msg, r, s)
}

// Signer signs notes. It implements note.Signer, and signs the same text the same way each time.
type Signer struct {
	Verifier
	key *sm2.PrivateKey
}

// NewSigner reads a signer key as GenerateKey makes it.
func NewSigner(skey string) (*Signer, error) {
	rest, ok := strings.CutPrefix(skey, "PRIVATE+KEY+")
	if !ok {
		return nil, errSignerKey
	}
	name, hash, raw, err := splitKey(rest)
	if err != nil {
		return nil, errSignerKey
	}
	secret, ok := strings.CutPrefix(string(raw), algorithm)
	if !ok || len(secret) != scalarSize {
		return nil, errSignerKey
	}
	key, err := sm2.NewPrivateKey([]byte(secret))
	if err != nil {
		return nil, errSignerKey
	}
	s := &Signer{Verifier: Verifier{name: name, hash: hash, key: &key.PublicKey}, key: key}
	if keyHash(name, s.public()) != hash {
		return nil, errSignerKey
	}
	return s, nil
}

// Sign implements note.Signer: r ‖ s over the text with the default identity.
func (s *Signer) Sign(msg []byte) ([]byte, error) {
	digest, err := sm2.CalculateSM2Hash(s.Verifier.key, msg, userID)
	if err != nil {
		return nil, err
	}
	der, err := s.key.Sign(newNonces(s.secret(), digest), digest, nil)
	if err != nil {
		return nil, err
	}
	return flatten(der)
}

// VerifierKey returns the public half.
func (s *Signer) VerifierKey() string { return joinKey(s.name, s.hash, s.public()) }

func (s *Signer) secret() []byte { return s.key.D.FillBytes(make([]byte, scalarSize)) }

func (s *Signer) public() []byte {
	b := append([]byte(algorithm), 4)
	b = append(b, s.Verifier.key.X.FillBytes(make([]byte, scalarSize))...)
	return append(b, s.Verifier.key.Y.FillBytes(make([]byte, scalarSize))...)
}

// GenerateKey makes a key pair with a name, which must be the twin's origin line.
func GenerateKey(random io.Reader, name string) (skey, vkey string, err error) {
	if !validName(name) {
		return "", "", errors.New("key name: want text without spaces and plus signs")
	}
	key, err := sm2.GenerateKey(random)
	if err != nil {
		return "", "", fmt.Errorf("generate SM2 key: %w", err)
	}
	s := &Signer{Verifier: Verifier{name: name, key: &key.PublicKey}, key: key}
	s.hash = keyHash(name, s.public())
	return "PRIVATE+KEY+" + joinKey(name, s.hash, append([]byte(algorithm), s.secret()...)), s.VerifierKey(), nil
}

// keyHash is the key's identifier as C2SP signed-note recommends it. SHA-256 only names the key here.
func keyHash(name string, typeAndKey []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), typeAndKey...))
	return binary.BigEndian.Uint32(sum[:])
}

func joinKey(name string, hash uint32, raw []byte) string {
	return fmt.Sprintf("%s+%08x+%s", name, hash, base64.StdEncoding.EncodeToString(raw))
}

// splitKey reads a key in its one spelling.
func splitKey(text string) (name string, hash uint32, raw []byte, err error) {
	name, rest, _ := strings.Cut(text, "+")
	hash16, b64, ok := strings.Cut(rest, "+")
	h, err := hex.DecodeString(hash16)
	if err != nil || len(h) != 4 || !ok || !validName(name) {
		return "", 0, nil, errors.New("malformed")
	}
	hash = binary.BigEndian.Uint32(h)
	raw, err = base64.StdEncoding.DecodeString(b64)
	if err != nil || joinKey(name, hash, raw) != text {
		return "", 0, nil, errors.New("malformed")
	}
	return name, hash, raw, nil
}

func validName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsSpace) && !strings.Contains(name, "+")
}

var (
	_ note.Verifier = (*Verifier)(nil)
	_ note.Signer   = (*Signer)(nil)
)
