package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

const origin = "putuo.plinth/authz"

var (
	when    = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	salt    = []byte("0123456789abcdef0123456789abcdef")
	payload = []byte(`{"grant":"g_1"}`)
)

// fixture is a log of some entries with a consortium that attests its checkpoint.
type fixture struct {
	orgs    []*ledgertest.Org
	skey    string
	vkey    string
	entries [][]byte
	cp      ledger.Checkpoint
	hashes  memory
}

// memory is a tlog.HashReader over stored hashes.
type memory []tlog.Hash

func (m memory) ReadHashes(idx []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(idx))
	for i, n := range idx {
		out[i] = m[n]
	}
	return out, nil
}

func newFixture(t testing.TB, size int64) *fixture {
	t.Helper()
	f := &fixture{orgs: []*ledgertest.Org{ledgertest.NewOrg("BureauMSP", "peer"), ledgertest.NewOrg("OverseerMSP", "peer")}}
	var err error
	if f.skey, f.vkey, err = note.GenerateKey(nil, origin); err != nil {
		t.Fatal(err)
	}
	for i := range size {
		f.append(t, entry(i))
	}
	return f
}

// append adds an entry to the log; the consortium attests the new checkpoint.
func (f *fixture) append(t testing.TB, e ledger.Entry) {
	t.Helper()
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(f.entries))
	hs, err := tlog.StoredHashesForRecordHash(size, ledger.Leaf(b), f.hashes)
	if err != nil {
		t.Fatal(err)
	}
	f.entries, f.hashes = append(f.entries, b), append(f.hashes, hs...)
	root, err := tlog.TreeHash(size+1, f.hashes)
	if err != nil {
		t.Fatal(err)
	}
	f.cp = ledger.Checkpoint{Origin: origin, Size: size + 1, Root: root}
}

func entry(i int64) ledger.Entry {
	id := uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, i))
	return ledger.Entry{
		ID: id, Kind: "grant.created", Org: "databureau", Tag: ledger.SubjectTag([]byte("tenant"), "grant:g_1"),
		Seq: uint64(i + 1), Prev: i - 1, From: when, To: when, Count: 1, Commitment: ledger.Commit(salt, payload),
		Relation: ledger.Generated, Inputs: []uuid.UUID{uuid.NameSpaceDNS},
	}
}

func (f *fixture) policy() ledger.Policy {
	p := ledgertest.Policy(f.orgs...)
	p.LogKeys = []string{f.vkey}
	return p
}

func (f *fixture) answer() ledgertest.Answer {
	return ledgertest.AnswerFor(ledger.AttestedCheckpoint{Channel: ledger.DefaultChannel, Origin: origin,
		Size: f.cp.Size, Root: f.cp.Root, TxID: "4f1c9e"}, 27)
}

func (f *fixture) receipt(t testing.TB, index int64) ledger.Receipt {
	t.Helper()
	signer, err := note.NewSigner(f.skey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := f.cp.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	path, err := tlog.ProveRecord(f.cp.Size, index, f.hashes)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Receipt{Index: index, Path: path, Checkpoint: signed, Entry: f.entries[index],
		Attestation: f.answer().Attest(f.orgs...)}
}

func encode(t testing.TB, r ledger.Receipt) []byte {
	t.Helper()
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
