package audit

import (
	"errors"
	"fmt"
)

// namespaceSet is what a transaction read and writes in one chaincode's state.
type namespaceSet struct {
	name        string
	reads       []keyRead
	writes      []keyWrite
	ranges      int // range queries, which the replay does not judge
	metas       int // writes of keys' own policies, likewise
	collections []collectionSet
}

// collectionSet is the public side of a private data collection: hashes of keys and values.
type collectionSet struct {
	name   string
	reads  int // not judged
	writes []keyWrite
}

// version is where on the chain a value was committed; the zero value of exists means that there was none.
type version struct {
	exists bool
	block  uint64
	tx     uint64
}

type keyRead struct {
	key     string
	version version
}

type keyWrite struct {
	key    string
	delete bool
	value  []byte
}

func parseReadWriteSets(b []byte) ([]namespaceSet, error) {
	var model uint64
	var raw [][]byte
	if err := message("read-write set", b, takes{1: &model, 2: &raw}); err != nil {
		return nil, err
	}
	if model != 0 {
		return nil, errors.New("read-write set: its data model is not that of keys and values")
	}
	var out []namespaceSet
	for _, r := range raw {
		n, err := parseNamespace(r)
		if err != nil {
			return nil, err
		}
		if len(out) > 0 && out[len(out)-1].name >= n.name {
			return nil, errors.New("read-write set: namespaces are not in order, each once")
		}
		out = append(out, n)
	}
	return out, nil
}

func parseNamespace(b []byte) (namespaceSet, error) {
	var n namespaceSet
	var set []byte
	var collections, reads, ranges, writes, metas [][]byte
	err := message("namespace", b, takes{1: &n.name, 2: &set, 3: &collections})
	if err != nil {
		return n, err
	}
	err = message("key set of "+n.name, set, takes{1: &reads, 2: &ranges, 3: &writes, 4: &metas})
	if err != nil {
		return n, err
	}
	n.ranges, n.metas = len(ranges), len(metas)
	for _, r := range reads {
		k, err := parseRead(r)
		if err != nil {
			return n, err
		}
		n.reads = append(n.reads, k)
	}
	for _, w := range writes {
		k, err := parseWrite(w)
		if err != nil {
			return n, err
		}
		n.writes = append(n.writes, k)
	}
	for _, c := range collections {
		k, err := parseCollection(c)
		if err != nil {
			return n, err
		}
		n.collections = append(n.collections, k)
	}
	return n, nil
}

func parseRead(b []byte) (keyRead, error) {
	var r keyRead
	fields, err := split(b)
	if err != nil {
		return r, fmt.Errorf("read: %w", err)
	}
	var v []byte
	if err := message("read", b, takes{1: &r.key, 2: &v}); err != nil {
		return r, err
	}
	r.version.exists = len(fields) > 0 && fields[len(fields)-1].id == 2 // version (0, 0) has no bytes
	err = message("version", v, takes{1: &r.version.block, 2: &r.version.tx})
	return r, err
}

func parseWrite(b []byte) (keyWrite, error) {
	var w keyWrite
	err := message("write", b, takes{1: &w.key, 2: &w.delete, 3: &w.value})
	return w, err
}

func parseCollection(b []byte) (collectionSet, error) {
	var c collectionSet
	var set []byte
	var reads, writes, metas [][]byte
	err := message("collection", b, takes{1: &c.name, 2: &set}, 3)
	if err != nil {
		return c, err
	}
	if err := message("hashed set of "+c.name, set, takes{1: &reads, 2: &writes, 3: &metas}); err != nil {
		return c, err
	}
	c.reads = len(reads)
	for _, raw := range writes {
		var w keyWrite
		if err := message("hashed write", raw, takes{1: &w.key, 2: &w.delete, 3: &w.value}, 4); err != nil {
			return c, err
		}
		c.writes = append(c.writes, w)
	}
	return c, nil
}
