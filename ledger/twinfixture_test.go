package ledger_test

import (
	"crypto/rand"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/merkle"
	"plinth/ledger/twin"
)

// second is the twin of a fixture's log.
type second struct {
	*fixture
	signer *twin.Signer
	cp2    ledger.Checkpoint
}

func newSecond(t testing.TB, f *fixture) *second {
	t.Helper()
	skey, _, err := twin.GenerateKey(rand.Reader, twin.Origin(origin))
	if err != nil {
		t.Fatal(err)
	}
	s := &second{fixture: f}
	if s.signer, err = twin.NewSigner(skey); err != nil {
		t.Fatal(err)
	}
	s.cp2 = s.checkpoint(t, f.cp.Size)
	return s
}

// nodes computes nodes of the twin's tree from the entries.
func (s *second) nodes() merkle.Nodes[twin.Hash] {
	known := map[[2]int64]twin.Hash{}
	var read merkle.Nodes[twin.Hash]
	read = func(level int, n int64) (twin.Hash, error) {
		if level == 0 {
			return twin.Leaf(s.entries[n]), nil
		}
		at := [2]int64{int64(level), n}
		if h, ok := known[at]; ok {
			return h, nil
		}
		l, _ := read(level-1, 2*n)
		r, err := read(level-1, 2*n+1)
		known[at] = twin.Node(l, r)
		return known[at], err
	}
	return read
}

func (s *second) checkpoint(t testing.TB, size int64) ledger.Checkpoint {
	t.Helper()
	root, err := twin.Tree.Root(size, s.nodes())
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Checkpoint{Origin: twin.Origin(origin), Size: size, Root: tlog.Hash(root)}
}

// proof makes the twin's proof of an entry under a checkpoint, which may be a wrong one: it is signed and attested all
// the same.
func (s *second) proof(t testing.TB, c ledger.Checkpoint, index int64, orgs ...*ledgertest.Org) *ledger.TwinProof {
	t.Helper()
	path, err := twin.Tree.ProveRecord(c.Size, index, s.nodes())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.sign(c)
	if err != nil {
		t.Fatal(err)
	}
	if orgs == nil {
		orgs = s.orgs
	}
	answer := ledgertest.AnswerFor(ledger.AttestedCheckpoint{Channel: ledger.DefaultChannel, Origin: c.Origin, Size: c.Size,
		Root: c.Root, TxID: "4f1c9e"}, 27)
	return &ledger.TwinProof{Path: path, Checkpoint: signed, Attestation: answer.Attest(orgs...)}
}

// sign signs for any origin, as a thief of the key would: with a key of that name.
func (s *second) sign(c ledger.Checkpoint) ([]byte, error) {
	if c.Origin == s.signer.Name() {
		return c.Sign(s.signer)
	}
	skey, _, err := twin.GenerateKey(rand.Reader, c.Origin)
	if err != nil {
		return nil, err
	}
	other, err := twin.NewSigner(skey)
	if err != nil {
		return nil, err
	}
	return c.Sign(other)
}

func (s *second) receipt(t testing.TB, index int64) ledger.Receipt {
	t.Helper()
	r := s.fixture.receipt(t, index)
	r.Twin = s.proof(t, s.cp2, index)
	return r
}

// policy knows the keys of log and twin.
func (s *second) policy(h ledger.Hash) ledger.Policy {
	p := s.fixture.policy()
	p.LogKeys, p.Hash = append(p.LogKeys, s.signer.VerifierKey()), h
	return p
}
