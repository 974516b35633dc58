package ledgertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// Chain keeps the anchor chaincode's rules in memory: a checkpoint must be signed by the registered key and extend the
// head.
type Chain struct {
	Orgs []*Org

	mu     sync.Mutex
	faults []Fault
	keys   map[string]note.Verifier
	heads  map[string]ledger.Checkpoint
	placed map[string]sequencer.Anchored // by key of the checkpoint
	roots  map[string]tlog.Hash
	block  uint64
	calls  map[string]int
}

// Fault is something that goes wrong in one coming call of a method.
type Fault struct {
	Call  string // "Head", "Anchor", "Attest", "RegisterLog"
	After bool   // the call takes effect before it fails, as when an answer is lost
	Err   error
}

// NewChain returns an empty chain of two organisations.
func NewChain() *Chain {
	return &Chain{
		Orgs: []*Org{NewOrg("BureauMSP", "peer"), NewOrg("OverseerMSP", "peer")}, keys: map[string]note.Verifier{},
		heads: map[string]ledger.Checkpoint{}, placed: map[string]sequencer.Anchored{}, roots: map[string]tlog.Hash{},
		block: 3, calls: map[string]int{},
	}
}

// Fail queues faults; each strikes the next call of its method once.
func (c *Chain) Fail(faults ...Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, faults...)
}

// Calls tells how often a method was called.
func (c *Chain) Calls(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[method]
}

// call runs fn under the lock, with the next fault of the method, if any.
func (c *Chain) call(method string, fn func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[method]++
	for i, f := range c.faults {
		if f.Call != method {
			continue
		}
		c.faults = append(c.faults[:i:i], c.faults[i+1:]...)
		if f.After {
			_ = fn()
		}
		return f.Err
	}
	return fn()
}

// RegisterLog implements sequencer.Chain.
func (c *Chain) RegisterLog(_ context.Context, origin, vkey string) error {
	return c.call("RegisterLog", func() error {
		key, err := note.NewVerifier(vkey)
		if err != nil || key.Name() != origin {
			return plinth.Errorf(plinth.ErrConflict, "NOTE: the key is not the origin's")
		}
		if old := c.keys[origin]; old != nil && old.KeyHash() != key.KeyHash() {
			return plinth.Errorf(plinth.ErrConflict, "EXISTS: another key is registered")
		}
		c.keys[origin] = key
		return nil
	})
}

// Head implements sequencer.Chain.
func (c *Chain) Head(_ context.Context, origin string) (size int64, root tlog.Hash, err error) {
	err = c.call("Head", func() error {
		size, root = c.heads[origin].Size, c.heads[origin].Root
		return nil
	})
	return size, root, err
}

// Anchor implements sequencer.Chain.
func (c *Chain) Anchor(_ context.Context, origin string, s sequencer.Submission) (a sequencer.Anchored, err error) {
	err = c.call("Anchor", func() (err error) {
		a, err = c.anchor(origin, s.Note, s.Proof)
		return err
	})
	return a, err
}

func (c *Chain) anchor(origin string, signed []byte, proof tlog.TreeProof) (sequencer.Anchored, error) {
	key := c.keys[origin]
	if key == nil {
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "NOLOG: %s is not registered", origin)
	}
	cp, err := ledger.OpenCheckpoint(signed, key)
	if err != nil {
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "SIG: %w", err)
	}
	head, name := c.heads[origin], ledger.CheckpointKey(origin, cp.Size)
	if at, ok := c.placed[name]; ok && c.roots[name] == cp.Root {
		return at, nil
	}
	if cp.Size <= head.Size {
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "ROLLBACK: the head has size %d", head.Size)
	}
	if head.Size > 0 {
		if err := tlog.CheckTree(proof, cp.Size, cp.Root, head.Size, head.Root); err != nil {
			return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "INCONSISTENT: %w", err)
		}
	}
	c.block++
	tx := sha256.Sum256(bytes.Clone(signed))
	at := sequencer.Anchored{TxID: fmt.Sprintf("%x", tx), Block: c.block}
	c.heads[origin], c.placed[name], c.roots[name] = cp, at, cp.Root
	return at, nil
}

// Attest implements sequencer.Chain.
func (c *Chain) Attest(_ context.Context, origin string, size int64) (a ledger.Attestation, err error) {
	err = c.call("Attest", func() error {
		name := ledger.CheckpointKey(origin, size)
		at, ok := c.placed[name]
		if !ok {
			return plinth.Errorf(plinth.ErrNotFound, "NOTFOUND: no checkpoint of size %d", size)
		}
		a = AnswerFor(ledger.AttestedCheckpoint{Channel: ledger.DefaultChannel, Origin: origin, Size: size,
			Root: c.roots[name], TxID: at.TxID}, at.Block).Attest(c.Orgs...)
		return nil
	})
	return a, err
}

// Height implements sequencer.Chain.
func (c *Chain) Height(context.Context) (h uint64, err error) {
	err = c.call("Height", func() error { h = c.block + 1; return nil })
	return h, err
}

var _ sequencer.Chain = (*Chain)(nil)
