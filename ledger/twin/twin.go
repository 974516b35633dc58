// Package twin is the second root of a log: the same entries under the same tree (RFC 6962), hashed with SM3 (GB/T
// 32905) and signed with SM2 (GB/T 32918), for those whom the law asks to rely on national cryptography. Each of the
// two roots proves the log alone. The package does no I/O and compiles to WebAssembly.
package twin

import (
	"encoding/base64"

	"github.com/emmansun/gmsm/sm3"

	"plinth/ledger/merkle"
)

// Suffix ends the origin line of every twin.
const Suffix = "/sm3"

// Origin returns the origin line of a log's twin: "putuo.plinth/authz" has "putuo.plinth/authz/sm3".
func Origin(of string) string { return of + Suffix }

// Hash is an SM3 digest in the tree. It never equals a hash of the first tree by meaning, so it is a type of its own.
type Hash [32]byte

// String returns the hash in base64, as checkpoints show it.
func (h Hash) String() string { return base64.StdEncoding.EncodeToString(h[:]) }

// onStack is the longest entry that is hashed without a buffer from the heap; entries of this project have at most 256.
const onStack = 320

// Leaf returns the hash of an entry: SM3(0x00 ‖ entry), as RFC 6962 §2.1 has it for SHA-256.
func Leaf(entry []byte) Hash {
	if len(entry) > onStack {
		return Hash(sm3.Sum(append(make([]byte, 1, 1+len(entry)), entry...)))
	}
	var b [1 + onStack]byte
	return Hash(sm3.Sum(b[:1+copy(b[1:], entry)]))
}

// Node returns the hash of an inner node: SM3(0x01 ‖ left ‖ right).
func Node(left, right Hash) Hash {
	var b [65]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[33:], right[:])
	return Hash(sm3.Sum(b[:]))
}

// Tree is the tree over SM3.
var Tree = merkle.Tree[Hash]{Node: Node}

// CheckInclusion checks that the leaf is at index in the tree of this size and root. The error is merkle.ErrProof when
// the path does not hold.
func CheckInclusion(path []Hash, size int64, root Hash, index int64, leaf Hash) error {
	return Tree.CheckRecord(path, size, root, index, leaf)
}

// CheckConsistency checks that the tree of this size and root begins with the older one, 1 ≤ oldSize ≤ size.
func CheckConsistency(proof []Hash, size int64, root Hash, oldSize int64, oldRoot Hash) error {
	return Tree.CheckTree(proof, size, root, oldSize, oldRoot)
}
