package pipelines

import (
	"context"
	"sync"
	"sync/atomic"
)

// Gates hold the pipelines that are paused and have the others' rules. The zero value lets all through without a rule.
// Many goroutines may use it.
type Gates struct {
	rules atomic.Pointer[map[string]*Rules] // asked for every message

	mu    sync.Mutex
	shut  map[string]Pause
	moved chan struct{} // closed when shut changes
}

// Set says which pipelines are paused and what rules each has, in place of what was said before.
func (g *Gates) Set(shut map[string]Pause, rules map[string]*Rules) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	g.rules.Store(&rules)
	if g.moved != nil {
		close(g.moved)
		g.moved = nil
	}
}

// Paused returns the pause of a pipeline, if it has one.
func (g *Gates) Paused(id string) (Pause, bool) {
	if g == nil {
		return Pause{}, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p, ok := g.shut[id]
	return p, ok
}

// Rules returns a pipeline's rules; nil when it has none.
func (g *Gates) Rules(id string) *Rules {
	if g == nil {
		return nil
	}
	rules := g.rules.Load()
	if rules == nil {
		return nil
	}
	return (*rules)[id]
}

// Wait returns when the pipeline runs, at once if it does, or when ctx ends, with its error.
func (g *Gates) Wait(ctx context.Context, id string) error {
	for {
		moved, shut := g.watch(id)
		if !shut {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

func (g *Gates) watch(id string) (moved <-chan struct{}, shut bool) {
	if g == nil {
		return nil, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.moved == nil {
		g.moved = make(chan struct{})
	}
	_, shut = g.shut[id]
	return g.moved, shut
}
