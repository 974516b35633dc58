package sequencer

import (
	"container/list"
	"sync"
)

// cache keeps the most recently used values, at most so many. Values must not be changed. It is safe for concurrent
// use.
type cache[K comparable, V any] struct {
	most  int
	mu    sync.Mutex
	index map[K]*list.Element
	order *list.List // of pairs, the most recent first
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func newCache[K comparable, V any](most int) *cache[K, V] {
	return &cache[K, V]{most: most, index: map[K]*list.Element{}, order: list.New()}
}

func (c *cache[K, V]) get(key K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.index[key]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(pair[K, V]).value, true
}

func (c *cache[K, V]) put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.index[key]; ok {
		e.Value = pair[K, V]{key, value}
		c.order.MoveToFront(e)
		return
	}
	c.index[key] = c.order.PushFront(pair[K, V]{key, value})
	if c.order.Len() > c.most {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.index, last.Value.(pair[K, V]).key)
	}
}
