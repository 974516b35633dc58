package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"plinth"
)

// limiter bounds calls per minute by the caller's address. It forgets everybody when it would hold too many, so that
// a flood of addresses cannot fill the memory.
type limiter struct {
	now   func() time.Time
	every rate.Limit
	burst int

	mu  sync.Mutex
	all map[string]*rate.Limiter
}

const maxLimiters = 10_000

func newLimiter(now func() time.Time, perMinute, burst int) *limiter {
	return &limiter{now: now, every: rate.Limit(float64(perMinute) / 60), burst: burst, all: map[string]*rate.Limiter{}}
}

// take uses one call of the address's budget, or returns ErrExhausted.
func (l *limiter) take(address string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.all[address]
	if !ok {
		if len(l.all) >= maxLimiters {
			clear(l.all)
		}
		r = rate.NewLimiter(l.every, l.burst)
		l.all[address] = r
	}
	if !r.AllowN(l.now(), 1) {
		return plinth.Errorf(plinth.ErrExhausted, "too many sign-ins from here; wait a minute")
	}
	return nil
}
