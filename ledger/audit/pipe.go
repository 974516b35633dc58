package audit

import (
	"context"
	"sync"
)

// workers is the number of goroutines that hash and verify beside the one that reads and the one that takes.
const workers = 2

// piece is a part of the work on its way; done is closed when it was worked on.
type piece[T any] struct {
	v    *T
	done chan struct{}
}

// pipe reads pieces in order, works on them in parallel and takes them in order again. read returns false after the
// last. At most 2·workers pieces are under way; they are recycled, so that memory does not grow with the work. When it
// returns, all its goroutines have ended; the error is that of the earliest piece.
func pipe[T any](ctx context.Context, fresh func() *T, read func(*T) (bool, error), work func(*T), take func(*T) error) error {
	order, jobs := make(chan piece[T], 2*workers), make(chan piece[T], 2*workers)
	free, stop := make(chan *T, 2*workers), make(chan struct{})
	for range 2 * workers {
		free <- fresh()
	}
	var all sync.WaitGroup
	var readErr error
	all.Go(func() {
		defer close(order)
		defer close(jobs)
		readErr = feed(ctx, free, stop, read, jobs, order)
	})
	for range workers {
		all.Go(func() {
			for p := range jobs {
				work(p.v)
				close(p.done)
			}
		})
	}
	var err error
	for p := range order {
		<-p.done
		if err != nil {
			continue // what is under way ends
		}
		if err = take(p.v); err != nil {
			close(stop)
		} else {
			free <- p.v
		}
	}
	all.Wait()
	if err == nil {
		err = readErr
	}
	return err
}

// feed reads pieces until there is none, or somebody wants an end.
func feed[T any](ctx context.Context, free <-chan *T, stop <-chan struct{}, read func(*T) (bool, error), jobs, order chan<- piece[T]) error {
	for {
		p := piece[T]{done: make(chan struct{})}
		select {
		case p.v = <-free:
		case <-stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := read(p.v)
		if err != nil || !more {
			return err
		}
		jobs <- p
		order <- p
	}
}
