package sequencer

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"plinth/ledger"
	"plinth/ledger/twin"
)

// SigningKey is one key of a log and the sizes of the checkpoints that it signs.
type SigningKey struct {
	Key   string // C2SP signed-note signer key, Ed25519 or, for a twin, SM2
	From  int64  // the least size
	Until int64  // the greatest size; 0 while it is the newest
}

// signers are the keys that a log has had, from the first to the one that signs now.
type signers []signer

type signer struct {
	note.Signer
	verifier    note.Verifier
	from, until int64
}

func newSigners(keys []SigningKey) (signers, error) {
	if len(keys) == 0 {
		return nil, errors.New("log key: there is none")
	}
	var out signers
	for _, k := range keys {
		s, err := newSigner(k.Key)
		if err != nil {
			return nil, err
		}
		s.from, s.until = k.From, k.Until
		if out = append(out, s); s.Name() != out[0].Name() {
			return nil, fmt.Errorf("log key: one is named %s, another %s", out[0].Name(), s.Name())
		}
	}
	return out, nil
}

func newSigner(skey string) (signer, error) {
	if s, err := twin.NewSigner(skey); err == nil {
		return signer{Signer: s, verifier: &s.Verifier}, nil
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		return signer{}, fmt.Errorf("log key: %w", err)
	}
	vkey, err := VerifierKey(skey)
	if err != nil {
		return signer{}, err
	}
	v, err := note.NewVerifier(vkey)
	return signer{Signer: s, verifier: v}, err
}

// at returns the key that signs checkpoints of a size.
func (s signers) at(size int64) (note.Signer, error) {
	for i := len(s) - 1; i >= 0; i-- {
		if size >= s[i].from && (s[i].until == 0 || size <= s[i].until) {
			return s[i].Signer, nil
		}
	}
	return nil, fmt.Errorf("no key of %s signs size %d", s[0].Name(), size)
}

// open reads a checkpoint that one of the keys signed. Between a rotation and the next anchor the newest checkpoint may
// still be signed by the retired key, for a size that is no longer its; it is signed again before it is anchored.
func (s signers) open(signed []byte) (c ledger.Checkpoint, err error) {
	for i := len(s) - 1; i >= 0; i-- {
		if c, err = ledger.OpenCheckpoint(signed, s[i].verifier); err == nil {
			return c, nil
		}
	}
	return ledger.Checkpoint{}, err
}
