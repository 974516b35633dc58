package audit

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// workers is the number of goroutines that hash and verify beside the one that reads.
const workers = 2

// pipe reads pieces in order, works on them in parallel and takes them in order again. read returns false after the
// last. At most 2·workers pieces are under way; they are recycled, so that memory does not grow with the work.
func pipe[T any](ctx context.Context, fresh func() *T, read func(*T) (bool, error), work func(*T), take func(*T) error) error {
	type piece struct {
		v    *T
		done chan struct{}
	}
	g, ctx := errgroup.WithContext(ctx)
	order, jobs := make(chan piece, 2*workers), make(chan piece, 2*workers)
	free := make(chan *T, 2*workers)
	for range 2 * workers {
		free <- fresh()
	}
	g.Go(func() error {
		defer close(order)
		defer close(jobs)
		for {
			var p piece
			select {
			case v := <-free:
				p = piece{v, make(chan struct{})}
			case <-ctx.Done():
				return ctx.Err()
			}
			more, err := read(p.v)
			if err != nil || !more {
				return err
			}
			jobs <- p
			order <- p
		}
	})
	for range workers {
		g.Go(func() error {
			for p := range jobs {
				work(p.v)
				close(p.done)
			}
			return nil
		})
	}
	g.Go(func() error {
		for p := range order {
			select {
			case <-p.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := take(p.v); err != nil {
				return err
			}
			free <- p.v
		}
		return nil
	})
	return g.Wait()
}
