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
	now     func() time.Time
	every   rate.Limit
	burst   int
	refusal string // the sentence for who asks too often

	mu  sync.Mutex
	all map[string]*rate.Limiter
}

const maxLimiters = 10_000

func newLimiter(now func() time.Time, perMinute, burst int, refusal string) *limiter {
	return &limiter{now: now, every: rate.Limit(float64(perMinute) / 60), burst: burst, refusal: refusal, all: map[string]*rate.Limiter{}}
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
		return plinth.Errorf(plinth.ErrExhausted, "%s", l.refusal)
	}
	return nil
}
