package postgres

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"plinth/ledger"
)

// vault wraps subjects' keys under the deployment's master key: AES-256-GCM with random nonces.
type vault struct{ master cipher.AEAD }

// OpenVault makes db encrypt the payloads of records under their subjects' keys, and these under the master key in the
// file. On the first start the file is made; when it is missing later, or is another's, that is an error: without it
// no payload can be read. A DB without a vault keeps payloads in clear, as tests do; it cannot read encrypted ones.
func (db *DB) OpenVault(ctx context.Context, path string) error {
	var subject string
	var epoch int
	var wrapped []byte
	err := db.QueryRow(ctx, `SELECT subject, epoch, key FROM subject_key WHERE key IS NOT NULL LIMIT 1`).
		Scan(&subject, &epoch, &wrapped)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read a subject's key: %w", translate(err))
	}
	key, err := masterKey(path, wrapped == nil)
	if err != nil {
		return fmt.Errorf("master key of subjects' keys: %w", err)
	}
	v := &vault{master: gcm(key)}
	if wrapped != nil {
		if _, err := v.unwrap(subject, epoch, wrapped); err != nil {
			return fmt.Errorf("master key of subjects' keys: %s is not the one of this database: %w", path, err)
		}
	}
	db.vault = v
	return nil
}

// masterKey reads the file, which only its owner may read, or makes it on the first start.
func masterKey(path string, first bool) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && first {
		if err := makeMasterKey(path); err != nil {
			return nil, err
		}
		info, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; restore it from the backup, payloads cannot be read without it", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others may read %s, want mode 0600", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s is not 32 bytes in hex", path)
	}
	return key, nil
}

func makeMasterKey(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(hex.EncodeToString(random(32)) + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return b
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // all keys here have 32 bytes
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES blocks always fit
	}
	return a
}

// sealed is nonce and ciphertext.
func sealed(a cipher.AEAD, plain, context []byte) []byte {
	nonce := random(a.NonceSize())
	return a.Seal(nonce, nonce, plain, context)
}

func opened(a cipher.AEAD, b, context []byte) ([]byte, error) {
	if len(b) < a.NonceSize() {
		return nil, errors.New("ciphertext is too short")
	}
	return a.Open(nil, b[:a.NonceSize()], b[a.NonceSize():], context)
}

func keyContext(subject string, epoch int) []byte {
	return fmt.Appendf(nil, "%d\x00%s", epoch, subject)
}

func (v *vault) wrap(subject string, epoch int, key []byte) []byte {
	return sealed(v.master, key, keyContext(subject, epoch))
}

func (v *vault) unwrap(subject string, epoch int, wrapped []byte) ([]byte, error) {
	return opened(v.master, wrapped, keyContext(subject, epoch))
}

// payloadCipher is the cipher of a subject's payloads; salts derive from the same key under another label.
func payloadCipher(subjectKey []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, subjectKey, nil, "plinth payload key v1", 32)
	if err != nil {
		return nil, err
	}
	return gcm(key), nil
}

// lockSubject holds off the destruction of a subject's key until the transaction ends; with exclusive, all use of it.
func lockSubject(ctx context.Context, tx pgx.Tx, subject string, exclusive bool) error {
	lock := `SELECT pg_advisory_xact_lock_shared(7164653, hashtext($1))`
	if exclusive {
		lock = `SELECT pg_advisory_xact_lock(7164653, hashtext($1))`
	}
	if _, err := tx.Exec(ctx, lock, subject); err != nil {
		return fmt.Errorf("lock subject: %w", err)
	}
	return nil
}

// encrypt returns a record's payload as it is stored, and the epoch of the key.
func (db *DB) encrypt(ctx context.Context, tx pgx.Tx, r ledger.Record) (payload []byte, epoch int, err error) {
	if db.vault == nil {
		return r.Payload, 0, nil
	}
	if err := lockSubject(ctx, tx, r.Subject, false); err != nil {
		return nil, 0, err
	}
	key, epoch, err := db.vault.keyOf(ctx, tx, r.Subject)
	if err != nil {
		return nil, 0, fmt.Errorf("key of the subject: %w", err)
	}
	a, err := payloadCipher(key)
	if err != nil {
		return nil, 0, err
	}
	return sealed(a, r.Payload, r.ID[:]), epoch, nil
}

// keyOf returns a subject's live key, which it makes when there is none.
func (v *vault) keyOf(ctx context.Context, tx pgx.Tx, subject string) (key []byte, epoch int, err error) {
	for range 2 { // of two that make the first key at once, one finds the other's
		var wrapped []byte
		err = tx.QueryRow(ctx, `SELECT epoch, key FROM subject_key WHERE subject = $1 AND key IS NOT NULL`, subject).
			Scan(&epoch, &wrapped)
		if err == nil {
			key, err = v.unwrap(subject, epoch, wrapped)
			return key, epoch, err
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return nil, 0, err
		}
		if err = tx.QueryRow(ctx, `SELECT coalesce(max(epoch), 0) + 1 FROM subject_key WHERE subject = $1`, subject).Scan(&epoch); err != nil {
			return nil, 0, err
		}
		if _, err = tx.Exec(ctx, `INSERT INTO subject_key (subject, epoch, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			subject, epoch, v.wrap(subject, epoch, random(32))); err != nil {
			return nil, 0, err
		}
	}
	return nil, 0, errors.New("neither found nor made")
}

// decrypt opens what a record's row holds and adds the salt; a payload whose key was destroyed is marked as shredded.
func (db *DB) decrypt(r *ledger.Record, epoch int, wrapped []byte) error {
	switch {
	case epoch == 0:
		return nil
	case wrapped == nil:
		r.Payload, r.Shredded = nil, true
		return nil
	case db.vault == nil:
		return errors.New("the payload is encrypted and there is no master key")
	}
	key, err := db.vault.unwrap(r.Subject, epoch, wrapped)
	if err != nil {
		return fmt.Errorf("key of the subject: %w", err)
	}
	a, err := payloadCipher(key)
	if err != nil {
		return err
	}
	if r.Payload, err = opened(a, r.Payload, r.ID[:]); err != nil {
		return fmt.Errorf("payload of record %s: %w", r.ID, err)
	}
	if r.Payload == nil {
		r.Payload = []byte{}
	}
	r.Salt, err = ledger.Salt(key, r.ID)
	return err
}
