package sequencer

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/twin"
)

// anchor has the newest checkpoint anchored and attested, if there is something new. Each call begins by reading the
// head on the chain, so that whatever became of the call before needs no memory: what is on the chain and not yet
// attested here is attested, what is not there is submitted.
func (s *Sequencer) anchor(ctx context.Context, n *line) error {
	own, _ := n.log.Checkpoint()
	if own.Size == 0 {
		return nil
	}
	done, err := s.store.Newest(ctx, n.origin)
	if err != nil {
		return fmt.Errorf("read the newest anchor: %w", err)
	}
	if done.Size == own.Size {
		return nil
	}
	head, err := s.guardHead(ctx, n)
	if err != nil {
		return err
	}
	if head.Size > done.Size {
		if err := s.attest(ctx, n, head.Size); err != nil {
			return err
		}
	}
	if head.Size == own.Size {
		return nil
	}
	if err := s.submit(ctx, n, own.Size); err != nil {
		return err
	}
	return s.attest(ctx, n, own.Size)
}

// submit has the chain accept a checkpoint after its head. When it refuses, the keys may have been rotated: they are
// asked for again before the next try.
func (s *Sequencer) submit(ctx context.Context, n *line, size int64) error {
	if !n.settled {
		if err := s.settleKeys(ctx, n); err != nil {
			return err
		}
	}
	err := s.register(ctx, n)
	if err == nil {
		err = s.send(ctx, n, size)
	}
	if errors.Is(err, plinth.ErrConflict) {
		n.settled = false
	}
	return err
}

// register makes log and twin known to the chain, once per process.
func (s *Sequencer) register(ctx context.Context, n *line) error {
	if n.registered {
		return nil
	}
	for _, r := range n.rings() {
		if err := s.chain.RegisterLog(ctx, r.Origin, r.newest()); err != nil {
			return fmt.Errorf("register %s on the chain: %w", r.Origin, err)
		}
	}
	n.registered = true
	return nil
}

// send submits the checkpoint of a size, and the twin's with it.
func (s *Sequencer) send(ctx context.Context, n *line, size int64) error {
	var out Submission
	var err error
	if out.Note, out.Proof, err = s.extending(ctx, n.log, n.log.main, size); err != nil {
		return err
	}
	if n.log.HasTwin() {
		var proof []tlog.Hash
		if out.TwinNote, proof, err = s.extending(ctx, n.log, n.log.twin, size); err != nil {
			return err
		}
		for _, h := range proof {
			out.TwinProof = append(out.TwinProof, h[:])
		}
	}
	if err := s.reached("submitting"); err != nil {
		return err
	}
	if _, err := s.chain.Anchor(ctx, n.log.Origin(), out); err != nil {
		return fmt.Errorf("anchor %s at %d: %w", n.log.Origin(), size, err)
	}
	return s.reached("submitted")
}

// extending returns a side's checkpoint of a size and the proof that it extends the side's head on the chain.
func (s *Sequencer) extending(ctx context.Context, l *Log, of *side, size int64) ([]byte, []tlog.Hash, error) {
	head, _, err := s.chain.Head(ctx, of.origin)
	if err != nil {
		return nil, nil, fmt.Errorf("read the head of %s on the chain: %w", of.origin, err)
	}
	_, signed, err := l.noteAt(of, size)
	if err != nil {
		return nil, nil, err
	}
	proof, err := of.proveTree(size, head, l.size())
	return signed, proof, err
}

// attest fetches the organisations' word on an anchored checkpoint, checks it as an auditor will, and keeps it. The
// twin's is kept first: a receipt is released when the log's is there, and then has both.
func (s *Sequencer) attest(ctx context.Context, n *line, size int64) error {
	if n.log.HasTwin() {
		head, _, err := s.chain.Head(ctx, n.log.twin.origin)
		if err != nil {
			return fmt.Errorf("read the head of %s on the chain: %w", n.log.twin.origin, err)
		}
		if head >= size { // else the twin was turned on after this checkpoint was anchored
			if err := s.attestSide(ctx, n, n.log.twin, TwinOf(n.origin), size); err != nil {
				return err
			}
		}
	}
	return s.attestSide(ctx, n, n.log.main, n.origin, size)
}

// TwinOf names a log's twin where anchors are kept.
func TwinOf(o ledger.Origin) ledger.Origin { return ledger.Origin(twin.Origin(string(o))) }

func (s *Sequencer) attestSide(ctx context.Context, n *line, of *side, kept ledger.Origin, size int64) error {
	c, signed, err := n.log.noteAt(of, size)
	if err != nil {
		return err
	}
	a, err := s.chain.Attest(ctx, of.origin, size)
	if err != nil {
		return fmt.Errorf("attest %s at %d: %w", of.origin, size, err)
	}
	place, err := ledger.VerifyAttestation(a, c, s.trust())
	if err != nil {
		return fmt.Errorf("attest %s at %d: the answer does not hold: %w", of.origin, size, err)
	}
	if err := s.reached("attested"); err != nil {
		return err
	}
	anchor := Anchor{Checkpoint: c, Note: signed, Attestation: a, Place: place, At: s.now()}
	if err := s.store.SaveAnchor(ctx, kept, anchor); err != nil {
		return fmt.Errorf("keep the anchor of %s at %d: %w", of.origin, size, err)
	}
	s.log.DebugContext(ctx, "checkpoint anchored", "origin", of.origin, "size", size, "tx", place.TxID,
		"block", place.Block)
	return s.reached("kept")
}

// guardHead reads the head on the chain and refuses when the log does not extend it.
func (s *Sequencer) guardHead(ctx context.Context, n *line) (ledger.Checkpoint, error) {
	size, root, err := s.chain.Head(ctx, n.log.Origin())
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("read the head of %s on the chain: %w", n.log.Origin(), err)
	}
	head := ledger.Checkpoint{Origin: n.log.Origin(), Size: size, Root: root}
	return head, n.guard(head, "the chain")
}

// guardAnchored refuses when the log does not extend what the organisations attested before; it needs no chain.
func (s *Sequencer) guardAnchored(ctx context.Context, n *line) error {
	a, err := s.store.Newest(ctx, n.origin)
	if err != nil {
		return fmt.Errorf("read the newest anchor: %w", err)
	}
	return n.guard(a.Checkpoint, "an attestation")
}

// errNotAnchored is told to who asks for a receipt too early: a receipt never needs a later upgrade.
var errNotAnchored = errors.New("the record is not anchored yet, its receipt will be there within seconds")
