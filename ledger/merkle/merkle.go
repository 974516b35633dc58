// Package merkle is the tree of RFC 6962 §2.1 over any hash of 32 bytes: roots and proofs from a reader of nodes, and
// the checks of proofs. golang.org/x/mod/sumdb/tlog has the same for SHA-256 alone and hashes a tile anew for each node
// it needs; here the hash and the reading of nodes are the caller's. It does no I/O and keeps nothing.
package merkle

import (
	"errors"
	"fmt"
	"math/bits"
)

// Tree knows how two nodes make the one above them. Its methods are safe for concurrent use if Node is.
type Tree[H ~[32]byte] struct {
	Node func(left, right H) H
}

// Nodes returns the n-th node of a level: the root over the leaves n·2^level to (n+1)·2^level−1, all of which exist.
type Nodes[H ~[32]byte] func(level int, n int64) (H, error)

// ErrProof means that a proof does not lead where it should.
var ErrProof = errors.New("the proof does not hold")

// Root returns the root over the first size leaves, size ≥ 1.
func (t Tree[H]) Root(size int64, read Nodes[H]) (H, error) {
	if size < 1 {
		var none H
		return none, fmt.Errorf("a tree of %d leaves has no root", size)
	}
	return t.span(0, size, read)
}

// ProveRecord returns the path from a leaf to the root over the first size leaves, from the leaf upward (RFC 6962
// §2.1.1).
func (t Tree[H]) ProveRecord(size, index int64, read Nodes[H]) ([]H, error) {
	if index < 0 || index >= size {
		return nil, fmt.Errorf("no leaf %d among %d", index, size)
	}
	path := make([]H, 0, bits.Len64(uint64(size)))
	return t.path(path, 0, size, index, read)
}

func (t Tree[H]) path(out []H, lo, hi, index int64, read Nodes[H]) (_ []H, err error) {
	if hi-lo == 1 {
		return out, nil
	}
	mid := lo + split(hi-lo)
	sibling := [2]int64{mid, hi}
	if index < mid {
		out, err = t.path(out, lo, mid, index, read)
	} else {
		out, err = t.path(out, mid, hi, index, read)
		sibling = [2]int64{lo, mid}
	}
	if err != nil {
		return nil, err
	}
	h, err := t.span(sibling[0], sibling[1], read)
	return append(out, h), err
}

// ProveTree returns the proof that the tree over size leaves begins with the tree over old leaves, 1 ≤ old ≤ size
// (RFC 6962 §2.1.2). It is empty when the two are one.
func (t Tree[H]) ProveTree(size, old int64, read Nodes[H]) ([]H, error) {
	if old < 1 || old > size {
		return nil, fmt.Errorf("no proof from %d leaves to %d", old, size)
	}
	return t.subproof(nil, 0, size, old, true, read)
}

// subproof is SUBPROOF of RFC 6962 §2.1.2 for the leaves from lo to hi; known tells that the verifier has the root over
// them when they all belong to the old tree.
func (t Tree[H]) subproof(out []H, lo, hi, old int64, known bool, read Nodes[H]) (_ []H, err error) {
	if old == hi {
		if known {
			return out, nil
		}
		h, err := t.span(lo, hi, read)
		return append(out, h), err
	}
	mid := lo + split(hi-lo)
	rest := [2]int64{mid, hi}
	if old <= mid {
		out, err = t.subproof(out, lo, mid, old, known, read)
	} else {
		out, err = t.subproof(out, mid, hi, old, false, read)
		rest = [2]int64{lo, mid}
	}
	if err != nil {
		return nil, err
	}
	h, err := t.span(rest[0], rest[1], read)
	return append(out, h), err
}

// span returns the root over the leaves from lo to hi, as the tree has it.
func (t Tree[H]) span(lo, hi int64, read Nodes[H]) (H, error) {
	n := hi - lo
	if n&(n-1) == 0 {
		level := bits.TrailingZeros64(uint64(n))
		return read(level, lo>>level)
	}
	left, err := t.span(lo, lo+split(n), read)
	if err != nil {
		return left, err
	}
	right, err := t.span(lo+split(n), hi, read)
	if err != nil {
		return right, err
	}
	return t.Node(left, right), nil
}

// split returns the largest power of two below n, n ≥ 2.
func split(n int64) int64 { return 1 << (bits.Len64(uint64(n-1)) - 1) }
