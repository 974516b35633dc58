package stack

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Endpoint is where an engine is reached, and as whom.
type Endpoint struct {
	URL          string
	User         string
	PasswordFile string
}

// Endpoints are those of all engines. Given to Start, an engine with a URL is not started; what Start returns is whole.
type Endpoints struct {
	Postgres      Endpoint
	ClickHouse    Endpoint
	Broker        Endpoint
	BrokerUsers   string // file of the local broker's users; empty when the broker is not ours
	FabricNetwork string // path of network.json
}

// Stack is the set of engines that run here.
type Stack struct {
	Endpoints Endpoints

	log     *slog.Logger
	lock    *lock
	dir     string
	mu      sync.Mutex
	runners []*Runner
}

// Progress is told of every step as it is done; step is a short sentence.
type Progress func(step string, took time.Duration)

// Start starts the engines that have has no URL for, all at once, and returns when they serve. On failure none is
// left running.
func Start(ctx context.Context, dir string, have Endpoints, progress Progress, log *slog.Logger) (*Stack, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	held, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	s := &Stack{Endpoints: have, log: log, lock: held, dir: dir}
	if err := s.start(ctx, progress); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// start prepares the engines one after the other, since they share the ports file, and starts them side by side.
func (s *Stack) start(ctx context.Context, progress Progress) error {
	ports, err := OpenPorts(s.dir)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, e := range []struct {
		name  string
		given bool
		begin func(ctx context.Context, dir, addr string) error
	}{
		{"postgres", s.Endpoints.Postgres.URL != "", s.beginPostgres},
		{"broker", s.Endpoints.Broker.URL != "", s.beginBroker},
	} {
		if e.given {
			continue
		}
		dir := filepath.Join(s.dir, e.name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		addr, err := ports.Addr(e.name)
		if err != nil {
			return err
		}
		begun := time.Now()
		g.Go(func() error {
			if err := e.begin(ctx, dir, addr); err != nil {
				return err
			}
			progress(e.name+" serves at "+addr, time.Since(begun))
			return nil
		})
	}
	return g.Wait()
}

func (s *Stack) beginPostgres(ctx context.Context, dir, addr string) error {
	s.Endpoints.Postgres = Endpoint{URL: fmt.Sprintf("postgres://plinth@%s/postgres", addr), User: "plinth",
		PasswordFile: filepath.Join(dir, "password")}
	p, _, err := Postgres(ctx, dir, addr)
	if err != nil {
		return err
	}
	return s.run(ctx, p)
}

func (s *Stack) beginBroker(ctx context.Context, dir, addr string) error {
	s.Endpoints.Broker = Endpoint{URL: "tcp://" + addr, User: brokerUser, PasswordFile: filepath.Join(dir, "password")}
	s.Endpoints.BrokerUsers = filepath.Join(dir, "users")
	p, err := Broker(dir, addr)
	if err != nil {
		return err
	}
	return s.run(ctx, p)
}

// run starts one process and keeps it.
func (s *Stack) run(ctx context.Context, p Process) error {
	r, err := Run(ctx, p, s.log)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runners = append(s.runners, r)
	return nil
}

// Stop ends the engines, the last started first, and gives up the folder.
func (s *Stack) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.runners) - 1; i >= 0; i-- {
		s.runners[i].Stop()
	}
	s.runners = nil
	s.lock.release()
}

// PIDs returns the processes that run now, by name.
func (s *Stack) PIDs() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	pids := map[string]int{}
	for _, r := range s.runners {
		pids[r.p.Name] = r.PID()
	}
	return pids
}
