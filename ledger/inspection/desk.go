package inspection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"plinth"
)

// MaxRounds is how many things a drill may damage: each costs an audit of a copy.
const MaxRounds = 10_000

// Config is what a Desk is made of.
type Config struct {
	Store   Store
	Works   map[Kind]Work
	Scratch string // a folder of the desk's own; Open empties it
	Now     func() time.Time
	Log     *slog.Logger
}

// Desk takes orders for inspections and carries them out, one at a time.
type Desk struct {
	c     Config
	queue chan Job // has room for the one that Begin admitted

	mu   sync.Mutex // guards what follows
	live Job        // the running one with its newest progress; zero when none runs
	stop context.CancelCauseFunc
}

// Open returns a desk and ends what an earlier process left running. Nothing is carried out until Run.
func Open(ctx context.Context, c Config) (*Desk, error) {
	if err := os.RemoveAll(c.Scratch); err != nil {
		return nil, fmt.Errorf("clear the inspections' folder: %w", err)
	}
	if err := c.Store.Interrupt(ctx, c.Now().UTC()); err != nil {
		return nil, err
	}
	return &Desk{c: c, queue: make(chan Job, 1)}, nil
}

var errCancelled = errors.New("cancelled")

// Start orders an inspection. It returns plinth.ErrConflict while another is running. Rounds is 0 for an audit.
func (d *Desk) Start(ctx context.Context, k Kind, by plinth.Principal, seed uint64, rounds int) (Job, error) {
	if k != Audit && k != Drill {
		return Job{}, plinth.Invalid("kind", "must be %s or %s", Audit, Drill)
	}
	if d.c.Works[k] == nil {
		return Job{}, plinth.Errorf(plinth.ErrUnavailable, "this service cannot carry out %ss", k)
	}
	if k == Drill && (rounds < 1 || rounds > MaxRounds) {
		return Job{}, plinth.Invalid("rounds", "must be 1 to %d", MaxRounds)
	}
	j := Job{ID: plinth.NewID("ij"), Kind: k, State: Running, By: by.Account, ByName: by.Name, Seed: seed, Rounds: rounds,
		StartedAt: d.c.Now().UTC()}
	err := d.c.Store.Begin(ctx, j)
	if errors.Is(err, plinth.ErrConflict) {
		return Job{}, plinth.Errorf(plinth.ErrConflict, "another audit or drill is running; wait for it, or cancel it").Because(err)
	}
	if err != nil {
		return Job{}, err
	}
	d.queue <- j
	return j, nil
}

// Get returns one inspection with its newest progress.
func (d *Desk) Get(ctx context.Context, id string) (Job, error) {
	j, err := d.c.Store.Get(ctx, id)
	return d.refresh(j), err
}

// List returns the newest first, from the one after the id on.
func (d *Desk) List(ctx context.Context, after string, limit int) ([]Job, error) {
	all, err := d.c.Store.List(ctx, after, limit)
	for i := range all {
		all[i] = d.refresh(all[i])
	}
	return all, err
}

// refresh puts the progress that the store has not got yet into the running one.
func (d *Desk) refresh(j Job) Job {
	d.mu.Lock()
	defer d.mu.Unlock()
	if j.State == Running && j.ID == d.live.ID {
		j.Progress = d.live.Progress
	}
	return j
}

// Cancel asks a running inspection to stop; it does so within moments. One that has ended is plinth.ErrConflict.
func (d *Desk) Cancel(ctx context.Context, id string) (Job, error) {
	j, err := d.Get(ctx, id)
	if err != nil {
		return Job{}, err
	}
	if j.State != Running {
		return Job{}, plinth.Errorf(plinth.ErrConflict, "it has ended already")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live.ID != id {
		return Job{}, plinth.Errorf(plinth.ErrUnavailable, "it is about to begin; try again")
	}
	d.stop(errCancelled)
	return j, nil
}

// Run carries out what is ordered until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-d.queue:
			d.carryOut(ctx, j)
		}
	}
}

// carryOut runs one inspection and keeps how it ended. When the service itself ends, it is left for Interrupt.
func (d *Desk) carryOut(ctx context.Context, j Job) {
	own, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	d.mu.Lock()
	d.live, d.stop = j, stop
	d.mu.Unlock()
	out, err := d.work(own, j)
	if ctx.Err() != nil {
		return
	}
	if err := d.c.Store.End(ctx, d.ended(own, out, err)); err != nil {
		d.c.Log.ErrorContext(ctx, "end of an inspection not kept", "inspection", j.ID, "error", err)
	}
	d.mu.Lock()
	d.live = Job{}
	d.mu.Unlock()
}

func (d *Desk) work(ctx context.Context, j Job) (Outcome, error) {
	scratch := filepath.Join(d.c.Scratch, j.ID)
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return Outcome{}, err
	}
	defer os.RemoveAll(scratch)
	return d.c.Works[j.Kind](ctx, j, scratch, func(p Progress) { d.tell(ctx, p) })
}

// tell remembers progress; a new stage is kept as well, so that it can be read after a crash.
func (d *Desk) tell(ctx context.Context, p Progress) {
	d.mu.Lock()
	changed := d.live.Stage != p.Stage
	d.live.Progress = p
	id := d.live.ID
	d.mu.Unlock()
	if !changed {
		return
	}
	if err := d.c.Store.Note(ctx, id, p); err != nil && ctx.Err() == nil {
		d.c.Log.WarnContext(ctx, "progress of an inspection not kept", "inspection", id, "error", err)
	}
}

// ended is the live job with its end.
func (d *Desk) ended(ctx context.Context, out Outcome, err error) Job {
	d.mu.Lock()
	j := d.live
	d.mu.Unlock()
	j.EndedAt, j.Outcome = d.c.Now().UTC(), out
	var said *plinth.Error
	switch {
	case errors.Is(context.Cause(ctx), errCancelled):
		j.State, j.Outcome = Cancelled, Outcome{}
	case err == nil:
		j.State = Done
	case errors.As(err, &said):
		j.State, j.Reason = Failed, said.Text
	default:
		j.State, j.Reason = Failed, "it could not be carried through; the service's log says why"
	}
	if j.State == Failed {
		d.c.Log.ErrorContext(context.WithoutCancel(ctx), "inspection not carried through", "inspection", j.ID, "error", err)
	}
	return j
}
