package chaincode_test

import (
	"crypto/rand"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/twin"
)

// second is the twin of a log in memory: the same leaves under SM3.
type second struct {
	t      *testing.T
	signer *twin.Signer
	vkey   string
	leaves []twin.Hash
}

func newSecond(t *testing.T) *second {
	t.Helper()
	skey, vkey, err := twin.GenerateKey(rand.Reader, twin.Origin(origin))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := twin.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return &second{t: t, signer: signer, vkey: vkey}
}

func (s *second) grow(n int) *second {
	for range n {
		s.leaves = append(s.leaves, twin.Leaf(fmt.Appendf(nil, "leaf %d", len(s.leaves))))
	}
	return s
}

// rootOf and prove are RFC 6962 §2.1 word by word, so that nothing is shared with what they judge.
func rootOf(leaves []twin.Hash) twin.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	return twin.Node(rootOf(leaves[:k]), rootOf(leaves[k:]))
}

func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

func prove(leaves []twin.Hash, m int, whole bool) []twin.Hash {
	n := len(leaves)
	switch k := split(n); {
	case m == n && whole:
		return nil
	case m == n:
		return []twin.Hash{rootOf(leaves)}
	case m <= k:
		return append(prove(leaves[:k], m, whole), rootOf(leaves[k:]))
	default:
		return append(prove(leaves[k:], m-k, false), rootOf(leaves[:k]))
	}
}

func (s *second) note() []byte {
	s.t.Helper()
	text := ledger.Checkpoint{Origin: twin.Origin(origin), Size: int64(len(s.leaves)), Root: tlog.Hash(rootOf(s.leaves))}.String()
	signed, err := note.Sign(&note.Note{Text: text}, s.signer)
	if err != nil {
		s.t.Fatal(err)
	}
	return signed
}

func (s *second) proof(from int) (joined []byte) {
	for _, h := range prove(s.leaves, from, true) {
		joined = append(joined, h[:]...)
	}
	return joined
}

// twins is a peer on which a log of five leaves is anchored together with its twin, by tx3.
func twins(t *testing.T) (*peer, *tree, *second) {
	t.Helper()
	p, r, s := newPeer(t), newTree(t).grow(5), newSecond(t).grow(5)
	want(t, "registered tx1")(p.call("RegisterLog", []byte(origin), []byte(r.vkey)))
	want(t, "registered tx2")(p.call("RegisterLog", []byte(twin.Origin(origin)), []byte(s.vkey)))
	want(t, "anchored tx3")(p.call("Anchor", []byte(origin), r.note(), nil, s.note(), nil))
	return p, r, s
}

func TestALogAndItsTwinAreAnchoredTogether(t *testing.T) {
	p, r, s := twins(t)
	want(t, "same tx3")(p.call("Anchor", []byte(origin), r.note(), nil, s.note(), nil))
	r.grow(4)
	s.grow(4)
	want(t, "anchored tx5")(p.call("Anchor", []byte(origin), r.note(), r.proof(5), s.note(), s.proof(5)))
	want(t, fmt.Sprintf("9\n%s\ntx5\n", rootOf(s.leaves)))(p.call("Head", []byte(twin.Origin(origin))))
	want(t, ledger.AttestedCheckpoint{Channel: "evidence", Origin: twin.Origin(origin), Size: 9, Root: tlog.Hash(rootOf(s.leaves)), TxID: "tx5"}.String())(
		p.call("Attest", []byte(twin.Origin(origin)), []byte("9")))
}

// Both are written or neither: after every refusal the two heads are where they were.
func TestNeitherIsAnchoredWithoutTheOther(t *testing.T) {
	p, r, s := twins(t)
	more := *s
	r.grow(4)
	s.grow(4)
	more.grow(5)
	stranger := newSecond(t).grow(9)
	wrong := &second{t: t, signer: s.signer, vkey: s.vkey, leaves: make([]twin.Hash, 9)}
	bent := s.proof(5)
	bent[3] ^= 1
	for name, test := range map[string]struct {
		args [][]byte
		code string
	}{
		"no twin":                        {[][]byte{r.note(), r.proof(5)}, "TWIN"},
		"a twin without a proof":         {[][]byte{r.note(), r.proof(5), s.note(), nil}, "INCONSISTENT"},
		"a twin with a bent proof":       {[][]byte{r.note(), r.proof(5), s.note(), bent}, "INCONSISTENT"},
		"a twin with the log's proof":    {[][]byte{r.note(), r.proof(5), s.note(), r.proof(5)}, "INCONSISTENT"},
		"a twin of another size":         {[][]byte{r.note(), r.proof(5), more.note(), more.proof(5)}, "TWIN"},
		"a twin that forked":             {[][]byte{r.note(), r.proof(5), wrong.note(), wrong.proof(5)}, "INCONSISTENT"},
		"a twin signed by another":       {[][]byte{r.note(), r.proof(5), stranger.note(), s.proof(5)}, "SIG"},
		"the log's note as the twin's":   {[][]byte{r.note(), r.proof(5), r.note(), r.proof(5)}, "NOTE"},
		"a good twin and a bad log":      {[][]byte{r.note(), nil, s.note(), s.proof(5)}, "INCONSISTENT"},
		"a twin's proof that is no list": {[][]byte{r.note(), r.proof(5), s.note(), {1}}, "PROOF"},
		"four arguments":                 {[][]byte{r.note(), r.proof(5), s.note()}, "ARGS"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, test.code)(p.call("Anchor", append([][]byte{[]byte(origin)}, test.args...)...))
		})
	}
	want(t, "TWIN")(p.call("Anchor", []byte(twin.Origin(origin)), s.note(), s.proof(5)))
	for _, o := range []string{origin, twin.Origin(origin)} {
		if answer, _ := p.call("Head", []byte(o)); answer[:2] != "5\n" {
			t.Errorf("the head of %s moved: %s", o, answer)
		}
	}
}

func TestATwinMayJoinALogThatHasGrown(t *testing.T) {
	p, r := anchored(t)
	s := newSecond(t).grow(5)
	want(t, "TWIN")(p.call("Anchor", []byte(origin), r.note(), nil, s.note(), nil))
	want(t, "registered tx4")(p.call("RegisterLog", []byte(twin.Origin(origin)), []byte(s.vkey)))
	want(t, "same tx2")(p.call("Anchor", []byte(origin), r.note(), nil, s.note(), nil))
	r.grow(2)
	s.grow(2)
	want(t, "TWIN")(p.call("Anchor", []byte(origin), r.note(), r.proof(5)))
	want(t, "anchored tx7")(p.call("Anchor", []byte(origin), r.note(), r.proof(5), s.note(), nil))
}

func TestRegisterLogRefusesTwinsOfNothing(t *testing.T) {
	p, r, s := newPeer(t), newTree(t), newSecond(t)
	want(t, "LOG")(p.call("RegisterLog", []byte(twin.Origin(origin)), []byte(s.vkey)))
	p.call("RegisterLog", []byte(origin), []byte(r.vkey))
	want(t, "ARGS")(p.call("RegisterLog", []byte(twin.Origin(origin)), []byte(r.vkey)))
	want(t, "ARGS")(p.call("RegisterLog", []byte(origin), []byte(s.vkey)))
}

func TestATwinsKeyIsReplacedByItsOwn(t *testing.T) {
	p, r, s := twins(t)
	next := newSecond(t)
	name := twin.Origin(origin)
	want(t, "SIG")(p.call("RotateKey", []byte(name), []byte(next.vkey), r.sign(ledger.KeyRotation(name, next.vkey))))
	proof, err := note.Sign(&note.Note{Text: ledger.KeyRotation(name, next.vkey)}, s.signer)
	if err != nil {
		t.Fatal(err)
	}
	want(t, fmt.Sprintf("rotated tx%d", p.txs+1))(p.call("RotateKey", []byte(name), []byte(next.vkey), proof))
	r.grow(1)
	s.grow(1)
	want(t, "SIG")(p.call("Anchor", []byte(origin), r.note(), r.proof(5), s.note(), s.proof(5)))
	s.signer = next.signer
	want(t, fmt.Sprintf("anchored tx%d", p.txs+1))(p.call("Anchor", []byte(origin), r.note(), r.proof(5), s.note(), s.proof(5)))
}
