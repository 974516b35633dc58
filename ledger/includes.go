package ledger

import (
	"crypto/sha256"
	"errors"

	"golang.org/x/mod/sumdb/tlog"
)

var (
	errOutside = errors.New("there is no such place under the checkpoint")
	errPath    = errors.New("the entry is not at this place under the checkpoint's root")
)

// Includes checks that the entry is at the index under the checkpoint, which the caller trusts already: from a receipt
// verified before, or from its own log. It allocates nothing, so that whoever holds one trusted checkpoint can check
// records as fast as they can be hashed (RFC 9162 §2.1.3.2).
func (c Checkpoint) Includes(entry []byte, index int64, path tlog.RecordProof) error {
	if len(entry) > MaxEntry || index < 0 || index >= c.Size {
		return errOutside
	}
	var leaf [1 + MaxEntry]byte // RFC 6962 §2.1: a leaf is hashed behind a zero byte
	n := copy(leaf[1:], entry)
	root, ok := climb(sha256.Sum256(leaf[:1+n]), index, c.Size, path)
	if !ok || root != c.Root {
		return errPath
	}
	return nil
}

// climb hashes from a leaf up to the root of a tree of the size. It is false when the path has not the length that
// place and size demand.
func climb(h tlog.Hash, index, size int64, path []tlog.Hash) (tlog.Hash, bool) {
	for last := size - 1; last > 0; index, last = index>>1, last>>1 {
		if index&1 == 0 && index == last {
			continue // the rightmost node of an uneven level rises as it is
		}
		if len(path) == 0 {
			return tlog.Hash{}, false
		}
		if index&1 == 1 {
			h = tlog.NodeHash(path[0], h)
		} else {
			h = tlog.NodeHash(h, path[0])
		}
		path = path[1:]
	}
	return h, len(path) == 0
}
