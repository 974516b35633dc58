package analytics

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Cursor is a place in the order of new events: by receipt, and within one receipt, such as an import's batch, by the
// time at which they happened.
type Cursor struct {
	RX, At           time.Time
	Source, SourceID string
}

// FusionLog is the append-only log and the events it is about.
type FusionLog interface {
	// Recent hands the steps of the n incidents touched last to take, in order of N, each with its event.
	Recent(ctx context.Context, n int, take func(Step) error) error
	// NewEvents returns at most limit events after the cursor, in the cursor's order.
	NewEvents(ctx context.Context, after Cursor, limit int) ([]Event, error)
	// Known tells which of the events the log has, by id.
	Known(ctx context.Context, events []Event) (map[string]bool, error)
	// Append writes steps; they are durable, all of them, when it returns. After an error any of them may be there.
	// Writing a step again changes nothing.
	Append(ctx context.Context, steps []Step) error
}

// Fuser fuses what arrives, live or imported, into incidents. One runs at a time. The log is its only memory: an event
// is decided once, when it is not in the log; after a crash, and after any error, it reads its state from there.
type Fuser struct {
	log   FusionLog
	table *Weights
	now   func() time.Time
	out   *slog.Logger

	fusion *Fusion // nil until read from the log
	n      uint64  // of the last step
	last   time.Time
}

const (
	fuseBatch = 500
	fusePause = time.Second
	// overlap is how far back each pass looks: an event's RX is set before its insertion, so that it may appear behind
	// events with a later one.
	overlap = 10 * time.Minute
)

// NewFuser returns a Fuser that writes to log.
func NewFuser(log FusionLog, t *Weights, now func() time.Time, out *slog.Logger) *Fuser {
	return &Fuser{log: log, table: t, now: now, out: out}
}

// Run fuses until ctx ends; then it returns nil. While the store is away it tries again, ever more slowly.
func (f *Fuser) Run(ctx context.Context) error {
	pause := fusePause
	for {
		switch n, err := f.Pass(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			f.out.WarnContext(ctx, "fusion waits", "error", err, "pause", pause)
			pause = min(2*pause, 30*time.Second)
		default:
			pause = fusePause
			if n > 0 {
				f.out.DebugContext(ctx, "events fused", "events", n, "incidents", f.fusion.Size())
			}
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// Pass fuses all events that are there now and returns how many were new.
func (f *Fuser) Pass(ctx context.Context) (n int, err error) {
	if f.fusion == nil {
		if err := f.load(ctx); err != nil {
			return 0, err
		}
	}
	defer func() {
		if err != nil {
			f.fusion = nil // the log may hold more than is known here
		}
	}()
	at := Cursor{RX: f.last.Add(-overlap)}
	for {
		events, err := f.log.NewEvents(ctx, at, fuseBatch)
		if err != nil {
			return n, fmt.Errorf("read new events: %w", err)
		}
		fresh, err := f.fuse(ctx, events)
		if err != nil {
			return n, err
		}
		n += fresh
		if len(events) < fuseBatch {
			return n, nil
		}
		e := events[len(events)-1]
		at = Cursor{e.RX, e.At, e.Source, e.SourceID}
	}
}

func (f *Fuser) load(ctx context.Context) error {
	fusion := NewFusion(f.table)
	var n uint64
	var last time.Time
	err := f.log.Recent(ctx, fusion.limit, func(s Step) error {
		fusion.Replay(s)
		n = max(n, s.N)
		if s.Event.RX.After(last) {
			last = s.Event.RX
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the fusion log: %w", err)
	}
	f.fusion, f.n, f.last = fusion, n, last
	return nil
}

// fuse decides the events that the log does not have and writes the decisions.
func (f *Fuser) fuse(ctx context.Context, events []Event) (int, error) {
	if len(events) == 0 {
		return 0, nil
	}
	known, err := f.log.Known(ctx, events)
	if err != nil {
		return 0, fmt.Errorf("look up decided events: %w", err)
	}
	var steps []Step
	for _, e := range events {
		if e.RX.After(f.last) {
			f.last = e.RX
		}
		if known[e.ID()] {
			continue
		}
		known[e.ID()] = true
		s := f.fusion.Assign(e)
		f.n++
		s.N, s.At = f.n, f.now().UTC()
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return 0, nil
	}
	if err := f.log.Append(ctx, steps); err != nil {
		return 0, fmt.Errorf("append to the fusion log: %w", err)
	}
	return len(steps), nil
}
