package vitals

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"plinth"
	"plinth/internal/periodic"
	"plinth/ledger"
)

// Store keeps the indicators' versions. It is durable when a call returns.
type Store interface {
	// Indicators returns the newest version of each, retired ones too, in order of ids.
	Indicators(ctx context.Context) ([]Version, error)
	// Versions returns all versions of one, the newest first; ErrNotFound when there is none.
	Versions(ctx context.Context, id string) ([]Version, error)
	// Ship makes new versions of what files say where it differs from the newest version and no person has changed it.
	Ship(ctx context.Context, files []Version, at time.Time) error
	// Append stores v with its record in one transaction. ErrConflict when the newest version is not the one before it.
	Append(ctx context.Context, v Version, rec ledger.Record) error
}

// Values keeps what indicators were. A value computed again replaces the one before.
type Values interface {
	Put(ctx context.Context, vs []Value) error
	// Now returns the newest value of each indicator and street.
	Now(ctx context.Context) ([]Value, error)
	// At returns an indicator's values of periods that begin at the moments, in order of time.
	At(ctx context.Context, indicator string, from []time.Time) ([]Value, error)
	// Between returns an indicator's values of periods that begin from one moment until before another, in order of time.
	Between(ctx context.Context, indicator string, from, to time.Time) ([]Value, error)
	// History returns at most the newest values of one place, in order of time.
	History(ctx context.Context, indicator, street string, from, to time.Time, most int) ([]Value, error)
	// Touched returns the beginnings of the Steps whose readings or events were inserted from one moment until before
	// another.
	Touched(ctx context.Context, from, to time.Time) ([]time.Time, error)
}

// Config is what a Keeper is made of.
type Config struct {
	Store  Store
	Values Values
	Engine Engine
	Now    func() time.Time
	Log    *slog.Logger
}

// Keeper knows the indicators and keeps their values current. Many goroutines may use it; one runs Run.
type Keeper struct {
	Config

	mu     sync.Mutex
	known  []Version            // the newest of each, in order of ids
	faults map[string]string    // by indicator: why its newest computation failed
	done   map[string]time.Time // by indicator: the beginning of its newest computed period
	seen   time.Time            // rows inserted before were looked for
}

// New returns a keeper. Load reads the indicators.
func New(c Config) *Keeper {
	return &Keeper{Config: c, faults: map[string]string{}, done: map[string]time.Time{}}
}

// Load makes versions of what files say, and reads all indicators and how far their values are.
func (k *Keeper) Load(ctx context.Context, files []Version) error {
	if err := k.Store.Ship(ctx, files, k.Now()); err != nil {
		return fmt.Errorf("ship indicators: %w", err)
	}
	if err := k.reload(ctx); err != nil {
		return err
	}
	newest, err := k.Values.Now(ctx)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range newest {
		if v.Street == "" && v.From.After(k.done[v.Indicator]) {
			k.done[v.Indicator] = v.From
		}
		if v.Computed.After(k.seen) {
			k.seen = v.Computed
		}
	}
	return nil
}

func (k *Keeper) reload(ctx context.Context) error {
	all, err := k.Store.Indicators(ctx)
	if err != nil {
		return fmt.Errorf("read indicators: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known = all
	return nil
}

func (k *Keeper) versions() []Version {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known
}

// Version returns the newest version of an indicator, ErrNotFound when there is none.
func (k *Keeper) Version(id string) (Version, error) {
	all := k.versions()
	i := slices.IndexFunc(all, func(v Version) bool { return v.ID == id })
	if i < 0 {
		return Version{}, plinth.Errorf(plinth.ErrNotFound, "there is no indicator %.64q", id)
	}
	return all[i], nil
}

// How often Run looks, how long a period rests before it is computed, and how much of the past it makes up for.
const (
	tickEvery  = 30 * time.Second
	settle     = 90 * time.Second
	touchLag   = time.Minute
	firstPast  = 6 * time.Hour
	longPast   = 7 * 24 * time.Hour
	mostAtOnce = 24
	touchReach = 35 * 24 * time.Hour
)

// Run computes what is due until ctx ends. What fails now is tried again at the next tick.
func (k *Keeper) Run(ctx context.Context) error {
	return periodic.AtOnce(tickEvery).Try(ctx, k.Log, "vital signs not computed", k.Tick)
}

// Tick computes again what late rows touched, and then what has come due. One indicator's fault does not hold up others.
func (k *Keeper) Tick(ctx context.Context) error {
	if err := k.reload(ctx); err != nil {
		return err
	}
	if err := k.touched(ctx); err != nil {
		return err
	}
	for _, v := range k.versions() {
		if v.Retired {
			continue
		}
		err := k.due(ctx, v)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		k.fault(ctx, v, err)
	}
	return nil
}

// fault remembers why v fails, or that it does not.
func (k *Keeper) fault(ctx context.Context, v Version, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		delete(k.faults, v.ID)
		return
	}
	if k.faults[v.ID] != err.Error() {
		k.Log.WarnContext(ctx, "indicator fails", "indicator", v.ID, "version", v.Version, "err", err)
	}
	k.faults[v.ID] = err.Error()
}

// due computes the periods of v that have ended and are not computed yet, the oldest first.
func (k *Keeper) due(ctx context.Context, v Version) error {
	every := time.Duration(v.Every)
	newest := periodOf(k.Now().Add(-settle), every).Add(-every)
	from := k.next(v, newest)
	for n := 0; n < mostAtOnce && !from.After(newest); n++ {
		if _, err := k.compute(ctx, v, from); err != nil {
			return err
		}
		k.mu.Lock()
		k.done[v.ID] = from
		k.mu.Unlock()
		from = from.Add(every)
	}
	return nil
}

// next is where v goes on: after what is done, but no farther back than is worth making up for.
func (k *Keeper) next(v Version, newest time.Time) time.Time {
	k.mu.Lock()
	done, ok := k.done[v.ID]
	k.mu.Unlock()
	every, reach := time.Duration(v.Every), longPast
	from := done.Add(every)
	if !ok {
		reach = firstPast
	}
	if first := newest.Add(-reach.Truncate(every)); !ok || from.Before(first) {
		return first
	}
	return from
}

// touched computes periods again whose rows came after they were computed.
func (k *Keeper) touched(ctx context.Context) error {
	until := k.Now().Add(-touchLag)
	k.mu.Lock()
	since := k.seen
	k.mu.Unlock()
	if since.IsZero() || until.Sub(since) > longPast {
		since = until.Add(-touchLag)
	}
	if !since.Before(until) {
		return nil
	}
	steps, err := k.Values.Touched(ctx, since, until)
	if err != nil {
		return fmt.Errorf("look for touched periods: %w", err)
	}
	for _, v := range k.versions() {
		if err := k.again(ctx, v, steps); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			k.fault(ctx, v, err)
		}
	}
	k.mu.Lock()
	k.seen = until
	k.mu.Unlock()
	return nil
}

// again computes v's done periods that hold one of the steps.
func (k *Keeper) again(ctx context.Context, v Version, steps []time.Time) error {
	k.mu.Lock()
	done, ok := k.done[v.ID]
	k.mu.Unlock()
	if !ok || v.Retired {
		return nil
	}
	var last time.Time
	oldest := k.Now().Add(-touchReach)
	for _, at := range steps {
		from := periodOf(at, time.Duration(v.Every))
		if from.After(done) || from.Equal(last) || from.Before(oldest) {
			continue
		}
		last = from
		if _, err := k.compute(ctx, v, from); err != nil {
			return err
		}
	}
	return nil
}

// MaxRecompute is the most periods that one call computes again.
const MaxRecompute = 2000

// Recompute computes an indicator's ended periods from one moment until before another, by the path of the schedule.
func (k *Keeper) Recompute(ctx context.Context, id string, from, to time.Time) (periods, values int, err error) {
	v, err := k.Version(id)
	if err != nil {
		return 0, 0, err
	}
	every := time.Duration(v.Every)
	end := periodOf(k.Now(), every)
	if to.Before(end) {
		end = to
	}
	first := periodOf(from, every)
	if end.Sub(first) > MaxRecompute*every {
		return 0, 0, plinth.Invalid("to", "one call computes at most %d periods of %s", MaxRecompute, every)
	}
	for at := first; at.Before(end); at = at.Add(every) {
		vs, err := k.compute(ctx, v, at)
		if err != nil {
			return periods, values, err
		}
		periods, values = periods+1, values+len(vs)
	}
	return periods, values, nil
}

// shanghai is where days and weeks begin, Monday at midnight: the epoch was a Thursday.
const shanghai = 8*time.Hour + 3*24*time.Hour

// periodOf is the beginning of the period that holds t.
func periodOf(t time.Time, every time.Duration) time.Time {
	s, n := t.Unix()+int64(shanghai/time.Second), int64(every/time.Second)
	return time.Unix(t.Unix()-((s%n)+n)%n, 0).UTC()
}
