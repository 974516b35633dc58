package ledger

import (
	"errors"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// A proof for several leaves of one tree holds the hashes of the largest subtrees without any of the leaves, as a walk
// from left to right over the tree of RFC 6962 §2.1 meets them. For one leaf they are its inclusion proof in another
// order; for many leaves that share their upper paths they are far fewer than the paths one by one. There is exactly
// one proof for a size and a choice of leaves.

// subtree returns the hash of the tree over the leaves lo to hi.
type subtree func(lo, hi int64) (tlog.Hash, error)

// walk visits the tree over lo to hi: leaf for each chosen place, other for each largest subtree without one. It
// returns the hash that the answers give.
func walk(lo, hi int64, at []int64, leaf func(int64) (tlog.Hash, error), other subtree) (tlog.Hash, error) {
	if len(at) == 0 {
		return other(lo, hi)
	}
	if hi-lo == 1 {
		return leaf(lo)
	}
	mid := lo + split(hi-lo)
	n := 0
	for n < len(at) && at[n] < mid {
		n++
	}
	left, err := walk(lo, mid, at[:n], leaf, other)
	if err != nil {
		return tlog.Hash{}, err
	}
	right, err := walk(mid, hi, at[n:], leaf, other)
	return tlog.NodeHash(left, right), err
}

// split is the size of the left subtree of n > 1 leaves: the largest power of two below n.
func split(n int64) int64 { return 1 << (bits.Len64(uint64(n-1)) - 1) }

var errPlaces = errors.New("places are not ascending within the tree")

func checkPlaces(size int64, at []int64) error {
	last := int64(-1)
	for _, i := range at {
		if i <= last || i >= size {
			return errPlaces
		}
		last = i
	}
	if len(at) == 0 {
		return errPlaces
	}
	return nil
}

// ProveLeaves returns the proof of the leaves at ascending places, at least one, under the root of the first size
// leaves of a log. node reads the n-th hash of a level: of the leaves n<<level to (n+1)<<level.
func ProveLeaves(size int64, at []int64, node func(level int, n int64) (tlog.Hash, error)) ([]tlog.Hash, error) {
	return proveLeaves(size, at, func(lo, hi int64) (tlog.Hash, error) { return storedSubtree(lo, hi, node) })
}

func proveLeaves(size int64, at []int64, tree subtree) ([]tlog.Hash, error) {
	if err := checkPlaces(size, at); err != nil {
		return nil, err
	}
	var out []tlog.Hash
	nothing := func(int64) (tlog.Hash, error) { return tlog.Hash{}, nil }
	_, err := walk(0, size, at, nothing, func(lo, hi int64) (tlog.Hash, error) {
		h, err := tree(lo, hi)
		out = append(out, h)
		return h, err
	})
	return out, err
}

// storedSubtree reads the hash of a subtree: whole ones are stored, the ragged right edge is put together.
func storedSubtree(lo, hi int64, node func(level int, n int64) (tlog.Hash, error)) (tlog.Hash, error) {
	if n := hi - lo; n&(n-1) == 0 {
		level := bits.Len64(uint64(n)) - 1
		return node(level, lo>>level)
	}
	mid := lo + split(hi-lo)
	left, err := storedSubtree(lo, mid, node)
	if err != nil {
		return tlog.Hash{}, err
	}
	right, err := storedSubtree(mid, hi, node)
	return tlog.NodeHash(left, right), err
}

// RootOf returns the root of the tree of a size that the leaves at ascending places and their proof give. It refuses a
// proof with hashes too few or too many, so that a proof has one form.
func RootOf(size int64, at []int64, leaves, proof []tlog.Hash) (tlog.Hash, error) {
	if err := checkPlaces(size, at); err != nil {
		return tlog.Hash{}, err
	}
	if len(leaves) != len(at) {
		return tlog.Hash{}, errors.New("there are not as many leaves as places")
	}
	root, err := walk(0, size, at,
		func(int64) (h tlog.Hash, err error) { h, leaves = leaves[0], leaves[1:]; return h, nil },
		func(int64, int64) (tlog.Hash, error) { return next(&proof) })
	if err == nil && len(proof) > 0 {
		err = errors.New("the proof is too long")
	}
	return root, err
}

func next(proof *[]tlog.Hash) (tlog.Hash, error) {
	if len(*proof) == 0 {
		return tlog.Hash{}, errors.New("the proof is too short")
	}
	h := (*proof)[0]
	*proof = (*proof)[1:]
	return h, nil
}
