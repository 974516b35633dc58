package sensors

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"plinth"
)

// Credential is what a device signs in with, as hashes: the secret is shown once and kept nowhere. A device uses one
// secret for the broker and for HTTP.
type Credential struct {
	Hash string // SHA-256 of the secret in hex; "" opens nothing
	// Old is the hash of the secret before, which still opens until OldUntil; "" when there is none.
	Old      string
	OldUntil time.Time
}

// Of a credential that is replaced, the old secret may open this long.
const maxGrace = 30 * 24 * time.Hour

func validGrace(d time.Duration) error {
	if d < 0 || d > maxGrace {
		return plinth.Invalid("graceS", "the old credential opens for 0 s to 30 days more")
	}
	return nil
}

// SecretPrefix begins every device's secret, so that one in the wrong place is recognised.
const SecretPrefix = "plinth_dev_"

func newSecret() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make a secret: %w", err)
	}
	return SecretPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)), nil
}

// hash is enough for a secret of 256 random bits: there is nothing to guess.
func hash(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}
