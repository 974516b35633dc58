package pipelines

import (
	"context"
	"time"

	"plinth"
	"plinth/internal/periodic"
)

// Record keeps the stream's run: it is saved at the start, again while its counts grow, and at the end, when ctx ends. It
// sets s.Run, so it is called before Move begins; what it returns runs beside Move.
func (s *Stream) Record(runs Runs, topic, by string) func(ctx context.Context) {
	s.Run, s.moved = plinth.RunID(plinth.NewID("run")), &Meter{}
	run := Run{ID: s.Run, Kind: StreamRun, Pipeline: s.Domain, Source: topic, StartedBy: by,
		Started: s.Now(), State: Running}
	return func(ctx context.Context) {
		s.save(ctx, runs, run)
		_ = periodic.After(recordEvery).Run(ctx, func(ctx context.Context) error {
			if next := s.counted(run); next != run {
				run = next
				s.save(ctx, runs, run)
			}
			return nil
		})
		run.State, run.Ended = Done, s.Now()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		s.save(last, runs, s.counted(run))
	}
}

const recordEvery = 10 * time.Second

func (s *Stream) counted(run Run) Run {
	c := s.moved.Of(s.Domain)
	run.Stored, run.Dead = c.Rows, c.Dead
	run.In = run.Stored + run.Dead
	return run
}

// save saves the run. Its counts are for eyes: when they cannot be saved the stream goes on.
func (s *Stream) save(ctx context.Context, runs Runs, run Run) {
	if err := runs.SaveRun(ctx, run); err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "counts of the stream not saved", "domain", s.Domain, "err", err)
	}
}
