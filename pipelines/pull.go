package pipelines

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"plinth"
	"plinth/internal/periodic"
)

// Fetcher asks endpoints of others. Many goroutines may use it.
type Fetcher interface {
	// Fetch asks once. *Busy: the endpoint does not answer now and may be asked again; ErrDenied: the address may not be
	// asked; ErrExhausted: the answer is too long. No sentence of an error holds a secret.
	Fetch(ctx context.Context, a Ask) (Answer, error)
}

// Ask is one question.
type Ask struct {
	URL            string
	Secret         string // the name of a credential; empty without one
	ETag, Modified string // what the answer was before, to be told when it is the same
	Timeout        time.Duration
}

// Answer is what an endpoint said.
type Answer struct {
	Body           []byte
	Unchanged      bool   // it is as Ask.ETag or Ask.Modified says; there is no body
	Missing        bool   // there is nothing at the URL; there is no body
	ETag, Modified string // for the next question; empty when they cannot be relied on
	Next           string // the link to the next page (RFC 8288), absolute and of the same origin; empty without one
}

// Busy is an endpoint that does not answer now.
type Busy struct {
	Err   error
	After time.Duration // as it wished by Retry-After; 0 when it did not say
}

func (b *Busy) Error() string { return b.Err.Error() }

// Unwrap gives the error, which is ErrUnavailable.
func (b *Busy) Unwrap() error { return b.Err }

// Leases say which of several processes does something. A lease ends by the store's clock, so that a process that dies
// leaves it to the others. A call is durable when it returns.
type Leases interface {
	// Lease takes a lease, or renews the holder's own, and tells whether it is the holder's for ttl from now.
	Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
	// Release gives the holder's lease back.
	Release(ctx context.Context, name, holder string) error
}

// Puller asks the endpoints of the declared pull pipelines on schedule. The cursor is kept after the rows it tells of are
// stored; what is then asked twice is stored once, by its identity. Of several pullers one asks an endpoint at a time.
type Puller struct {
	Importer *Importer // its Gates pause pulls and judge their rows
	Fetcher  Fetcher
	Mappings func() map[string]*Mapping
	Declared func(ctx context.Context) ([]Pipeline, error)
	Marks    Marks
	Leases   Leases
	Holder   string        // our name, of this process alone
	Pause    time.Duration // before the first retry, doubled with each; a second when 0
	Now      func() time.Time
	Log      *slog.Logger

	mu    sync.Mutex
	known map[string]*pulled // by the pipeline's id
}

// pulled is what this process knows of a pipeline. While busy is set it is the turn's, but for busy itself.
type pulled struct {
	busy    bool
	version int64
	due     time.Time
	quiet   Run                   // the newest run, when nothing new came by it; without an id otherwise
	refused map[[32]byte]struct{} // records that are in dead letters already
}

// Bounds of pulling.
const (
	pullEvery    = time.Second      // how often it is looked what is due
	pullsAtOnce  = 4                // of all pipelines
	pullTTL      = 30 * time.Second // of a lease
	pullRenew    = 5 * time.Second
	pullPages    = 100    // of one run; the next goes on
	readingPages = 10_000 // of one reading; an endpoint that has more does not end
	pullAttempts = 4      // at one page
	longestPause = time.Minute
	longestAfter = 24 * time.Hour
	maxRefused   = 10_000
)

// Run pulls until ctx ends, and returns when all turns have ended.
func (p *Puller) Run(ctx context.Context) error {
	var turns sync.WaitGroup
	defer turns.Wait()
	return periodic.AtOnce(pullEvery).Try(ctx, p.Log, "pipelines not read, nothing is pulled", func(ctx context.Context) error {
		due, err := p.due(ctx)
		for _, pl := range due {
			turns.Go(func() { p.onSchedule(ctx, pl) })
		}
		return err
	})
}

// due takes the pipelines whose turn it is.
func (p *Puller) due(ctx context.Context) ([]Pipeline, error) {
	all, err := p.Declared(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	busy := 0
	for _, k := range p.known {
		if k.busy {
			busy++
		}
	}
	var out []Pipeline
	for _, pl := range all {
		if pl.Kind != PullPipeline || pl.Pause != nil || busy+len(out) >= pullsAtOnce {
			continue
		}
		k := p.of(pl.ID)
		if k.version != pl.Version && !k.busy {
			k.version, k.due = pl.Version, time.Time{}
		}
		if !k.busy && !p.Now().Before(k.due) {
			k.busy = true
			out = append(out, pl)
		}
	}
	return out, nil
}

// of is what is known of a pipeline. p.mu is held.
func (p *Puller) of(id string) *pulled {
	if p.known == nil {
		p.known = map[string]*pulled{}
	}
	if p.known[id] == nil {
		p.known[id] = &pulled{}
	}
	return p.known[id]
}

// onSchedule gives a pipeline its turn, if another process has not just done so, and says when the next is.
func (p *Puller) onSchedule(ctx context.Context, pl Pipeline) {
	next, err := p.turn(ctx, pl, false)
	if err != nil && ctx.Err() == nil {
		p.Log.WarnContext(ctx, "endpoint not pulled", "pipeline", pl.ID, "err", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.of(pl.ID)
	k.busy, k.due = false, next
}

// Pull gives a pipeline a turn now. ErrConflict: it has one already, here or elsewhere.
func (p *Puller) Pull(ctx context.Context, pl Pipeline) error {
	p.mu.Lock()
	k := p.of(pl.ID)
	taken := k.busy
	k.busy = true
	p.mu.Unlock()
	if taken {
		return plinth.Errorf(plinth.ErrConflict, "the endpoint of %s is being pulled", pl.ID)
	}
	_, err := p.turn(ctx, pl, true)
	p.mu.Lock()
	defer p.mu.Unlock()
	k.busy = false
	return err
}

// turn asks an endpoint under the pipeline's lease and returns when the next turn is. Without now it first looks whether
// the turn is still due.
func (p *Puller) turn(ctx context.Context, pl Pipeline, now bool) (time.Time, error) {
	later := p.Now().Add(pl.Source.Interval())
	ours, err := p.Leases.Lease(ctx, pl.ID, p.Holder, pullTTL)
	if err != nil {
		return p.Now().Add(pullRenew), err
	}
	if !ours && now {
		return later, plinth.Errorf(plinth.ErrConflict, "another process pulls the endpoint of %s", pl.ID)
	}
	if !ours {
		return p.Now().Add(pullRenew), nil
	}
	ctx, release := p.hold(ctx, pl.ID)
	defer release()
	key := pl.Source.key()
	mark, err := p.Marks.Mark(ctx, pl.ID, key)
	if err != nil {
		return later, err
	}
	r, err := readReading(mark)
	if err != nil {
		return later, err
	}
	if next := nextTurn(&pl, &r); !now && p.Now().Before(next) {
		return next, nil
	}
	t := &turn{Puller: p, pl: pl, e: &pl.Source.Endpoint, r: &r, key: key, begun: p.Now(), state: p.state(pl.ID)}
	more, err := t.do(ctx)
	if more && err == nil {
		return p.Now(), nil
	}
	return nextTurn(&pl, &r), err
}

func (p *Puller) state(id string) *pulled {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of(id)
}

// nextTurn is when an endpoint may be asked again. A reading that is under way goes on at once.
func nextTurn(pl *Pipeline, r *reading) time.Time {
	next := r.Asked.Add(pl.Source.Interval())
	if r.NotBefore.After(next) {
		return r.NotBefore
	}
	return next
}

// hold renews the lease until release is called. When it is lost, the context ends.
func (p *Puller) hold(ctx context.Context, id string) (held context.Context, release func()) {
	held, stop := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		stop(p.renew(held, id))
	}()
	return held, func() {
		stop(nil)
		<-done
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), pullRenew)
		defer cancel()
		if err := p.Leases.Release(after, id, p.Holder); err != nil {
			p.Log.WarnContext(ctx, "lease not given back, it is free when it ends", "pipeline", id, "err", err)
		}
	}
}

// renew renews the lease until ctx ends, or until it is lost, which is errLeaseLost.
func (p *Puller) renew(ctx context.Context, id string) error {
	last := time.Now()
	return periodic.After(pullRenew).Run(ctx, func(ctx context.Context) error {
		ours, err := p.Leases.Lease(ctx, id, p.Holder, pullTTL)
		switch {
		case err == nil && ours:
			last = time.Now()
		case err == nil, time.Since(last) > pullTTL-pullRenew:
			return errLeaseLost
		}
		return nil
	})
}

var errLeaseLost = errors.New("another process pulls the endpoint now")
