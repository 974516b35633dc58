package pipelines

import (
	"context"
	"sync"
	"time"

	"plinth/internal/periodic"
)

// Health is how a pipeline does, in one word.
type Health string

// The healths.
const (
	HealthOK      Health = "ok"
	HealthIdle    Health = "idle"    // nothing came for a while
	HealthBehind  Health = "behind"  // what is stored is old, or much waits
	HealthFailing Health = "failing" // the store or the source does not answer, or more is refused than stored
	HealthPaused  Health = "paused"
	HealthNever   Health = "never" // nothing has come yet
)

// Bounds of health.
const (
	behindLag     = 5 * time.Minute
	behindBacklog = 10_000
	idleAfter     = 15 * time.Minute
)

// Totals are the sums of a pipeline's runs, and its newest run.
type Totals struct {
	In, Stored, Known, Dead int64
	Last                    Run // without an id when there was none
}

// Figures are what a pipeline does. Those of the present are of all members of the ingest, since this process began.
type Figures struct {
	Totals
	Health   Health
	PerS     float64   // rows of the last minute, a second
	StoredAt time.Time // when rows were stored last
	Newest   time.Time // the newest time that stored rows tell of
	Lag      time.Duration
	Backlog  int64 // taken and not acknowledged; -1 when not known
}

// FiguresOf tells how p does. The pace is of its stream; the zero Pace of what has none.
func FiguresOf(p *Pipeline, t Totals, pace Pace, now time.Time) Figures {
	f := Figures{Totals: t, PerS: pace.PerS, StoredAt: pace.Stored, Newest: pace.Newest, Backlog: -1}
	if !f.Newest.IsZero() && f.StoredAt.After(f.Newest) {
		f.Lag = f.StoredAt.Sub(f.Newest)
	}
	switch p.Kind {
	case StreamPipeline:
		f.Backlog = pace.Total.Waiting
	case HTTPPipeline: // it has no runs: what it says is since the start
		f.Stored, f.Dead, f.In = pace.Total.Rows, pace.Total.Dead, pace.Total.Rows+pace.Total.Dead
	default:
		f.fromRun(now)
	}
	f.Health = f.health(p, pace, now)
	return f
}

// fromRun fills in what the newest run tells.
func (f *Figures) fromRun(now time.Time) {
	r := f.Last
	if r.ID == "" {
		return
	}
	f.StoredAt = r.Ended
	if r.State == Running {
		f.StoredAt = now
	}
	if took := f.StoredAt.Sub(r.Started); took > 0 && now.Sub(f.StoredAt) < time.Minute {
		f.PerS = float64(r.Stored+r.Known) / max(took.Seconds(), 60)
	}
}

func (f *Figures) health(p *Pipeline, pace Pace, now time.Time) Health {
	switch {
	case p.Pause != nil:
		return HealthPaused
	case f.Last.State == Failed, pace.Retrying, pace.Dead > pace.Rows:
		return HealthFailing
	case f.Lag > behindLag, f.Backlog > behindBacklog:
		return HealthBehind
	case f.In == 0 && f.StoredAt.IsZero():
		return HealthNever
	case now.Sub(f.StoredAt) > idleAfter:
		return HealthIdle
	}
	return HealthOK
}

// Pace is what one domain did in the last minute.
type Pace struct {
	PerS           float64
	Rows, Dead     int64
	Retrying       bool      // the newest attempts to store failed
	Stored, Newest time.Time // since the start
	Total          Counts    // since the start
}

// paceTicks samples, paceEvery apart, make the minute.
const (
	paceTicks = 12
	paceEvery = 5 * time.Second
)

// Paces samples a Meter, so that rates need no more than two of its states.
type Paces struct {
	meter *Meter

	mu   sync.Mutex
	past []map[string]Counts // the oldest first
	at   []time.Time
}

// NewPaces returns the paces of what m counts.
func NewPaces(m *Meter) *Paces { return &Paces{meter: m} }

// Run samples until ctx ends.
func (p *Paces) Run(ctx context.Context, now func() time.Time) error {
	return periodic.AtOnce(paceEvery).Run(ctx, func(context.Context) error { p.Sample(now()); return nil })
}

// Sample remembers the counts of a moment.
func (p *Paces) Sample(at time.Time) {
	now := map[string]Counts{}
	for _, c := range p.meter.Counts() {
		now[c.Domain] = c
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.past, p.at = append(p.past, now), append(p.at, at)
	if len(p.past) > paceTicks+1 {
		p.past, p.at = p.past[1:], p.at[1:]
	}
}

// Of returns a domain's pace at a moment.
func (p *Paces) Of(domain string, now time.Time) Pace {
	c := p.meter.Of(domain)
	out := Pace{Stored: c.Stored, Newest: c.Newest, Total: c}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.past) == 0 {
		return out
	}
	before, last := p.past[0][domain], p.past[len(p.past)-1][domain]
	out.Rows, out.Dead = c.Rows-before.Rows, c.Dead-before.Dead
	if s := now.Sub(p.at[0]).Seconds(); s > 0 {
		out.PerS = float64(out.Rows) / s
	}
	out.Retrying = c.Retries > last.Retries && c.Batches == last.Batches
	return out
}
