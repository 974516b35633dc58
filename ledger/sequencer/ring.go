package sequencer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"plinth/ledger"
)

// ErrUnknownKey means that the chain has another key for a log than any whose file is here: a key that was lost or
// replaced by someone else. Whatever we signed would be refused, so the log does not start.
var ErrUnknownKey = errors.New("the chain does not know the log's key")

// Ring is the keys of one log or twin. The first key is in the file BASE.key, each later one in BASE.KEYHASH.key beside
// it; key files are never moved, changed or removed. Which key signs which sizes is the chain's word, of which
// BASE.ranges keeps a copy for the time when the chain is away. A key whose file is there and that is not in the copy
// is a rotation that began and has not been settled.
type Ring struct {
	Origin    string
	dir, base string

	mu     sync.RWMutex
	secret map[string]string // signer key by verifier key
	known  []ledger.LogKey   // never empty; with TxID once the chain has said it
}

// LoadRing reads the keys of a log from a folder.
func LoadRing(dir, base, origin string) (*Ring, error) {
	r := &Ring{Origin: origin, dir: dir, base: base, secret: map[string]string{}}
	if err := r.reload(); err != nil {
		return nil, err
	}
	return r, nil
}

// reload reads the files again: a rotation may have been made by another process.
func (r *Ring) reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, err := r.read(r.base)
	if err != nil {
		return err
	}
	later, err := filepath.Glob(keyFile(r.dir, r.base+".*"))
	if err != nil {
		return err
	}
	for _, path := range later {
		if _, err := r.read(strings.TrimSuffix(filepath.Base(path), ".key")); err != nil {
			return err
		}
	}
	known, err := r.loadRanges()
	if known == nil {
		known = []ledger.LogKey{{VKey: first}}
	}
	r.known = known
	return err
}

// read takes one key file and returns its verifier key.
func (r *Ring) read(name string) (string, error) {
	skey, err := readKey(r.dir, name)
	if err != nil {
		return "", err
	}
	s, err := newSigner(skey)
	if err != nil || s.Name() != r.Origin {
		return "", fmt.Errorf("ledger keys: the key in %s is not one of the log %s", keyFile(r.dir, name), r.Origin)
	}
	vkey, err := VerifierKey(skey)
	r.secret[vkey] = skey
	return vkey, err
}

func (r *Ring) rangesFile() string { return filepath.Join(r.dir, r.base+".ranges") }

func (r *Ring) loadRanges() ([]ledger.LogKey, error) {
	b, err := os.ReadFile(r.rangesFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var known []ledger.LogKey
	if err == nil {
		err = json.Unmarshal(b, &known)
	}
	if err == nil && len(known) == 0 {
		err = errors.New("it names no key")
	}
	if err != nil {
		return nil, fmt.Errorf("ledger keys: %s: %w; without it the chain is asked again", r.rangesFile(), err)
	}
	return known, nil
}

// Known returns the keys that the log has had, oldest first, as far as is known here.
func (r *Ring) Known() []ledger.LogKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.known)
}

func (r *Ring) newest() string {
	known := r.Known()
	return known[len(known)-1].VKey
}

// Signing returns the keys with which the log signs. A retired key may be missing: what it signed is signed for good.
func (r *Ring) Signing() ([]SigningKey, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.signing(r.known)
}

func (r *Ring) signing(known []ledger.LogKey) (out []SigningKey, err error) {
	for i, k := range known {
		skey, ok := r.secret[k.VKey]
		if ok {
			out = append(out, SigningKey{Key: skey, From: k.FromSize, Until: k.UntilSize})
		} else if i == len(known)-1 {
			return nil, fmt.Errorf("%w: %s is signed by %s, whose file is not in %s", ErrUnknownKey, r.Origin, k.VKey, r.dir)
		}
	}
	return out, nil
}

// learn keeps what the chain says of the keys, if the newest of them is here, and tells whether it was news.
func (r *Ring) learn(known []ledger.LogKey) (bool, error) {
	if slices.Equal(known, r.Known()) {
		return false, nil
	}
	if err := r.reload(); err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.signing(known); err != nil {
		return false, err
	}
	b, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		return false, err
	}
	if err := writeSecret(r.rangesFile(), append(b, '\n')); err != nil {
		return false, fmt.Errorf("ledger keys: %w", err)
	}
	r.known = known
	return true, nil
}

// successor returns the key of a rotation that has begun and is not settled, or begins one: its key's file is durable
// before anyone hears of the key.
func (r *Ring) successor() (vkey string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for vkey := range r.secret {
		if !slices.ContainsFunc(r.known, func(k ledger.LogKey) bool { return k.VKey == vkey }) {
			return vkey, nil
		}
	}
	skey, vkey, err := generateKey(r.Origin)
	if err != nil {
		return "", err
	}
	hash := strings.Split(strings.TrimPrefix(vkey, r.Origin+"+"), "+")[0]
	if err := writeKey(r.dir, r.base+"."+hash, skey); err != nil {
		return "", fmt.Errorf("ledger keys: %w", err)
	}
	r.secret[vkey] = skey
	return vkey, nil
}
