package ledger

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"plinth/ledger/twin"
)

// String returns the key as trust files and flags have it: the verifier key, and behind a space the sizes that it signs
// when these are not all: "putuo.plinth/authz+0123abcd+AbC… 1-4096", "… 4097-".
func (k LogKey) String() string {
	switch {
	case k.UntilSize > 0:
		return fmt.Sprintf("%s %d-%d", k.VKey, k.FromSize, k.UntilSize)
	case k.FromSize > 0:
		return fmt.Sprintf("%s %d-", k.VKey, k.FromSize)
	}
	return k.VKey
}

// ParseLogKey reads the text that String writes. A key without sizes signs all of them.
func ParseLogKey(text string) (k LogKey, err error) {
	vkey, sizes, ranged := strings.Cut(text, " ")
	k.VKey = vkey
	if _, err := k.verifier(); err != nil {
		return LogKey{}, err
	}
	if strings.ContainsAny(vkey, "\r\n") { // which encoding/base64 forgives
		return LogKey{}, errors.New("a key is one line")
	}
	if !ranged {
		return k, nil
	}
	from, until, _ := strings.Cut(sizes, "-")
	if k.FromSize, err = parseSize(from); err == nil && until != "" {
		k.UntilSize, err = parseSize(until)
	}
	if err != nil || k.String() != text || k.UntilSize != 0 && k.UntilSize < k.FromSize {
		return LogKey{}, errors.New("want the sizes that a key signs behind it, as 1-4096 or 4097-")
	}
	return k, nil
}

// verifier returns what checks the key's signatures: Ed25519 as in C2SP signed-note, or a twin's SM2.
func (k LogKey) verifier() (note.Verifier, error) {
	if v, err := twin.NewVerifier(k.VKey); err == nil {
		return v, nil
	}
	return note.NewVerifier(k.VKey)
}

// trustedKey is a log's key that the policy names, ready for use.
type trustedKey struct {
	LogKey
	note.Verifier
}

func trustedKeys(texts []string) ([]trustedKey, error) {
	var out []trustedKey
	for _, text := range texts {
		k, err := ParseLogKey(text)
		if err != nil {
			return nil, fmt.Errorf("log key %q: %w", text, err)
		}
		v, err := k.verifier()
		if err != nil {
			return nil, fmt.Errorf("log key %q: %w", text, err)
		}
		if _, second := v.(*twin.Verifier); second != strings.HasSuffix(v.Name(), twin.Suffix) {
			return nil, fmt.Errorf("log key %q: twins sign with SM2, and no other log does", text)
		}
		out = append(out, trustedKey{k, v})
	}
	return out, nil
}

// keysOf returns the keys of a checkpoint's log, and those among them that sign its size. A key that was retired at an
// earlier size may have been stolen since.
func keysOf(keys []trustedKey, c Checkpoint) (all, valid []note.Verifier) {
	for _, k := range keys {
		if k.Name() != c.Origin {
			continue
		}
		all = append(all, k.Verifier)
		if k.Signs(c.Size) {
			valid = append(valid, k.Verifier)
		}
	}
	return all, valid
}
