package security

import (
	"sync"
	"time"

	"plinth"
)

// After freeFailures wrong passwords in a row a login must wait, twice as long after each further one.
const (
	freeFailures = 5
	firstWait    = 30 * time.Second
	longestWait  = 15 * time.Minute
	maxLogins    = 10_000
)

// attempts counts wrong passwords by login, known or not, so that waiting tells a guesser nothing. It lives in memory:
// a restart forgives, and each instance of the service counts for itself.
type attempts struct {
	mu  sync.Mutex
	all map[string]*failures
}

type failures struct {
	n     int
	until time.Time
}

// check returns ErrExhausted while the login must wait.
func (a *attempts) check(login string, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f := a.all[login]; f != nil && now.Before(f.until) {
		wait := f.until.Sub(now).Round(time.Second)
		return plinth.Errorf(plinth.ErrExhausted, "too many wrong passwords; try again in %s", max(wait, time.Second))
	}
	return nil
}

// failed notes a wrong password.
func (a *attempts) failed(login string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil || len(a.all) >= maxLogins {
		a.all = map[string]*failures{}
	}
	f := a.all[login]
	if f == nil {
		f = &failures{}
		a.all[login] = f
	}
	f.n++
	if over := f.n - freeFailures; over >= 0 {
		f.until = now.Add(min(firstWait<<min(over, 10), longestWait))
	}
}

// passed forgets a login's failures.
func (a *attempts) passed(login string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.all, login)
}
