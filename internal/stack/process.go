package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Process describes one program of the stack.
type Process struct {
	Name string // as it is shown, e.g. "postgres", "peer0.bureau"
	Path string
	Args []string
	Env  []string // added to a bare environment: PATH, HOME, TZ=UTC
	Dir  string   // working directory; must exist
	// Sys is merged into the process's attributes, e.g. to drop privileges. May be nil.
	Sys *syscall.SysProcAttr
	// Ready returns nil once the program serves. It is polled and must return soon.
	Ready func(context.Context) error
	// ReadyWithin bounds the wait for Ready; zero means 30 s.
	ReadyWithin time.Duration
	// Stop is the signal that asks the program to end; zero means SIGTERM.
	Stop syscall.Signal
	// StopWithin bounds the orderly end, after which it is killed; zero means 10 s.
	StopWithin time.Duration
	// Started is told of every start, the first and those after a death. May be nil; it must not block.
	Started func(pid int)
	// Orphan is the signal the kernel sends if we die; zero means SIGKILL.
	Orphan syscall.Signal
}

// Runner keeps one process alive: it is started again when it ends by itself, until Stop.
type Runner struct {
	p    Process
	log  *slog.Logger
	tail tail
	done chan struct{}
	quit context.CancelFunc

	mu       sync.Mutex
	cmd      *exec.Cmd
	restarts int
	lastErr  error
}

// backoff between restarts, doubled each time a program ends within a minute of its start.
const (
	minBackoff = 200 * time.Millisecond
	maxBackoff = 10 * time.Second
)

// Run starts p and waits until it is ready. On failure nothing is left running and the error holds p's last log lines.
func Run(ctx context.Context, p Process, log *slog.Logger) (*Runner, error) {
	life, quit := context.WithCancel(context.WithoutCancel(ctx))
	r := &Runner{p: p, log: log.With("process", p.Name), done: make(chan struct{}), quit: quit}
	started := make(chan error, 1)
	go r.keep(life, started)
	err := <-started
	if err == nil {
		err = r.awaitReady(ctx)
	}
	if err != nil {
		r.Stop()
		return nil, fmt.Errorf("start %s: %w%s", p.Name, err, r.tail.quoted())
	}
	return r, nil
}

// keep runs the process again and again until life ends. It holds its thread, because the kernel ties the orphan
// signal to the thread that made the process.
func (r *Runner) keep(life context.Context, started chan<- error) {
	runtime.LockOSThread()
	defer close(r.done)
	wait := minBackoff
	for {
		begun := time.Now()
		cmd, err := r.start(life)
		started, err = report(started, err)
		if err == nil {
			err = cmd.Wait()
		}
		if life.Err() != nil {
			return
		}
		if time.Since(begun) > time.Minute {
			wait = minBackoff
		}
		r.noteExit(err)
		r.log.Warn("process ended, starting it again", "cause", err, "in", wait)
		if !sleep(life, wait) {
			return
		}
		wait = min(2*wait, maxBackoff)
	}
}

// report tells the waiting Run of the first start's outcome, once.
func report(started chan<- error, err error) (chan<- error, error) {
	if started != nil {
		started <- err
	}
	return nil, err
}

func (r *Runner) start(life context.Context) (*exec.Cmd, error) {
	cmd := exec.Command(r.p.Path, r.p.Args...)
	cmd.Dir = r.p.Dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TZ=UTC"}, r.p.Env...)
	cmd.Stdout, cmd.Stderr = &r.tail, &r.tail
	attr := syscall.SysProcAttr{}
	if r.p.Sys != nil {
		attr = *r.p.Sys
	}
	attr.Setpgid = true // a terminal's Ctrl-C reaches us alone; we stop the engines in order
	attr.Pdeathsig = orDefault(r.p.Orphan, syscall.SIGKILL)
	cmd.SysProcAttr = &attr
	r.mu.Lock()
	defer r.mu.Unlock()
	if life.Err() != nil { // Stop came first; it cancels under the same lock
		return nil, life.Err()
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.cmd = cmd
	if r.p.Started != nil {
		r.p.Started(cmd.Process.Pid)
	}
	return cmd, nil
}

func (r *Runner) noteExit(err error) {
	if err == nil {
		err = errors.New("ended by itself")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.restarts++
	r.lastErr = err
}

func (r *Runner) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, orDefault(r.p.ReadyWithin, 30*time.Second))
	defer cancel()
	for {
		err := r.p.Ready(ctx)
		if err == nil {
			return nil
		}
		if r.Restarts() > 0 {
			return fmt.Errorf("it ended before it was ready: %w", r.lastErr)
		}
		if !sleep(ctx, 30*time.Millisecond) {
			return fmt.Errorf("not ready in time: %w", err)
		}
	}
}

// Restarts returns how often the process has ended by itself.
func (r *Runner) Restarts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.restarts
}

// PID returns the id of the process that runs now, or 0.
func (r *Runner) PID() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil || r.cmd.Process == nil {
		return 0
	}
	return r.cmd.Process.Pid
}

// Stop ends the process and returns when it is gone.
func (r *Runner) Stop() {
	r.mu.Lock()
	r.quit()
	r.mu.Unlock()
	r.signal(orDefault(r.p.Stop, syscall.SIGTERM))
	select {
	case <-r.done:
		return
	case <-time.After(orDefault(r.p.StopWithin, 10*time.Second)):
	}
	r.log.Warn("process did not stop in time and is killed")
	r.signal(syscall.SIGKILL)
	<-r.done
}

func (r *Runner) signal(sig syscall.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd != nil {
		_ = r.cmd.Process.Signal(sig) // it may be gone already
	}
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// sleep waits for d and tells whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
