package fabric_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"plinth/internal/stack/stacktest"
	"plinth/ledger/fabric"
)

// follower collects the events of one log.
type follower struct {
	mu     sync.Mutex
	events []fabric.Event
	ended  chan error
}

func follow(ctx context.Context, c *fabric.Client, from uint64, origin string) *follower {
	f := &follower{ended: make(chan error, 1)}
	go func() {
		f.ended <- c.Follow(ctx, from, func(e fabric.Event) error {
			if strings.Contains(string(e.Payload), origin) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.events = append(f.events, e)
			}
			return nil
		})
	}()
	return f
}

func (f *follower) txs() (txs []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		txs = append(txs, e.TxID)
	}
	return txs
}

// A second instance follows the first: from a block on, over the death of the peer it reads from, without a loss and
// without a repetition.
func TestASecondInstanceFollowsWithoutALoss(t *testing.T) {
	n := stacktest.FabricNetwork(t)
	c, d := open(t, fabricConfig), open(t, fabric.Config{Patience: time.Second, Commit: 3 * time.Second})
	l := newLog(t)
	from, err := c.Height(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.register(c).grow(1, "leaf")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	f := follow(ctx, d, from, l.origin)
	txs := []string{l.mustAnchor(c, 0)}
	for round := range 3 {
		if round == 1 {
			kill(t, n, "peer-bureau")
		}
		size := l.size
		l.grow(1, "leaf")
		var tx string
		eventually(t, 60*time.Second, func() (err error) { tx, _, err = l.anchor(t.Context(), c, size); return err })
		txs = append(txs, tx)
	}
	eventually(t, 60*time.Second, func() error {
		if got := f.txs(); len(got) < 1+len(txs) { // the key's event comes first
			return errors.New(strings.Join(got, " "))
		}
		return nil
	})
	if got := f.txs(); !slices.Equal(got[1:], txs) || f.events[0].Name != "key" || f.events[1].Name != "anchored" {
		t.Errorf("told of %v, want %v", got, txs)
	}
	if got := string(f.events[4].Payload); got != string(l.checkpoint()) {
		t.Errorf("the newest event holds %q, want the newest checkpoint", got)
	}
	stop()
	if err := <-f.ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	// Whoever begins again at a block is told again of what is in it.
	again := follow(t.Context(), d, f.events[2].Block, l.origin)
	eventually(t, 60*time.Second, func() error {
		if got := again.txs(); !slices.Equal(got, txs[1:]) {
			return errors.New("again: " + strings.Join(got, " "))
		}
		return nil
	})
}

func TestFollowEndsWithTheFollowersError(t *testing.T) {
	c := open(t, fabricConfig)
	newLog(t).register(c)
	enough := errors.New("enough")
	if err := c.Follow(t.Context(), 0, func(fabric.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}
