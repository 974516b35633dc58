package sequencer

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"plinth"
	"plinth/ledger"
)

func (n *line) rings() []*Ring {
	if n.twinRing == nil {
		return []*Ring{n.ring}
	}
	return []*Ring{n.ring, n.twinRing}
}

// settleKeys asks the chain for the log's keys and goes by its answer: a rotation that was committed is completed here,
// however far the one who began it came. It returns ErrUnknownKey when the key that the chain has is not here.
func (s *Sequencer) settleKeys(ctx context.Context, n *line) error {
	news := false
	for _, r := range n.rings() {
		known, err := s.chain.LogKeys(ctx, r.Origin)
		if errors.Is(err, plinth.ErrConflict) {
			continue // not registered yet: whatever key we have will be its first
		}
		if err != nil {
			return fmt.Errorf("ask the chain for the keys of %s: %w", r.Origin, err)
		}
		learnt, err := r.learn(known)
		if err != nil {
			return err
		}
		news = news || learnt
	}
	n.settled = true
	if !news {
		return nil
	}
	s.log.InfoContext(ctx, "log keys settled with the chain", "origin", n.log.Origin(), "key", n.ring.newest())
	return n.useKeys()
}

// useKeys has the log sign with the keys of the rings.
func (n *line) useKeys() error {
	main, err := n.ring.Signing()
	if err != nil {
		return err
	}
	var second []SigningKey
	if n.twinRing != nil {
		if second, err = n.twinRing.Signing(); err != nil {
			return err
		}
	}
	return n.log.SetKeys(main, second)
}

// SetKeys replaces the keys of the log and of its twin, and signs the newest checkpoint with the key that is valid for
// its size: what the retired key signed and nobody has anchored would be refused.
func (l *Log) SetKeys(main, second []SigningKey) error {
	l.appending.Lock()
	defer l.appending.Unlock()
	next := l.tail
	for _, part := range []struct {
		side *side
		keys []SigningKey
		edge *edge
	}{{l.main, main, &next.main}, {l.twin, second, &next.twin}} {
		if part.side == nil {
			continue
		}
		if err := part.side.setKeys(part.keys); err != nil {
			return err
		}
		if part.edge.checkpoint.Size == 0 {
			continue
		}
		if err := l.sign(part.side, part.edge); err != nil {
			return fmt.Errorf("sign %s anew: %w", part.side.origin, err)
		}
	}
	l.mu.Lock()
	l.tail = next
	l.mu.Unlock()
	return nil
}

func (s *side) setKeys(keys []SigningKey) error {
	next, err := newSigners(keys)
	if err != nil {
		return err
	}
	if next[0].Name() != s.origin {
		return fmt.Errorf("log key: it is of %s, the log is %s", next[0].Name(), s.origin)
	}
	s.mu.Lock()
	s.keys = next
	s.mu.Unlock()
	return nil
}

// Rotation is what RotateKey did.
type Rotation struct {
	Key  ledger.LogKey // the key that is valid now
	Old  ledger.LogKey // the one before it
	Done bool          // false when an earlier rotation was found unfinished, and finished in place of a new one
}

// RotateKey replaces a log's or a twin's key: makes the successor's file, has the present key name it, has the chain
// accept it, and keeps what the chain then says. It may run beside the service, which goes over to the new key when the
// chain next refuses the old one. Stopped anywhere and begun again it comes to the same end, with one new key.
func RotateKey(ctx context.Context, chain Chain, r *Ring) (Rotation, error) {
	if done, err := finish(ctx, chain, r); done || err != nil {
		return r.rotation(false), err
	}
	vkey, err := r.successor()
	if err != nil {
		return Rotation{}, err
	}
	proof, err := r.nameSuccessor(vkey)
	if err != nil {
		return Rotation{}, err
	}
	if _, err := chain.RotateKey(ctx, r.Origin, vkey, proof); err != nil && !errors.Is(err, ledger.ErrUnknownOutcome) {
		return Rotation{}, fmt.Errorf("rotate the key of %s: %w", r.Origin, err)
	}
	done, err := finish(ctx, chain, r)
	if err == nil && !done {
		err = plinth.Errorf(plinth.ErrUnavailable, "the chain has not taken the new key of %s yet; run this again", r.Origin)
	}
	return r.rotation(true), err
}

// finish keeps what the chain says of the keys and tells whether it was news.
func finish(ctx context.Context, chain Chain, r *Ring) (bool, error) {
	known, err := chain.LogKeys(ctx, r.Origin)
	if err != nil {
		return false, fmt.Errorf("ask the chain for the keys of %s: %w", r.Origin, err)
	}
	before := r.newest()
	if _, err := r.learn(known); err != nil {
		return false, err
	}
	return r.newest() != before, nil
}

func (r *Ring) rotation(done bool) Rotation {
	known := r.Known()
	out := Rotation{Key: known[len(known)-1], Done: done}
	if len(known) > 1 {
		out.Old = known[len(known)-2]
	}
	return out
}

// nameSuccessor has the present key sign that another comes after it.
func (r *Ring) nameSuccessor(vkey string) ([]byte, error) {
	keys, err := r.Signing()
	if err != nil {
		return nil, err
	}
	s, err := newSigner(keys[len(keys)-1].Key)
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: ledger.KeyRotation(r.Origin, vkey)}, s)
}
