package chaincode_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/chaincode"
)

const origin = "putuo.plinth/authz"

// tree is a log in memory.
type tree struct {
	t      *testing.T
	signer note.Signer
	vkey   string
	hashes []tlog.Hash
	size   int64
}

func newTree(t *testing.T) *tree {
	t.Helper()
	r := &tree{t: t}
	r.newKey()
	return r
}

// newKey gives the tree another key.
func (r *tree) newKey() {
	r.t.Helper()
	t := r.t
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	r.signer, r.vkey = signer, vkey
}

// ReadHashes implements tlog.HashReader.
func (r *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, r.hashes[i])
	}
	return out, nil
}

func (r *tree) grow(n int) *tree { return r.growBy(n, "leaf") }

func (r *tree) growBy(n int, leaf string) *tree {
	r.t.Helper()
	for range n {
		hashes, err := tlog.StoredHashes(r.size, fmt.Appendf(nil, "%s %d", leaf, r.size), r)
		if err != nil {
			r.t.Fatal(err)
		}
		r.hashes = append(r.hashes, hashes...)
		r.size++
	}
	return r
}

// restart returns an empty tree that signs with the same key.
func (r *tree) restart() *tree { return &tree{t: r.t, signer: r.signer, vkey: r.vkey} }

func (r *tree) root() tlog.Hash {
	r.t.Helper()
	root, err := tlog.TreeHash(r.size, r)
	if err != nil {
		r.t.Fatal(err)
	}
	return root
}

func (r *tree) note() []byte {
	return r.sign(ledger.Checkpoint{Origin: origin, Size: r.size, Root: r.root()}.String())
}

func (r *tree) sign(text string) []byte {
	r.t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, r.signer)
	if err != nil {
		r.t.Fatal(err)
	}
	return signed
}

func (r *tree) proof(from int64) []byte {
	r.t.Helper()
	proof, err := tlog.ProveTree(r.size, from, r)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []byte
	for _, h := range proof {
		out = append(out, h[:]...)
	}
	return out
}

// anchored is a peer on which a log of five leaves is anchored, by transaction tx2.
func anchored(t *testing.T) (*peer, *tree) {
	t.Helper()
	p, r := newPeer(t), newTree(t).grow(5)
	want(t, "registered tx1")(p.call("RegisterLog", []byte(origin), []byte(r.vkey)))
	want(t, "anchored tx2")(p.call("Anchor", []byte(origin), r.note(), nil))
	return p, r
}

// want checks an answer, or the code of a refusal when it is in capitals.
func want(t *testing.T, w string) func(answer, refusal string) {
	t.Helper()
	return func(answer, refusal string) {
		t.Helper()
		if w[0] >= 'A' && w[0] <= 'Z' {
			if !strings.HasPrefix(refusal, w+": ") {
				t.Errorf("got answer %q, refusal %q; want a refusal with %s", answer, refusal, w)
			}
			return
		}
		if answer != w || refusal != "" {
			t.Errorf("got answer %q, refusal %q; want %q", answer, refusal, w)
		}
	}
}

func TestAnchorMovesTheHead(t *testing.T) {
	p, r := anchored(t)
	want(t, "same tx2")(p.call("Anchor", []byte(origin), r.note(), nil))
	r.grow(8)
	want(t, "anchored tx4")(p.call("Anchor", []byte(origin), r.note(), r.proof(5)))
	want(t, fmt.Sprintf("13\n%s\ntx4\n", r.root()))(p.call("Head", []byte(origin)))
}

func TestHeadOfUnknownLogIsEmpty(t *testing.T) {
	want(t, "0\n"+tlog.Hash{}.String()+"\n\n")(newPeer(t).call("Head", []byte("nobody")))
}

func TestAnchorRefusesBadNotes(t *testing.T) {
	p, r := anchored(t)
	r.grow(1)
	stranger := newTree(t).grow(6)
	flipped := alter(r.note())
	root := r.root().String()
	for name, test := range map[string]struct {
		note []byte
		code string
	}{
		"signed by another key of the same name": {stranger.note(), "SIG"},
		"signature altered":                      {flipped, "SIG"},
		"not a note":                             {[]byte("hello"), "NOTE"},
		"empty":                                  {nil, "NOTE"},
		"longer than any note":                   {[]byte(strings.Repeat("x", 5000)), "ARGS"},
		"other origin":                           {r.sign("other\n6\n" + root + "\n"), "NOTE"},
		"size with a leading zero":               {r.sign(origin + "\n06\n" + root + "\n"), "NOTE"},
		"size with a sign":                       {r.sign(origin + "\n+6\n" + root + "\n"), "NOTE"},
		"size too large":                         {r.sign(origin + "\n9223372036854775808\n" + root + "\n"), "NOTE"},
		"negative size":                          {r.sign(origin + "\n-6\n" + root + "\n"), "NOTE"},
		"short root":                             {r.sign(origin + "\n6\nAAAA\n"), "NOTE"},
		"root with stray bits":                   {r.sign(origin + "\n6\n" + strings.Repeat("A", 42) + "B=\n"), "NOTE"},
		"extension line":                         {r.sign(origin + "\n6\n" + root + "\nmore\n"), "NOTE"},
		"size 0":                                 {r.sign(origin + "\n0\n" + root + "\n"), "SIZE0"},
	} {
		t.Run(name, func(t *testing.T) { want(t, test.code)(p.call("Anchor", []byte(origin), test.note, r.proof(5))) })
	}
}

// alter changes one character of a note's signature, and leaves it base64.
func alter(signed []byte) []byte {
	if c := &signed[len(signed)-12]; *c == 'A' {
		*c = 'B'
	} else {
		*c = 'A'
	}
	return signed
}

func TestAnchorRefusesWhatDoesNotExtendTheHead(t *testing.T) {
	p, r := anchored(t)
	next, other := r.restart().grow(7), r.restart().growBy(7, "other")
	flipped := next.proof(5)
	flipped[40] ^= 1
	for name, test := range map[string]struct {
		note, proof []byte
		code        string
	}{
		"proof altered":                {next.note(), flipped, "INCONSISTENT"},
		"no proof":                     {next.note(), nil, "INCONSISTENT"},
		"proof cut":                    {next.note(), next.proof(5)[:32], "INCONSISTENT"},
		"proof of another pair":        {next.note(), next.proof(3), "INCONSISTENT"},
		"proof is no list of hashes":   {next.note(), next.proof(5)[:33], "PROOF"},
		"proof longer than any":        {next.note(), make([]byte, 65*32), "ARGS"},
		"another tree, its own proof":  {other.note(), other.proof(5), "INCONSISTENT"},
		"another tree, the good proof": {other.note(), next.proof(5), "INCONSISTENT"},
		"same size, other root":        {r.restart().growBy(5, "other").note(), nil, "FORK"},
		"smaller, never anchored":      {r.restart().grow(3).note(), nil, "ROLLBACK"},
	} {
		t.Run(name, func(t *testing.T) { want(t, test.code)(p.call("Anchor", []byte(origin), test.note, test.proof)) })
	}
	want(t, fmt.Sprintf("anchored tx%d", p.txs+1))(p.call("Anchor", []byte(origin), next.note(), next.proof(5)))
	want(t, "ROLLBACK")(p.call("Anchor", []byte(origin), r.restart().growBy(5, "other").note(), nil))
}

func TestFirstCheckpointTakesNoProof(t *testing.T) {
	p, r := newPeer(t), newTree(t).grow(4)
	want(t, "LOG")(p.call("Anchor", []byte(origin), r.note(), nil))
	want(t, "registered tx2")(p.call("RegisterLog", []byte(origin), []byte(r.vkey)))
	want(t, "PROOF")(p.call("Anchor", []byte(origin), r.note(), make([]byte, 32)))
}

func TestRegisterLogBindsOneKey(t *testing.T) {
	p, r := newPeer(t), newTree(t)
	want(t, "registered tx1")(p.call("RegisterLog", []byte(origin), []byte(r.vkey)))
	want(t, "same tx1")(p.call("RegisterLog", []byte(origin), []byte(r.vkey)))
	want(t, "EXISTS")(p.call("RegisterLog", []byte(origin), []byte(newTree(t).vkey)))
	want(t, "LOG")(p.call("RegisterLog", []byte("other"), []byte(r.vkey)))
	want(t, "ARGS")(p.call("RegisterLog", []byte("a name"), []byte(r.vkey)))
	want(t, "ARGS")(p.call("RegisterLog", nil, []byte(r.vkey)))
	want(t, "ARGS")(p.call("RegisterLog", []byte(origin), []byte("no key")))
}

func TestOnlyTheBureausClientsWrite(t *testing.T) {
	p, r := anchored(t)
	r.grow(1)
	for _, who := range [][2]string{{"OverseerMSP", "client"}, {"OverseerMSP", "admin"}, {"BureauMSP", "peer"}, {"BureauMSP", "orderer"}} {
		q := p.as(who[0], who[1])
		want(t, "ORG")(q.call("Anchor", []byte(origin), r.note(), r.proof(5)))
		want(t, "ORG")(q.call("RegisterLog", []byte(origin), []byte(r.vkey)))
	}
	q := p.as("BureauMSP", "admin")
	want(t, fmt.Sprintf("anchored tx%d", q.txs+1))(q.call("Anchor", []byte(origin), r.note(), r.proof(5)))
}

func TestAttestAnswersWhatWasAnchored(t *testing.T) {
	p, r := anchored(t)
	old := ledger.AttestedCheckpoint{Channel: "evidence", Origin: origin, Size: 5, Root: r.root(), TxID: "tx2"}
	r.grow(3)
	p.call("Anchor", []byte(origin), r.note(), r.proof(5))
	answer, refusal := p.as("OverseerMSP", "client").call("Attest", []byte(origin), []byte("5"))
	got, err := ledger.ParseAttestedCheckpoint(answer)
	if refusal != "" || err != nil || got != old {
		t.Errorf("attested %+v, %v, refusal %q; want %+v", got, err, refusal, old)
	}
	want(t, "NOTFOUND")(p.call("Attest", []byte(origin), []byte("6")))
	want(t, "ARGS")(p.call("Attest", []byte(origin), []byte("05")))
	want(t, "NOTFOUND")(p.call("Attest", []byte("other"), []byte("5")))
}

func TestInvokeRefusesUnknownCalls(t *testing.T) {
	p := newPeer(t)
	want(t, "ARGS")(p.call("Delete", []byte(origin)))
	want(t, "ARGS")(p.call("Head"))
	want(t, "ARGS")(p.call("Anchor", []byte(origin)))
}

// The stored note must have one spelling, whatever spellings of base64 the parser forgives.
func TestAnchoredNoteIsStoredCanonically(t *testing.T) {
	p, r := newPeer(t), newTree(t).grow(4)
	p.call("RegisterLog", []byte(origin), []byte(r.vkey))
	signed := string(r.note())
	more := signed + "— someone.else AAAAAAAA\n"
	want(t, "anchored tx2")(p.call("Anchor", []byte(origin), []byte(more), nil))
	for key, value := range p.state {
		if strings.HasPrefix(key, "cp/") && string(value) != "tx2\n"+signed {
			t.Errorf("stored %q, want the log's own signature alone: %q", value, signed)
		}
	}
}

func FuzzAnchor(f *testing.F) {
	f.Add([]byte("x\n5\nAAAA\n\n— x AAAA\n"), []byte{})
	f.Fuzz(func(t *testing.T, note, proof []byte) {
		p, r := newPeer(t), newTree(t).grow(4)
		p.call("RegisterLog", []byte(origin), []byte(r.vkey))
		answer, refusal := p.call("Anchor", []byte(origin), note, proof)
		if answer != "" || refusal == "" {
			t.Errorf("a note that nobody signed was answered with %q", answer)
		}
	})
}

func TestEveryArgumentHasALimit(t *testing.T) {
	p, _ := anchored(t)
	limits := map[string][]int{
		"RegisterLog": {200, 400}, "RotateKey": {200, 400, 4096}, "LogKeys": {200}, "Anchor": {200, 4096, 2048, 4096, 2048}, "Head": {200},
		"Attest": {200, 20}, "PutStep": {600}, "AttestCase": {40}, "SetStatus": {40, 40, 40}, "Redact": {40, 40},
	}
	for function, most := range limits {
		for i, n := range most {
			args := make([][]byte, len(most))
			args[i] = make([]byte, n+1)
			answer, refusal := p.call(function, args...)
			if wanted := fmt.Sprintf("ARGS: argument %d of %s has %d bytes", i+1, function, n+1); !strings.HasPrefix(refusal, wanted) {
				t.Errorf("got answer %q, refusal %q; want %q", answer, refusal, wanted)
			}
		}
		for _, n := range []int{len(most) + 1, len(most) + 100} {
			want(t, "ARGS")(p.call(function, make([][]byte, n)...))
		}
	}
	if got := chaincode.Functions(); got != len(limits) {
		t.Errorf("the contract has %d functions, and limits of %d are tested", got, len(limits))
	}
}
