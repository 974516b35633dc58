package ledger

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/google/uuid"

	"plinth"
)

// codeBytes is how much of the hash a short code shows: 80 bits, so that among 10^9 records the chance that any two
// share a code is below 10^-6.
const codeBytes = 10

// crockford is the base32 of Douglas Crockford: no I, L, O or U, so that a code can be read out and typed.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// ShortCode returns the code that stands for a record on paper and in a QR: the first 80 bits of SHA-256 of its id, as
// four groups of four signs, e.g. "7F3K-09QX-ZT4M-P2HA". It finds a record and proves nothing.
func ShortCode(id uuid.UUID) string {
	sum := sha256.Sum256(id[:])
	s := crockford.EncodeToString(sum[:codeBytes])
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
}

// ParseShortCode returns the code as ShortCode writes it. Case does not matter, dashes and blanks may be missing, and
// the letters that people take for digits are read as these: o as 0, i and l as 1.
func ParseShortCode(s string) (string, error) {
	if len(s) > 64 {
		return "", plinth.Invalid("code", "must be 16 letters and digits")
	}
	s = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
	b, err := crockford.DecodeString(s)
	if err != nil || len(s) != 16 || len(b) != codeBytes { // the decoder passes over line ends
		return "", plinth.Invalid("code", "must be 16 letters and digits")
	}
	s = crockford.EncodeToString(b)
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16], nil
}

// ShortCodeBytes returns the bytes of the hash that a code shows, for looking it up.
func ShortCodeBytes(code string) ([]byte, error) {
	code, err := ParseShortCode(code)
	if err != nil {
		return nil, err
	}
	return crockford.DecodeString(strings.ReplaceAll(code, "-", ""))
}
