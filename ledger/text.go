package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// parseSize reads a tree size or index: decimal, no sign, no leading zero (C2SP tlog-checkpoint).
func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, errors.New("number is not a plain decimal of at most 63 bits")
	}
	return n, nil
}

// parseHash reads a hash in base64, in the one form that encoding it again gives.
func parseHash(s string) (tlog.Hash, error) {
	b, err := decodeBase64(s)
	if err != nil {
		return tlog.Hash{}, err
	}
	if len(b) != tlog.HashSize {
		return tlog.Hash{}, fmt.Errorf("hash has %d bytes, want %d", len(b), tlog.HashSize)
	}
	return tlog.Hash(b), nil
}

// decodeBase64 refuses what encoding/base64 forgives: newlines inside, and stray bits in the last character, which
// would give one receipt many spellings.
func decodeBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(b) != s {
		return nil, errors.New("base64 is not canonical")
	}
	return b, nil
}
