package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// State is the channel's state as the replay of all blocks leaves it, by namespace and key.
type State map[string]map[string]Value

// Value is a key's value and the transaction that wrote it.
type Value struct {
	Bytes   []byte `cbor:"1,keyasint"`
	Block   uint64 `cbor:"2,keyasint"`
	TxIndex uint64 `cbor:"3,keyasint"`
}

// version returns where a key's value was committed.
func (s State) version(namespace, key string) version {
	v, ok := s[namespace][key]
	return version{ok, v.Block, v.TxIndex}
}

// fresh tells whether everything that was read is still as it was read (MVCC).
func (s State) fresh(sets []namespaceSet) bool {
	for _, n := range sets {
		for _, r := range n.reads {
			if s.version(n.name, r.key) != r.version {
				return false
			}
		}
	}
	return true
}

func (s State) apply(sets []namespaceSet, block, tx uint64) {
	for _, n := range sets {
		if s[n.name] == nil {
			s[n.name] = map[string]Value{}
		}
		for _, w := range n.writes {
			if w.delete {
				delete(s[n.name], w.key)
			} else {
				s[n.name][w.key] = Value{w.value, block, tx}
			}
		}
	}
}

// updates are a block's writes as the peer hashes them into the block's commit hash: by namespace and collection, the
// newest write of each key. Nobody signs that hash; it shows that this replay and the peer's came to the same.
type updates map[place]map[string]update

type place struct{ namespace, collection string }

type update struct {
	keyWrite
	tx uint64
}

func (u updates) add(sets []namespaceSet, tx uint64) {
	for _, n := range sets {
		u.put(place{n.name, ""}, n.writes, tx)
		for _, c := range n.collections {
			u.put(place{n.name, c.name}, c.writes, tx)
		}
	}
}

func (u updates) put(p place, writes []keyWrite, tx uint64) {
	for _, w := range writes {
		if u[p] == nil {
			u[p] = map[string]update{}
		}
		u[p][w.key] = update{w, tx}
	}
}

// commitHash returns the hash that the peer must have come to: over its verdicts, the block's writes and the hash
// before. A namespace is named at its first write alone, and so is a collection.
func (u updates) commitHash(codes []byte, block uint64, previous []byte) []byte {
	places := slices.SortedFunc(maps.Keys(u), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.collection, b.collection))
	})
	var batch []byte
	named := ""
	for _, p := range places {
		for i, key := range slices.Sorted(maps.Keys(u[p])) {
			w := u[p][key]
			var kv []byte
			if p.namespace != named {
				kv, named = appendField(kv, 1, []byte(p.namespace)), p.namespace
			}
			if i == 0 {
				kv = appendField(kv, 2, []byte(p.collection))
			}
			kv = appendField(kv, 3, []byte(key))
			if w.delete || w.value == nil {
				kv = appendNumber(kv, 4, 1)
			}
			kv = appendField(kv, 5, w.value)
			kv = appendField(kv, 6, append(ordered(block), ordered(w.tx)...))
			batch = protowire.AppendBytes(protowire.AppendTag(batch, 1, protowire.BytesType), kv)
		}
	}
	h := sha256.New()
	h.Write(protowire.AppendVarint(nil, uint64(len(codes))))
	h.Write(codes)
	h.Write(batch)
	h.Write(previous)
	return h.Sum(nil)
}

// ordered is Fabric's order-preserving form of a number: how many bytes, then these, big-endian.
func ordered(n uint64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	first := 0
	for first < 8 && b[first] == 0 {
		first++
	}
	return append([]byte{byte(8 - first)}, b[first:]...)
}
