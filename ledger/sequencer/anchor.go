package sequencer

import (
	"context"
	"errors"
	"fmt"

	"plinth/ledger"
)

// anchor has the newest checkpoint anchored and attested, if there is something new. Each call begins by reading the
// head on the chain, so that whatever became of the call before needs no memory: what is on the chain and not yet
// attested here is attested, what is not there is submitted.
func (s *Sequencer) anchor(ctx context.Context, n *line) error {
	own, signed := n.log.Checkpoint()
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
	if err := s.submit(ctx, n, signed, head.Size, own.Size); err != nil {
		return err
	}
	return s.attest(ctx, n, own.Size)
}

// submit has the chain accept a checkpoint after its head.
func (s *Sequencer) submit(ctx context.Context, n *line, signed []byte, head, size int64) error {
	if !n.registered {
		if err := s.chain.RegisterLog(ctx, n.log.Origin(), n.vkey); err != nil {
			return fmt.Errorf("register %s on the chain: %w", n.log.Origin(), err)
		}
		n.registered = true
	}
	proof, err := n.log.ProveTree(size, head)
	if err != nil {
		return err
	}
	if _, err := s.chain.Anchor(ctx, n.log.Origin(), Submission{Note: signed, Proof: proof}); err != nil {
		return fmt.Errorf("anchor %s at %d: %w", n.log.Origin(), size, err)
	}
	return nil
}

// attest fetches the organisations' word on an anchored checkpoint, checks it as an auditor will, and keeps it.
func (s *Sequencer) attest(ctx context.Context, n *line, size int64) error {
	c, signed, err := n.log.NoteAt(size)
	if err != nil {
		return err
	}
	a, err := s.chain.Attest(ctx, n.log.Origin(), size)
	if err != nil {
		return fmt.Errorf("attest %s at %d: %w", n.log.Origin(), size, err)
	}
	place, err := ledger.VerifyAttestation(a, c, s.trust())
	if err != nil {
		return fmt.Errorf("attest %s at %d: the answer does not hold: %w", n.log.Origin(), size, err)
	}
	anchor := Anchor{Checkpoint: c, Note: signed, Attestation: a, Place: place, At: s.now()}
	if err := s.store.SaveAnchor(ctx, n.origin, anchor); err != nil {
		return fmt.Errorf("keep the anchor of %s at %d: %w", n.log.Origin(), size, err)
	}
	s.log.InfoContext(ctx, "checkpoint anchored", "origin", n.log.Origin(), "size", size, "tx", place.TxID,
		"block", place.Block)
	return nil
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
