// Package periodic does something every so often until a context ends.
package periodic

import (
	"context"
	"log/slog"
	"time"
)

// Schedule says when something is done. Runs never overlap: after one that took longer than the interval the next follows
// at once, and those missed are left out.
type Schedule struct {
	every  time.Duration
	atOnce bool
}

// AtOnce is at once, and then every so often.
func AtOnce(every time.Duration) Schedule { return Schedule{every, true} }

// After is every so often, for the first time when one interval is over.
func After(every time.Duration) Schedule { return Schedule{every, false} }

// Run does step until ctx ends, and returns nil then; or until step fails, with its error.
func (s Schedule) Run(ctx context.Context, step func(context.Context) error) error {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for now := s.atOnce; ; now = true {
		if now {
			if err := step(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Try is Run for a step that may fail now and succeed the next time. A failure is a warning in log, with trouble as its
// message; the same failure again is not told, and that it is over is. Try returns nil, when ctx ends.
func (s Schedule) Try(ctx context.Context, log *slog.Logger, trouble string, step func(context.Context) error) error {
	told := ""
	return s.Run(ctx, func(ctx context.Context) error {
		err := step(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil && told != "":
			log.InfoContext(ctx, "over: "+trouble)
			told = ""
		case err != nil && err.Error() != told:
			log.WarnContext(ctx, trouble, "err", err)
			told = err.Error()
		}
		return nil
	})
}
