package ledgertest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
	"plinth/ledger/twin"
)

// Chain keeps the anchor chaincode's rules in memory: a checkpoint must be signed by the registered key and extend the
// head.
type Chain struct {
	Orgs []*Org

	mu     sync.Mutex
	faults []Fault
	keys   map[string][]ledger.LogKey
	heads  map[string]ledger.Checkpoint
	placed map[string]sequencer.Anchored // by key of the checkpoint
	roots  map[string]tlog.Hash
	block  uint64
	calls  map[string]int
	cases  cases
}

// Fault is something that goes wrong in one coming call of a method.
type Fault struct {
	Call  string // "Head", "Anchor", "Attest", "RegisterLog", and those of sequencer.StepChain
	After bool   // the call takes effect before it fails, as when an answer is lost
	Err   error
	// Struck is closed when the fault has struck; nil when nobody waits for that.
	Struck chan<- struct{}
}

// NewChain returns an empty chain of two organisations.
func NewChain() *Chain {
	return &Chain{
		Orgs: []*Org{NewOrg("BureauMSP", "peer"), NewOrg("OverseerMSP", "peer")}, keys: map[string][]ledger.LogKey{},
		heads: map[string]ledger.Checkpoint{}, placed: map[string]sequencer.Anchored{}, roots: map[string]tlog.Hash{},
		block: 3, calls: map[string]int{}, cases: newCases(),
	}
}

// Fail queues faults; each strikes the next call of its method once.
func (c *Chain) Fail(faults ...Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, faults...)
}

// Heal takes away the faults that have not struck.
func (c *Chain) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
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
		if f.Struck != nil {
			close(f.Struck)
		}
		return f.Err
	}
	return fn()
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
		a, err = c.anchor(origin, s)
		return err
	})
	return a, err
}

func (c *Chain) anchor(origin string, s sequencer.Submission) (sequencer.Anchored, error) {
	cp, err := c.examine(origin, s.Note, extends(s.Proof))
	if err != nil {
		return sequencer.Anchored{}, err
	}
	both := []ledger.Checkpoint{cp}
	switch {
	case len(c.keys[twin.Origin(origin)]) == 0 && s.TwinNote == nil:
	case len(c.keys[twin.Origin(origin)]) == 0 || s.TwinNote == nil:
		return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "TWIN: the log and its twin do not come together")
	default:
		second, err := c.examine(twin.Origin(origin), s.TwinNote, twinExtends(s.TwinProof))
		if err != nil {
			return sequencer.Anchored{}, err
		}
		if second.Size != cp.Size {
			return sequencer.Anchored{}, plinth.Errorf(plinth.ErrConflict, "TWIN: the twin has size %d, the log %d", second.Size, cp.Size)
		}
		both = append(both, second)
	}
	return c.place(s.Note, both), nil
}

// examine checks a checkpoint's key, and that it is there already or extends the head.
func (c *Chain) examine(origin string, signed []byte, extends func(head, cp ledger.Checkpoint) error) (ledger.Checkpoint, error) {
	cp, err := c.open(origin, signed)
	if err != nil {
		return cp, err
	}
	head, name := c.heads[origin], ledger.CheckpointKey(origin, cp.Size)
	if _, ok := c.placed[name]; ok && c.roots[name] == cp.Root {
		return cp, nil
	}
	if cp.Size <= head.Size {
		return cp, plinth.Errorf(plinth.ErrConflict, "ROLLBACK: the head has size %d", head.Size)
	}
	if head.Size > 0 {
		if err := extends(head, cp); err != nil {
			return cp, plinth.Errorf(plinth.ErrConflict, "INCONSISTENT: %w", err)
		}
	}
	return cp, nil
}

func extends(proof tlog.TreeProof) func(head, cp ledger.Checkpoint) error {
	return func(head, cp ledger.Checkpoint) error {
		return tlog.CheckTree(proof, cp.Size, cp.Root, head.Size, head.Root)
	}
}

// place makes checkpoints the heads, unless the first of them is there already.
func (c *Chain) place(signed []byte, all []ledger.Checkpoint) sequencer.Anchored {
	if at, ok := c.placed[ledger.CheckpointKey(all[0].Origin, all[0].Size)]; ok {
		return at
	}
	c.block++
	at := sequencer.Anchored{TxID: fmt.Sprintf("%x", sha256.Sum256(signed)), Block: c.block}
	for _, cp := range all {
		name := ledger.CheckpointKey(cp.Origin, cp.Size)
		c.heads[cp.Origin], c.placed[name], c.roots[name] = cp, at, cp.Root
	}
	return at
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
