package audit

import (
	"crypto/sha256"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// compact is the right edge of a tree (RFC 6962 §2.1): the roots of its perfect subtrees from the largest to the
// smallest, of which the size's binary digits tell the heights.
type compact struct {
	size   int64
	hashes []tlog.Hash
}

// add appends a perfect subtree of 2^height leaves; the size must be a multiple of that. made is told of every subtree
// that becomes whole, the added one included.
func (c *compact) add(h tlog.Hash, height int, made func(height int, h tlog.Hash)) {
	grown := c.size + 1<<height
	for {
		if made != nil {
			made(height, h)
		}
		if c.size>>height&1 == 0 {
			break
		}
		last := len(c.hashes) - 1
		h = node(c.hashes[last], h)
		c.hashes = c.hashes[:last]
		height++
	}
	c.hashes, c.size = append(c.hashes, h), grown
}

// root returns the tree's root; the hash of nothing for the empty tree.
func (c *compact) root() tlog.Hash {
	if len(c.hashes) == 0 {
		return sha256.Sum256(nil)
	}
	h := c.hashes[len(c.hashes)-1]
	for _, left := range slices.Backward(c.hashes[:len(c.hashes)-1]) {
		h = node(left, h)
	}
	return h
}

func (c *compact) clone() compact { return compact{c.size, slices.Clone(c.hashes)} }

// node is tlog.NodeHash without its allocation.
func node(l, r tlog.Hash) tlog.Hash {
	var b [1 + 2*hashSize]byte
	b[0] = 1
	copy(b[1:], l[:])
	copy(b[1+hashSize:], r[:])
	return sha256.Sum256(b[:])
}
