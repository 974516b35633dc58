package main

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"plinth/internal/periodic"
)

// Probing rhythm: an engine that dies is seen within a second or two.
const (
	probeEvery  = time.Second
	probeWithin = 2 * time.Second
)

// engineState is how one engine was found.
type engineState struct {
	Name      string    `json:"name"`
	Ready     bool      `json:"ready"`
	Detail    string    `json:"detail"`
	CheckedAt time.Time `json:"checkedAt"`
}

// readiness asks the engines one by one, again and again, so that an answer never waits for a sick engine.
type readiness struct {
	probes map[string]func(context.Context) error

	mu     sync.RWMutex
	states map[string]engineState
}

func newReadiness(probes map[string]func(context.Context) error) *readiness {
	r := &readiness{probes: probes, states: map[string]engineState{}}
	for name := range probes {
		r.states[name] = engineState{Name: name, Detail: "not asked yet"}
	}
	return r
}

// run asks until ctx ends.
func (r *readiness) run(ctx context.Context) error {
	var wg sync.WaitGroup
	for name, probe := range r.probes {
		wg.Go(func() {
			_ = periodic.AtOnce(probeEvery).Run(ctx, func(ctx context.Context) error { r.ask(ctx, name, probe); return nil })
		})
	}
	wg.Wait()
	return nil
}

func (r *readiness) ask(ctx context.Context, name string, probe func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	s := engineState{Name: name, Ready: true, Detail: "serves"}
	if err := probe(ctx); err != nil {
		s.Ready, s.Detail = false, "does not answer: it is tried again every second"
	}
	s.CheckedAt = time.Now().UTC()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states[name] = s
}

// engines returns the states, by name.
func (r *readiness) engines() []engineState {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var all []engineState
	for _, s := range r.states {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b engineState) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// ready tells whether every engine serves.
func (r *readiness) ready() bool {
	return !slices.ContainsFunc(r.engines(), func(s engineState) bool { return !s.Ready })
}

// ServeHTTP answers /readyz: 200 when all engines serve, else 503, with each engine's state.
func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if !r.ready() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(struct {
		Ready   bool          `json:"ready"`
		Engines []engineState `json:"engines"`
	}{r.ready(), r.engines()})
}
