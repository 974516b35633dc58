package ledgertest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
	"plinth/ledger/twin"
)

// RegisterLog implements sequencer.Chain.
func (c *Chain) RegisterLog(_ context.Context, origin, vkey string) error {
	return c.call("RegisterLog", func() error {
		if err := checkKey(origin, vkey); err != nil {
			return err
		}
		if of, is := strings.CutSuffix(origin, twin.Suffix); is && len(c.keys[of]) == 0 {
			return plinth.Errorf(plinth.ErrConflict, "LOG: %s is not registered", of)
		}
		keys := c.keys[origin]
		if len(keys) > 0 && keys[len(keys)-1].VKey != vkey {
			return plinth.Errorf(plinth.ErrConflict, "EXISTS: another key is registered")
		}
		if len(keys) == 0 {
			c.keys[origin] = []ledger.LogKey{{VKey: vkey, TxID: transactionOf(vkey)}}
		}
		return nil
	})
}

func checkKey(origin, vkey string) error {
	key, err := verifier(origin, vkey)
	if err != nil {
		return plinth.Errorf(plinth.ErrConflict, "ARGS: %w", err)
	}
	if key.Name() != origin {
		return plinth.Errorf(plinth.ErrConflict, "LOG: the key is not the origin's")
	}
	return nil
}

// verifier reads a key of the log's kind.
func verifier(origin, vkey string) (note.Verifier, error) {
	if !strings.HasSuffix(origin, twin.Suffix) {
		return note.NewVerifier(vkey)
	}
	key, err := twin.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	return key, nil
}

func transactionOf(what string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(what))) }

// RotateKey implements sequencer.Chain.
func (c *Chain) RotateKey(_ context.Context, origin, newVKey string, proof []byte) (a sequencer.Anchored, err error) {
	err = c.call("RotateKey", func() (err error) {
		a, err = c.rotate(origin, newVKey, proof)
		return err
	})
	return a, err
}

func (c *Chain) rotate(origin, vkey string, proof []byte) (sequencer.Anchored, error) {
	keys := c.keys[origin]
	if len(keys) == 0 {
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "LOG: %s is not registered", origin)
	}
	if len(keys) > 1 && keys[len(keys)-1].VKey == vkey {
		return sequencer.Anchored{TxID: keys[len(keys)-1].TxID, Block: c.block}, nil
	}
	if err := checkKey(origin, vkey); err != nil {
		return sequencer.Anchored{}, err
	}
	for _, k := range keys {
		if k.VKey == vkey {
			return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "EXISTS: the log has had this key")
		}
	}
	if err := c.checkProof(origin, vkey, keys[len(keys)-1].VKey, proof); err != nil {
		return sequencer.Anchored{}, err
	}
	size := c.heads[origin].Size
	if size == 0 {
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "SIZE0: the log has no checkpoint yet")
	}
	c.block++
	keys[len(keys)-1].UntilSize = size
	c.keys[origin] = append(keys, ledger.LogKey{VKey: vkey, FromSize: size + 1, TxID: transactionOf(vkey)})
	return sequencer.Anchored{TxID: transactionOf(vkey), Block: c.block}, nil
}

func (c *Chain) checkProof(origin, vkey, old string, proof []byte) error {
	key, err := verifier(origin, old)
	if err != nil {
		return err
	}
	n, err := note.Open(proof, note.VerifierList(key))
	if err != nil {
		return plinth.Errorf(plinth.ErrConflict, "SIG: %w", err)
	}
	if n.Text != ledger.KeyRotation(origin, vkey) {
		return plinth.Errorf(plinth.ErrConflict, "NOTE: the note does not name this key")
	}
	return nil
}

// LogKeys implements sequencer.Chain.
func (c *Chain) LogKeys(_ context.Context, origin string) (keys []ledger.LogKey, err error) {
	err = c.call("LogKeys", func() error {
		keys = append(keys, c.keys[origin]...)
		if len(keys) == 0 {
			return plinth.Errorf(plinth.ErrConflict, "LOG: %s is not registered", origin)
		}
		return nil
	})
	return keys, err
}

// open reads a checkpoint that must be signed by the key that is the log's at its size.
func (c *Chain) open(origin string, signed []byte) (ledger.Checkpoint, error) {
	err := error(plinth.Errorf(plinth.ErrConflict, "LOG: %s is not registered", origin))
	for _, k := range c.keys[origin] {
		key, keyErr := verifier(origin, k.VKey)
		if keyErr != nil {
			return ledger.Checkpoint{}, keyErr
		}
		cp, openErr := ledger.OpenCheckpoint(signed, key)
		if openErr == nil && k.Signs(cp.Size) {
			return cp, nil
		}
		err = plinth.Errorf(plinth.ErrConflict, "SIG: not signed by the key that is the log's at this size")
	}
	return ledger.Checkpoint{}, err
}

// twinExtends checks a proof of the twin's tree.
func twinExtends(proof [][]byte) func(head, cp ledger.Checkpoint) error {
	return func(head, cp ledger.Checkpoint) error {
		hashes := make([]twin.Hash, len(proof))
		for i, h := range proof {
			if len(h) != len(hashes[i]) {
				return errors.New("a hash of the proof has another length")
			}
			hashes[i] = twin.Hash(h)
		}
		return twin.CheckConsistency(hashes, cp.Size, twin.Hash(cp.Root), head.Size, twin.Hash(head.Root))
	}
}
