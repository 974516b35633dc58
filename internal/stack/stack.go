package stack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
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
	CAFile       string // of who signed its certificate, where that is not an authority that the system trusts
}

// Endpoints are those of all engines. Given to Start, an engine with a URL is not started; what Start returns is whole.
type Endpoints struct {
	Postgres      Endpoint
	ClickHouse    Endpoint
	Broker        Endpoint
	BrokerUsers   string // file of the local broker's users; empty when the broker is not ours
	BrokerConfig  BrokerConfig
	FabricNetwork string // path of network.json
	// FabricConsensus is how the orderers of a local network agree: see FabricConfig.
	FabricConsensus string
}

// Stack is the set of engines that run here.
type Stack struct {
	Endpoints Endpoints

	log     *slog.Logger
	lock    *lock
	dir     string
	mu      sync.Mutex
	runners []*Runner
	fabric  *FabricNetwork

	pidMu sync.Mutex
	pids  map[string]int
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
	s := &Stack{Endpoints: have, log: log, lock: held, dir: dir, pids: map[string]int{}}
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
		{"clickhouse", s.Endpoints.ClickHouse.URL != "", s.beginClickHouse},
		{"broker", s.Endpoints.Broker.URL != "", s.beginBroker},
		{"fabric", s.Endpoints.FabricNetwork != "", s.beginFabric},
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
			progress(e.name+" serves", time.Since(begun))
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

func (s *Stack) beginClickHouse(ctx context.Context, dir, addr string) error {
	s.Endpoints.ClickHouse = Endpoint{URL: "http://" + addr, User: clickhouseUser, PasswordFile: filepath.Join(dir, "password")}
	p, err := ClickHouse(dir, addr)
	if err != nil {
		return err
	}
	return s.run(ctx, p)
}

// beginFabric starts the network; it keeps its own ports and needs none of ours.
func (s *Stack) beginFabric(ctx context.Context, dir, _ string) error {
	f, err := StartFabric(ctx, dir, FabricConfig{Consensus: s.Endpoints.FabricConsensus, Started: s.note}, s.log)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fabric = f
	s.Endpoints.FabricNetwork = f.Description
	return nil
}

func (s *Stack) beginBroker(ctx context.Context, dir, addr string) error {
	c := s.Endpoints.BrokerConfig
	if c.Listen != "" {
		addr = c.Listen
	}
	url, ca, flags, err := c.reach(dir, addr, time.Now())
	if err != nil {
		return err
	}
	if c.AckWait > 0 {
		flags = append(flags, "--ack-wait", c.AckWait.String())
	}
	s.Endpoints.Broker = Endpoint{URL: url, User: brokerUser, PasswordFile: filepath.Join(dir, "password"),
		CAFile: cmp.Or(ca, s.Endpoints.Broker.CAFile)}
	s.Endpoints.BrokerUsers = filepath.Join(dir, "users")
	p, err := Broker(dir, addr, flags...)
	if err != nil {
		return err
	}
	return s.run(ctx, p)
}

// run starts one process and keeps it.
func (s *Stack) run(ctx context.Context, p Process) error {
	p.Started = func(pid int) { s.note(p.Name, pid) }
	r, err := Run(ctx, p, s.log)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runners = append(s.runners, r)
	return nil
}

// Stop ends the engines and gives up the folder. It may be called again.
func (s *Stack) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fabric != nil {
		s.fabric.Stop()
	}
	var stopping sync.WaitGroup
	for _, r := range s.runners {
		stopping.Go(r.Stop)
	}
	stopping.Wait()
	s.fabric, s.runners = nil, nil
	_ = os.Remove(s.processesFile())
	s.lock.release()
}

// note keeps the ids of the processes that run, for operators and for those who kill on purpose.
func (s *Stack) note(name string, pid int) {
	s.pidMu.Lock()
	defer s.pidMu.Unlock()
	s.pids[name] = pid
	data, err := json.MarshalIndent(s.pids, "", "  ")
	if err == nil {
		err = os.WriteFile(s.processesFile()+".new", data, 0o644)
	}
	if err == nil { // whoever reads it sees a whole list
		err = os.Rename(s.processesFile()+".new", s.processesFile())
	}
	if err != nil {
		s.log.Warn("the list of processes is not written", "cause", err)
	}
}

func (s *Stack) processesFile() string { return filepath.Join(s.dir, "processes.json") }

// PIDs returns the processes that were started last, by name.
func (s *Stack) PIDs() map[string]int {
	s.pidMu.Lock()
	defer s.pidMu.Unlock()
	return maps.Clone(s.pids)
}
