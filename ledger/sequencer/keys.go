package sequencer

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/twin"
)

// Keys are the secrets of the logs. Losing the log keys ends the logs; losing the others leaves them valid, but
// payloads can no longer be shown to be what was committed to.
type Keys struct {
	Logs   map[ledger.Origin]*Ring // the keys that sign each log
	Twins  map[ledger.Origin]*Ring // and its twin; see OpenTwins
	Tenant []byte                  // subjects' tags
	Salts  []byte                  // payloads' salts derive from it
}

// Origins are the logs of a deployment, in the order in which they are shown.
var Origins = []ledger.Origin{ledger.Authz, ledger.Device}

// LoadKeys reads the keys in dir, each in a file that only its owner may read, in a folder that only its owner may
// enter. On the first start, when the folder is not there, it makes them. A folder in which a key is missing is an
// error: a new key would be a new log.
func LoadKeys(dir, name string) (Keys, error) {
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = makeKeys(dir, name)
	}
	if err != nil {
		return Keys{}, fmt.Errorf("ledger keys: %w", err)
	}
	if err := checkKeyFolder(dir); err != nil {
		return Keys{}, err
	}
	k := Keys{Logs: map[ledger.Origin]*Ring{}, Twins: map[ledger.Origin]*Ring{}}
	for _, o := range Origins {
		if k.Logs[o], err = LoadRing(dir, string(o), OriginLine(name, o)); err != nil {
			return Keys{}, err
		}
	}
	if k.Tenant, err = readSecret(dir, "tenant"); err != nil {
		return Keys{}, err
	}
	k.Salts, err = readSecret(dir, "salts")
	return k, err
}

func checkKeyFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("ledger keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("ledger keys: others may enter %s, want mode 0700", dir)
	}
	return nil
}

// OpenTwins reads the keys of the twins, and makes those that are not there: a twin is turned on by configuration, long
// after its log began. A key that is made although the chain knows one already is refused when the chain is asked.
func (k *Keys) OpenTwins(dir, name string) error {
	for _, o := range Origins {
		base, origin := string(o)+"-sm3", twin.Origin(OriginLine(name, o))
		if _, err := os.Stat(keyFile(dir, base)); errors.Is(err, fs.ErrNotExist) {
			if err := makeKey(dir, base, origin); err != nil {
				return fmt.Errorf("ledger keys: %w", err)
			}
		}
		var err error
		if k.Twins[o], err = LoadRing(dir, base, origin); err != nil {
			return err
		}
	}
	return nil
}

// OriginLine returns the first line of a log's checkpoints.
func OriginLine(name string, o ledger.Origin) string { return name + "/" + string(o) }

// makeKeys fills a folder beside dir and puts it in place whole, so that a crash leaves all keys or none.
func makeKeys(dir, name string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "keys-new-")
	if err != nil {
		return err
	}
	for _, o := range Origins {
		if err := makeKey(tmp, string(o), OriginLine(name, o)); err != nil {
			return err
		}
	}
	for _, n := range []string{"tenant", "salts"} {
		b := make([]byte, 32)
		rand.Read(b)
		if err := writeKey(tmp, n, hex.EncodeToString(b)); err != nil {
			return err
		}
	}
	if err := errors.Join(syncDir(tmp), os.Rename(tmp, dir)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// makeKey makes a signing key of an origin's kind and puts it into a file of its own, whole or not at all.
func makeKey(dir, base, origin string) error {
	skey, _, err := generateKey(origin)
	if err != nil {
		return err
	}
	return writeKey(dir, base, skey)
}

// generateKey makes an SM2 key for a twin and an Ed25519 key for a log.
func generateKey(origin string) (skey, vkey string, err error) {
	if strings.HasSuffix(origin, twin.Suffix) {
		return twin.GenerateKey(rand.Reader, origin)
	}
	return note.GenerateKey(rand.Reader, origin)
}

func keyFile(dir, name string) string { return filepath.Join(dir, name+".key") }

// writeKey writes beside the place and renames, so that a crash leaves a whole key or none.
func writeKey(dir, name, text string) error {
	path := keyFile(dir, name)
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s is there already", path)
	}
	return writeSecret(path, []byte(text+"\n"))
}

func writeSecret(path string, b []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func readKey(dir, name string) (string, error) {
	path := keyFile(dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("ledger keys: %w; restore it from the backup, a new one would begin a new log", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("ledger keys: others may read %s, want mode 0600", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("ledger keys: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func readSecret(dir, name string) ([]byte, error) {
	text, err := readKey(dir, name)
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		return nil, fmt.Errorf("ledger keys: %s is not 32 bytes in hex", keyFile(dir, name))
	}
	return b, nil
}

// VerifierKey returns the public half of a signer key, Ed25519 (C2SP signed-note) or SM2.
func VerifierKey(skey string) (string, error) {
	if s, err := twin.NewSigner(skey); err == nil {
		return s.VerifierKey(), nil
	}
	parts := strings.SplitN(skey, "+", 5)
	if len(parts) != 5 || parts[0] != "PRIVATE" || parts[1] != "KEY" {
		return "", errors.New("log key: not a signer key")
	}
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return "", errors.New("log key: neither an Ed25519 nor an SM2 signer key")
	}
	key := ed25519.NewKeyFromSeed(seed[1:]) // the first byte names the algorithm; NewSigner has checked it
	return note.NewEd25519VerifierKey(parts[2], key.Public().(ed25519.PublicKey))
}

// errShredded is told to who asks for what was erased.
var errShredded = errors.New("the payload was shredded with its subject's key")

// Salt returns the salt of one record's payload: the one that the store gave with it, or one that derives from the
// deployment's key, as for records from before subjects had keys.
func (k Keys) Salt(r ledger.Record) ([]byte, error) {
	if r.Shredded {
		return nil, plinth.Errorf(plinth.ErrNotFound, "%w", errShredded)
	}
	if r.Salt != nil {
		return r.Salt, nil
	}
	subject, err := ledger.SubjectKey(k.Salts, r.Subject)
	if err != nil {
		return nil, err
	}
	return ledger.Salt(subject, r.ID)
}
