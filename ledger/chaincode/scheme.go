package chaincode

import (
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger/twin"
)

// scheme is the cryptography of a log: Ed25519 and SHA-256, or for a twin SM2 and SM3. The origin says which.
type scheme struct {
	verifier func(vkey string) (note.Verifier, error)
	extends  func(old, new head, proof tlog.TreeProof) error
}

func schemeOf(origin string) scheme {
	if isTwin(origin) {
		return scheme{verifier: twinVerifier, extends: twinExtends}
	}
	return scheme{verifier: note.NewVerifier, extends: firstExtends}
}

func isTwin(origin string) bool { return strings.HasSuffix(origin, twin.Suffix) }

func firstExtends(old, new head, proof tlog.TreeProof) error {
	return tlog.CheckTree(proof, new.size, new.root, old.size, old.root)
}

// twinVerifier keeps a nil *twin.Verifier from becoming a verifier that is not nil.
func twinVerifier(vkey string) (note.Verifier, error) {
	v, err := twin.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func twinExtends(old, new head, proof tlog.TreeProof) error {
	hashes := make([]twin.Hash, len(proof))
	for i, h := range proof {
		hashes[i] = twin.Hash(h)
	}
	return twin.CheckConsistency(hashes, new.size, twin.Hash(new.root), old.size, twin.Hash(old.root))
}
