package fabric_test

import (
	"errors"
	"strings"
	"testing"

	"plinth"
	"plinth/ledger/sequencer"
)

func TestAnchorGrowsTheLog(t *testing.T) {
	c := open(t, fabricConfig)
	l := newLog(t).register(c)
	if size, _, err := c.Head(t.Context(), l.origin); size != 0 || err != nil {
		t.Fatalf("head of a new log: size %d, %v", size, err)
	}
	before, err := c.Height(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var from int64
	for _, n := range []int{3, 1, 1000} {
		l.grow(n, "leaf").mustAnchor(c, from)
		from = l.size
		size, root, err := c.Head(t.Context(), l.origin)
		if err != nil || size != l.size || root != l.root() {
			t.Fatalf("head: size %d, root %v, %v; want %d, %v", size, root, err, l.size, l.root())
		}
	}
	after, err := c.Height(t.Context())
	if err != nil || after < before+3 {
		t.Errorf("height went from %d to %d, %v; want three blocks more", before, after, err)
	}
}

func TestRegisterLogBindsOneKey(t *testing.T) {
	c := open(t, fabricConfig)
	l := newLog(t).register(c).register(c)
	other := newLog(t)
	wantRefusal(t, c.RegisterLog(t.Context(), l.origin, other.vkey), "LOG")
	again := newLogNamed(t, l.origin)
	wantRefusal(t, c.RegisterLog(t.Context(), l.origin, again.vkey), "EXISTS")
}

func TestAnchorAgainIsTheSameTransaction(t *testing.T) {
	c := open(t, fabricConfig)
	l := newLog(t).register(c).grow(5, "leaf")
	first := l.mustAnchor(c, 0)
	old := l.fork()
	l.grow(5, "leaf").mustAnchor(c, 5)
	height, err := c.Height(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := old.mustAnchor(c, 0); got != first {
		t.Errorf("anchored again in transaction %s, want the first, %s", got, first)
	}
	if now, _ := c.Height(t.Context()); now != height {
		t.Errorf("height went from %d to %d: what is anchored must not be ordered again", height, now)
	}
}

func TestAnchorRefuses(t *testing.T) {
	c := open(t, fabricConfig)
	l := newLog(t).register(c).grow(8, "leaf")
	l.mustAnchor(c, 0)
	l.grow(8, "leaf").mustAnchor(c, 8)

	forked := newLogOf(l).grow(16, "other")
	longer := newLogOf(l).grow(20, "other")
	next := l.fork().grow(4, "leaf")
	flipped := next.proof(16)
	flipped[0][7] ^= 1
	badSig := next.checkpoint()
	badSig[len(badSig)-10] = 'A' + (badSig[len(badSig)-10]+1)%26
	stranger := newLog(t).grow(4, "leaf")
	impostor, _ := next.rotation()

	for _, test := range []struct {
		name string
		err  error
		code string
	}{
		{"same size, other root", anchorErr(t, c, forked, 0), "FORK"},
		{"smaller, never anchored", anchorErr(t, c, newLogOf(l).grow(12, "leaf"), 8), "ROLLBACK"},
		{"smaller, with another root", anchorErr(t, c, newLogOf(l).grow(8, "other"), 0), "ROLLBACK"},
		{"other tree with its own proof", anchorErr(t, c, longer, 16), "INCONSISTENT"},
		{"proof of another pair", anchorErr(t, c, next, 8), "INCONSISTENT"},
		{"no proof", anchorErr(t, c, next, 0), "INCONSISTENT"},
		{"a bit of the proof flipped", second(c.Anchor(t.Context(), l.origin, sequencer.Submission{Note: next.checkpoint(), Proof: flipped})), "INCONSISTENT"},
		{"a bit of the signature flipped", second(c.Anchor(t.Context(), l.origin, sequencer.Submission{Note: badSig, Proof: next.proof(16)})), "SIG"},
		{"another key of the same name", anchorErr(t, c, impostor, 16), "SIG"},
		{"note of another log", second(c.Anchor(t.Context(), l.origin, stranger.submission(0))), "NOTE"},
		{"unknown log", anchorErr(t, c, stranger, 0), "LOG"},
		{"not a note", second(c.Anchor(t.Context(), l.origin, sequencer.Submission{Note: []byte("x")})), "NOTE"},
	} {
		t.Run(test.name, func(t *testing.T) { wantRefusal(t, test.err, test.code) })
	}
	if size, _, err := c.Head(t.Context(), l.origin); size != 16 || err != nil {
		t.Errorf("head has size %d, %v; refusals must leave it at 16", size, err)
	}
}

func TestRivalsFromOneHeadLeaveOneWinner(t *testing.T) {
	c, d := open(t, fabricConfig), open(t, fabricConfig)
	l := newLog(t).register(c).grow(4, "leaf")
	l.mustAnchor(c, 0)
	a, b := l.fork().grow(3, "a"), l.fork().grow(5, "b")
	results := make(chan error, 2)
	go func() { _, _, err := a.anchor(t.Context(), c, 4); results <- err }()
	go func() { _, _, err := b.anchor(t.Context(), d, 4); results <- err }()
	var won int
	for range 2 {
		if err := <-results; err == nil {
			won++
		} else if !errors.Is(err, plinth.ErrConflict) {
			t.Errorf("the loser gets %v, want a conflict", err)
		}
	}
	if won != 1 {
		t.Fatalf("%d rivals won, want one", won)
	}
	size, root, err := c.Head(t.Context(), l.origin)
	if err != nil || (size == a.size && root != a.root()) || (size == b.size && root != b.root()) {
		t.Errorf("head is of neither rival: size %d, %v", size, err)
	}
}

func TestRivalsWithTheSameCheckpointBothSucceed(t *testing.T) {
	c, d := open(t, fabricConfig), open(t, fabricConfig)
	l := newLog(t).register(c).grow(4, "leaf")
	l.mustAnchor(c, 0)
	l.grow(4, "leaf")
	type result struct {
		tx  string
		err error
	}
	results := make(chan result, 2)
	for _, client := range []anchorer{c, d} {
		go func() {
			a, err := client.Anchor(t.Context(), l.origin, l.submission(4))
			results <- result{a.TxID, err}
		}()
	}
	x, y := <-results, <-results
	if x.err != nil || y.err != nil || x.tx != y.tx {
		t.Errorf("got %+v and %+v, want the same transaction", x, y)
	}
}

func wantRefusal(t *testing.T, err error, code string) {
	t.Helper()
	if !errors.Is(err, plinth.ErrConflict) || !strings.Contains(err.Error(), code+": ") {
		t.Errorf("got %v, want a refusal with %s", err, code)
	}
}
