package security

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"plinth"
)

// The cost of a new hash (argon2id, RFC 9106; OWASP's parameters for 19 MiB). Each hash names its own, so these may
// grow without locking anybody out.
const (
	hashMemory  = 19 * 1024 // KiB
	hashTime    = 2
	hashThreads = 1
	hashLength  = 32
	saltLength  = 16
)

// hashing bounds the memory that concurrent sign-ins can take: four hashes of 19 MiB.
var hashing = make(chan struct{}, 4)

// CheckPassword is the rule for a new password: length alone (NIST SP 800-63B §3.1.1).
func CheckPassword(field, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < 12:
		return plinth.Invalid(field, "must have at least 12 characters")
	case len(password) > 256:
		return plinth.Invalid(field, "must have at most 256 bytes")
	}
	return nil
}

// hashPassword makes the PHC string of a password with a fresh salt.
func hashPassword(password string) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // crypto/rand.Read does not fail
	h := phc{memory: hashMemory, time: hashTime, threads: hashThreads, salt: salt}
	h.sum = h.derive(password, hashLength)
	return h.String()
}

// decoy is checked against when the login is unknown, so that an answer takes as long as for a known one.
var decoy = hashPassword("a password that nobody has")

// passwordMatches compares in constant time. stale tells that the hash should be made again with today's cost.
func passwordMatches(hash, password string) (ok, stale bool) {
	h, err := parsePHC(hash)
	if err != nil || len(password) > 256 {
		return false, false
	}
	ok = subtle.ConstantTimeCompare(h.derive(password, uint32(len(h.sum))), h.sum) == 1
	return ok, h.memory != hashMemory || h.time != hashTime || h.threads != hashThreads
}

// phc is a password hash with its parameters.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, sum    []byte
}

func (h phc) derive(password string, length uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, length)
}

func (h phc) String() string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.threads,
		b.EncodeToString(h.salt), b.EncodeToString(h.sum))
}

// parsePHC reads a hash and refuses costs that would hurt us.
func parsePHC(s string) (phc, error) {
	var h phc
	var version int
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" {
		return h, fmt.Errorf("not an argon2id hash")
	}
	if _, err := fmt.Sscanf(part[2], "v=%d", &version); err != nil || version != argon2.Version {
		return h, fmt.Errorf("argon2 version of the hash")
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, fmt.Errorf("argon2 parameters of the hash: %w", err)
	}
	if h.memory < 8 || h.memory > 1<<20 || h.time < 1 || h.time > 64 || h.threads < 1 {
		return h, fmt.Errorf("argon2 parameters of the hash are out of range")
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(part[4]); err != nil || len(h.salt) < 8 {
		return h, fmt.Errorf("salt of the hash")
	}
	if h.sum, err = base64.RawStdEncoding.DecodeString(part[5]); err != nil || len(h.sum) < 16 || len(h.sum) > 64 {
		return h, fmt.Errorf("sum of the hash")
	}
	return h, nil
}
