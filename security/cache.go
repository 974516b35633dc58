package security

import (
	"sync"
	"time"
)

// cacheLife bounds how long another instance's revocation can go unnoticed; our own are noticed at once.
const cacheLife = 2 * time.Second

const maxCached = 4096

// cache remembers what bearers stand for, for a moment. Its zero value is empty.
type cache struct {
	mu  sync.Mutex
	all map[[32]byte]cached
	gen uint64 // grows with every invalidation
}

type cached struct {
	credential Credential
	until      time.Time
}

func (c *cache) get(hash [32]byte, now time.Time) (Credential, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.all[hash]
	return e.credential, ok && now.Before(e.until)
}

// generation is taken before reading the store: what was read before an invalidation is not put after it.
func (c *cache) generation() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gen
}

func (c *cache) put(hash [32]byte, cr Credential, now time.Time, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen != generation {
		return
	}
	if c.all == nil || len(c.all) >= maxCached {
		c.all = map[[32]byte]cached{}
	}
	c.all[hash] = cached{cr, now.Add(cacheLife)}
}

func (c *cache) forget(hash [32]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, hash)
	c.gen++
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.all)
	c.gen++
}
