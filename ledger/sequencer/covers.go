package sequencer

import (
	"context"
	"slices"
	"sync"

	"plinth/ledger"
)

// maxCovers bounds the attested checkpoints that are kept in memory, of all logs; each has a few KiB.
const maxCovers = 256

// covers remembers which attested checkpoint receipts of which indexes use. That never changes: checkpoints are
// attested in their order, so no older one comes to stand above an index later.
type covers struct {
	mu   sync.RWMutex
	list []cover // in the order in which they were first asked for
}

// cover is an attested checkpoint and the least index known to have it as its oldest.
type cover struct {
	origin ledger.Origin
	from   int64
	anchor Anchor
}

// covering is Store.Covering by way of memory: thousands of receipts share one checkpoint.
func (s *Sequencer) covering(ctx context.Context, o ledger.Origin, index int64) (Anchor, error) {
	if a, ok := s.seen.find(o, index); ok {
		return a, nil
	}
	a, err := s.store.Covering(ctx, o, index)
	if err == nil {
		s.seen.add(cover{o, index, a})
	}
	return a, err
}

func (c *covers) find(o ledger.Origin, index int64) (Anchor, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for i := range c.list {
		if e := &c.list[i]; e.origin == o && e.from <= index && index < e.anchor.Size {
			return e.anchor, true
		}
	}
	return Anchor{}, false
}

func (c *covers) add(n cover) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.list {
		if e := &c.list[i]; e.origin == n.origin && e.anchor.Size == n.anchor.Size {
			e.from = min(e.from, n.from)
			return
		}
	}
	if len(c.list) == maxCovers {
		c.list = slices.Delete(c.list, 0, 1)
	}
	c.list = append(c.list, n)
}

// stamped puts a token to a checkpoint that is remembered without one.
func (c *covers) stamped(o ledger.Origin, size int64, token []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.list {
		if e := &c.list[i]; e.origin == o && e.anchor.Size == size {
			e.anchor.Timestamp = token
		}
	}
}
