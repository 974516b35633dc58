package security

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// The prefixes tell a session's token from an API token, for people and for scanners of leaked secrets.
const (
	sessionPrefix = "pls_"
	tokenPrefix   = "plt_"
)

const secretLength = 32

// newSecret makes a bearer of 256 random bits and the hash that is kept of it. A fast hash is right here: the secret
// cannot be guessed.
func newSecret(prefix string) (secret string, hash [32]byte) {
	b := make([]byte, secretLength)
	_, _ = rand.Read(b) // crypto/rand.Read does not fail
	secret = prefix + base64.RawURLEncoding.EncodeToString(b)
	return secret, sha256.Sum256([]byte(secret))
}

// parseBearer returns the hash of a well-formed bearer and its prefix; ok is false for anything that we cannot have
// made, which then never reaches the database.
func parseBearer(bearer string) (prefix string, hash [32]byte, ok bool) {
	for _, p := range []string{sessionPrefix, tokenPrefix} {
		rest, found := strings.CutPrefix(bearer, p)
		if !found || len(rest) != base64.RawURLEncoding.EncodedLen(secretLength) {
			continue
		}
		raw, err := base64.RawURLEncoding.Strict().DecodeString(rest)
		if err == nil && len(raw) == secretLength {
			return p, sha256.Sum256([]byte(bearer)), true
		}
	}
	return "", hash, false
}
