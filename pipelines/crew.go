package pipelines

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"plinth"
	"plinth/internal/periodic"
)

// Shares says which member works which part of the devices' messages. All members use one. It is durable when a call
// returns, and many may call at once.
type Shares interface {
	// Share renews the member's lease for ttl and returns the parts that it should work so that the living members have
	// equal numbers. What is dealt out is parts and all that any member ever named, so that a partition that messages may
	// come to is never without a member. A part in working that is not returned is to be given up: it stays the member's until a later call
	// does not name it. alone says that no other member lives. ErrConflict: another process has taken the name.
	Share(ctx context.Context, member string, parts, working []string, ttl time.Duration) (held []string, alone bool, err error)
	// Leave gives the member's parts back at once.
	Leave(ctx context.Context, member string) error
}

// Crew is one member: it works the parts it gets and drains those it has to give up. Several crews share the load of one
// deployment. A part is worked by one member at a time as long as clocks run at the same speed; where two overlap for a
// moment, a row's identity keeps it single.
type Crew struct {
	Name   string
	Shares Shares
	Parts  func() []string // all there are now
	// Work works a part until ctx ends, then finishes what it has in hand and returns.
	Work  func(ctx context.Context, part string) error
	TTL   time.Duration // how long a silent member keeps its parts
	Every time.Duration // well below TTL
	Now   func() time.Time
	Log   *slog.Logger

	shifts map[string]*shift
	last   atomic.Int64 // when the newest successful share began, nanoseconds since 1970
	solo   atomic.Bool
}

// Alone tells that no other member lived at the newest share.
func (c *Crew) Alone() bool { return c.solo.Load() }

// Sure tells that what we work is ours: our lease has not ended, or there was nobody to take it. A process that was stopped
// for a while finds itself unsure when it goes on.
func (c *Crew) Sure() bool { return c.solo.Load() || c.silent() < c.TTL }

// silent is how long ago the newest successful share began.
func (c *Crew) silent() time.Duration { return c.Now().Sub(time.Unix(0, c.last.Load())) }

// shift is the work on one part.
type shift struct {
	stop context.CancelFunc
	done chan struct{}
}

// Run works until ctx ends; then it drains, leaves, and returns. It fails when another process has taken its name.
func (c *Crew) Run(ctx context.Context) error {
	c.shifts = map[string]*shift{}
	c.last.Store(c.Now().UnixNano())
	err := periodic.AtOnce(c.Every).Run(ctx, c.share)
	c.leave(context.WithoutCancel(ctx))
	return err
}

// share asks for the parts and brings the work in line with them. While the shares cannot be read a member that has
// company stops before its lease ends, since another may take its parts then.
func (c *Crew) share(ctx context.Context) error {
	began := c.Now()
	held, alone, err := c.Shares.Share(ctx, c.Name, c.Parts(), c.working(), c.TTL)
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, plinth.ErrConflict):
		return err
	case err == nil:
		c.last.Store(began.UnixNano())
		c.solo.Store(alone)
	case c.solo.Load() || c.silent() < c.TTL-2*c.Every:
		c.Log.WarnContext(ctx, "shares not read, the work goes on", "err", err)
		return nil
	default:
		c.Log.WarnContext(ctx, "shares not read, the work stops", "err", err)
	}
	for part, s := range c.shifts {
		if !slices.Contains(held, part) {
			s.stop()
		}
	}
	for _, part := range held {
		if c.shifts[part] == nil {
			c.begin(ctx, part)
		}
	}
	return nil
}

// working are the parts at work or still draining, in order. It forgets those that have ended.
func (c *Crew) working() []string {
	maps.DeleteFunc(c.shifts, func(_ string, s *shift) bool {
		select {
		case <-s.done:
			return true
		default:
			return false
		}
	})
	return slices.Sorted(maps.Keys(c.shifts))
}

func (c *Crew) begin(ctx context.Context, part string) {
	ctx, stop := context.WithCancel(ctx)
	s := &shift{stop: stop, done: make(chan struct{})}
	c.shifts[part] = s
	c.Log.InfoContext(ctx, "part taken", "part", part)
	go func() {
		defer close(s.done)
		defer stop()
		if err := c.Work(ctx, part); err != nil && ctx.Err() == nil {
			c.Log.WarnContext(ctx, "work on a part ended", "part", part, "err", err)
		}
	}()
}

// leave waits for the drained parts and gives them back.
func (c *Crew) leave(ctx context.Context) {
	for _, s := range c.shifts {
		s.stop()
		<-s.done
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := c.Shares.Leave(ctx, c.Name); err != nil {
		c.Log.WarnContext(ctx, "parts not given back, they are free when the lease ends", "err", err)
	}
}
