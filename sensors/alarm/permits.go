package alarm

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"plinth/internal/periodic"
)

// Permits knows the permits of the last weeks by heart, so that an alarm need not wait for the store.
type Permits struct {
	store  PermitStore
	now    func() time.Time
	log    *slog.Logger
	bySite atomic.Pointer[map[permitKey][]Permit]
}

type permitKey struct{ kind, site string }

// NewPermits returns a Permits that knows none; see Reload.
func NewPermits(s PermitStore, now func() time.Time, log *slog.Logger) *Permits {
	p := &Permits{store: s, now: now, log: log}
	p.bySite.Store(&map[permitKey][]Permit{})
	return p
}

const (
	permitsEvery = 10 * time.Second
	permitsKept  = 35 * 24 * time.Hour // after their end, for what comes late
)

// Excuse finds the permit that covers a site at a moment.
func (p *Permits) Excuse(kind, site string, at time.Time) (Permit, bool) {
	for _, x := range (*p.bySite.Load())[permitKey{kind, site}] {
		if x.Covers(at) {
			return x, true
		}
	}
	return Permit{}, false
}

// Reload reads the permits.
func (p *Permits) Reload(ctx context.Context) error {
	next := map[permitKey][]Permit{}
	oldest := p.now().Add(-permitsKept)
	for f := (PermitFilter{Limit: MaxPermits}); ; f.Offset += f.Limit {
		page, _, err := p.store.Permits(ctx, f)
		if err != nil {
			return err
		}
		for _, x := range page {
			key := permitKey{x.Kind, x.Site}
			next[key] = append(next[key], x)
		}
		if len(page) < f.Limit || page[len(page)-1].To.Before(oldest) {
			p.bySite.Store(&next)
			return nil
		}
	}
}

// Run reads the permits again and again until ctx ends. While they cannot be read the old ones count.
func (p *Permits) Run(ctx context.Context) error {
	return periodic.After(permitsEvery).Try(ctx, p.log, "permits not read, the old ones count", p.Reload)
}
