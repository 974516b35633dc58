package chaincode_test

import (
	"fmt"
	"strings"
	"testing"

	"plinth/ledger"
)

// rotated is a peer on which a log's key was replaced at size 5 by transaction tx3; old still signs with the first key.
func rotated(t *testing.T) (p *peer, now, old *tree) {
	t.Helper()
	p, r := anchored(t)
	before := *r
	r.newKey()
	want(t, "rotated tx3")(p.call("RotateKey", []byte(origin), []byte(r.vkey), before.sign(ledger.KeyRotation(origin, r.vkey))))
	return p, r, &before
}

func TestANewKeySignsFromTheNextSizeOn(t *testing.T) {
	p, now, old := rotated(t)
	want(t, "same tx2")(p.call("Anchor", []byte(origin), old.note(), nil))
	want(t, "SIG")(p.call("Anchor", []byte(origin), now.note(), nil)) // size 5 is the old key's
	now.grow(2)
	want(t, fmt.Sprintf("anchored tx%d", p.txs+1))(p.call("Anchor", []byte(origin), now.note(), now.proof(5)))
}

func TestARetiredKeySignsNothingMore(t *testing.T) {
	p, now, thief := rotated(t)
	thief.grow(2)
	want(t, "SIG")(p.call("Anchor", []byte(origin), thief.note(), thief.proof(5)))
	another := newTree(t)
	want(t, "SIG")(p.call("RotateKey", []byte(origin), []byte(another.vkey), thief.sign(ledger.KeyRotation(origin, another.vkey))))
	want(t, "EXISTS")(p.call("RegisterLog", []byte(origin), []byte(thief.vkey)))
	want(t, "same tx3")(p.call("RegisterLog", []byte(origin), []byte(now.vkey)))
	now.grow(2)
	want(t, fmt.Sprintf("anchored tx%d", p.txs+1))(p.call("Anchor", []byte(origin), now.note(), now.proof(5)))
}

func TestLogKeysTellsWhoSignsWhat(t *testing.T) {
	p, now, old := rotated(t)
	want(t, fmt.Sprintf("0 5 tx1 %s\n6 0 tx3 %s\n", old.vkey, now.vkey))(p.as("OverseerMSP", "client").call("LogKeys", []byte(origin)))
	want(t, "LOG")(p.call("LogKeys", []byte("other")))
}

func TestKeysRotateAgainAndAgain(t *testing.T) {
	p, r, _ := rotated(t)
	for range 3 {
		from := r.size
		r.grow(1)
		want(t, fmt.Sprintf("anchored tx%d", p.txs+1))(p.call("Anchor", []byte(origin), r.note(), r.proof(from)))
		old := *r
		r.newKey()
		want(t, fmt.Sprintf("rotated tx%d", p.txs+1))(p.call("RotateKey", []byte(origin), []byte(r.vkey), old.sign(ledger.KeyRotation(origin, r.vkey))))
	}
	answer, _ := p.call("LogKeys", []byte(origin))
	if n := strings.Count(answer, "\n"); n != 5 {
		t.Errorf("%d keys, want 5:\n%s", n, answer)
	}
	// Every key signs what is its own.
	want(t, "same tx2")(p.call("Anchor", []byte(origin), anchoredNote(p, 5), nil))
	want(t, "same tx4")(p.call("Anchor", []byte(origin), anchoredNote(p, 6), nil))
}

func anchoredNote(p *peer, size int64) []byte {
	_, signed, _ := strings.Cut(string(p.state[ledger.CheckpointKey(origin, size)]), "\n")
	return []byte(signed)
}

func TestRotateKeyRefuses(t *testing.T) {
	p, r := anchored(t)
	next, stranger := newTree(t), newTree(t)
	other := newTree(t)
	proof := r.sign(ledger.KeyRotation(origin, next.vkey))
	for name, test := range map[string]struct {
		origin, vkey string
		proof        []byte
		code         string
	}{
		"signed by a stranger":                {origin, next.vkey, stranger.sign(ledger.KeyRotation(origin, next.vkey)), "SIG"},
		"signed by the new key itself":        {origin, next.vkey, next.sign(ledger.KeyRotation(origin, next.vkey)), "SIG"},
		"a proof for another key":             {origin, other.vkey, proof, "NOTE"},
		"a checkpoint in the proof's place":   {origin, next.vkey, r.note(), "NOTE"},
		"no proof":                            {origin, next.vkey, nil, "NOTE"},
		"the key that is in force":            {origin, r.vkey, r.sign(ledger.KeyRotation(origin, r.vkey)), "EXISTS"},
		"no key":                              {origin, "x", proof, "ARGS"},
		"a key of another name":               {origin, strings.Replace(next.vkey, "putuo", "other", 1), proof, "ARGS"},
		"an unknown log":                      {"other", next.vkey, proof, "LOG"},
		"a key longer than any":               {origin, strings.Repeat("k", 500), proof, "ARGS"},
		"a proof for a log with another name": {origin, next.vkey, r.sign(ledger.KeyRotation("other", next.vkey)), "NOTE"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, test.code)(p.call("RotateKey", []byte(test.origin), []byte(test.vkey), test.proof))
		})
	}
	want(t, "ORG")(p.as("OverseerMSP", "admin").call("RotateKey", []byte(origin), []byte(next.vkey), proof))
	q := newPeer(t)
	q.call("RegisterLog", []byte(origin), []byte(r.vkey))
	want(t, "SIZE0")(q.call("RotateKey", []byte(origin), []byte(next.vkey), proof))
}

func TestAKeyThatWasReplacedNeverComesBack(t *testing.T) {
	p, now, old := rotated(t)
	want(t, "same tx3")(p.call("RotateKey", []byte(origin), []byte(now.vkey), nil))
	want(t, "EXISTS")(p.call("RotateKey", []byte(origin), []byte(old.vkey), now.sign(ledger.KeyRotation(origin, old.vkey))))
}

// What the contract's first version wrote is read by this one.
func TestAKeyWrittenByTheFirstVersionIsRead(t *testing.T) {
	p, r := newPeer(t), newTree(t).grow(3)
	p.state["log/"+ledger.OriginID(origin)] = []byte(r.vkey + "\n" + "txold")
	want(t, "same txold")(p.call("RegisterLog", []byte(origin), []byte(r.vkey)))
	want(t, "anchored tx2")(p.call("Anchor", []byte(origin), r.note(), nil))
	want(t, "0 0 txold "+r.vkey+"\n")(p.call("LogKeys", []byte(origin)))
}
