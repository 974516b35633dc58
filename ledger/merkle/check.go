package merkle

import "fmt"

// CheckRecord checks that the leaf is at index in the tree of this size and root (RFC 9162 §2.1.3.2).
func (t Tree[H]) CheckRecord(path []H, size int64, root H, index int64, leaf H) error {
	if index < 0 || index >= size {
		return fmt.Errorf("no leaf %d among %d", index, size)
	}
	w := walk{at: index, last: size - 1}
	for _, h := range path {
		if w.last == 0 {
			return ErrProof
		}
		if w.fromLeft() {
			leaf = t.Node(h, leaf)
		} else {
			leaf = t.Node(leaf, h)
		}
		w.up()
	}
	if w.last != 0 || leaf != root {
		return ErrProof
	}
	return nil
}

// CheckTree checks that the tree of this size and root begins with the older tree of 1 ≤ old ≤ size leaves (RFC 9162
// §2.1.4.2).
func (t Tree[H]) CheckTree(proof []H, size int64, root H, old int64, oldRoot H) error {
	if old < 1 || old > size {
		return fmt.Errorf("no proof from %d leaves to %d", old, size)
	}
	if old == size {
		if len(proof) > 0 || root != oldRoot {
			return ErrProof
		}
		return nil
	}
	w := walk{at: old - 1, last: size - 1}
	for w.at&1 == 1 {
		w.up()
	}
	before := oldRoot // of a perfect tree the proof leaves out what the verifier has
	if old&(old-1) != 0 {
		if len(proof) == 0 {
			return ErrProof
		}
		before, proof = proof[0], proof[1:]
	}
	return t.climb(w, before, proof, root, oldRoot)
}

// climb follows a consistency proof for both trees at once.
func (t Tree[H]) climb(w walk, start H, proof []H, root, oldRoot H) error {
	before, now := start, start
	for _, h := range proof {
		if w.last == 0 {
			return ErrProof
		}
		if w.fromLeft() {
			before, now = t.Node(h, before), t.Node(h, now)
		} else {
			now = t.Node(now, h)
		}
		w.up()
	}
	if w.last != 0 || before != oldRoot || now != root {
		return ErrProof
	}
	return nil
}

// walk is a way from a leaf to the root: the node's place in its level, and that of the level's last node.
type walk struct{ at, last int64 }

// fromLeft tells whether the next hash of the proof stands left of the node. A last node without a neighbour first
// rises to the level where it has one, on its left.
func (w *walk) fromLeft() bool {
	if w.at&1 == 0 && w.at != w.last {
		return false
	}
	for w.at&1 == 0 && w.at != 0 {
		w.up()
	}
	return true
}

func (w *walk) up() { w.at, w.last = w.at>>1, w.last>>1 }
