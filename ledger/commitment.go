package ledger

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Tag stands for a subject in an entry: the first half of HMAC-SHA-256(tenant key, subject). It lets the key's holder
// find a subject's entries and tells nothing to others. It is a search word, not a proof: the proof is the commitment.
type Tag [16]byte

// Commitment is HMAC-SHA-256(salt, payload). Without the salt nobody can test a guess of the payload.
type Commitment [sha256.Size]byte

// SaltSize is the length of a salt. It is fixed because HMAC pads short keys with zeros, which would let one
// commitment open with several salts.
const SaltSize = 32

// SubjectTag returns the subject's tag under the tenant's key.
func SubjectTag(tenantKey []byte, subject string) Tag {
	m := hmac.New(sha256.New, tenantKey)
	m.Write([]byte(subject))
	return Tag(m.Sum(nil))
}

// Commit commits to the payload's bytes as they are stored.
func Commit(salt, payload []byte) Commitment {
	m := hmac.New(sha256.New, salt)
	m.Write(payload)
	return Commitment(m.Sum(nil))
}

// Opens tells whether the commitment is one to this payload: to its bytes, or to its fields as a Document. The two
// kinds cannot pass as each other.
func (c Commitment) Opens(salt, payload []byte) error {
	if len(salt) != SaltSize {
		return fmt.Errorf("salt has %d bytes, want %d", len(salt), SaltSize)
	}
	if got := Commit(salt, payload); hmac.Equal(got[:], c[:]) {
		return nil
	}
	if d, err := ParseDocument(payload); err == nil {
		if got, err := DocumentCommit(salt, d); err == nil && got == c {
			return nil
		}
	}
	return errors.New("the payload is not the one that the entry commits to")
}

// SubjectKey derives one subject's key from the master, as it was before subjects had random keys of their own that
// can be destroyed one by one.
func SubjectKey(master []byte, subject string) ([]byte, error) {
	return hkdf.Key(sha256.New, master, nil, "plinth subject key v1\x00"+subject, SaltSize)
}

// Salt derives the salt of one record's payload from its subject's key.
func Salt(subjectKey []byte, record uuid.UUID) ([]byte, error) {
	return hkdf.Key(sha256.New, subjectKey, nil, "plinth payload salt v1\x00"+string(record[:]), SaltSize)
}
