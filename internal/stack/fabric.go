package stack

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"plinth/internal/stack/fabric"
)

// FabricNetwork is a running local Fabric network.
type FabricNetwork struct {
	// Description is the path of the network.json by which clients reach it.
	Description string

	mu      sync.Mutex
	runners map[string]*Runner
	order   []string // of start
}

// FabricConfig says how a network is started.
type FabricConfig struct {
	// Consensus is "raft" (one orderer) or "bft" (four, of which one may fail); empty keeps what dir has, raft at first.
	Consensus string
	// ContractVersion is empty for this release's: see fabric.Config.
	ContractVersion string
	// Started, which may be nil, is told of every process that starts, also after a death.
	Started func(name string, pid int)
}

// StartFabric starts the network kept in dir, creating it the first time, and returns when it can take transactions.
// Fabric's programs are found as package fabric says.
func StartFabric(ctx context.Context, dir string, cfg FabricConfig, log *slog.Logger) (*FabricNetwork, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	made := fabric.Config{Binaries: fabric.FindBinaries(), Consensus: fabric.Consensus(cfg.Consensus), Version: cfg.ContractVersion}
	n, err := fabric.Prepare(ctx, dir, made, log)
	if err != nil {
		return nil, err
	}
	f := &FabricNetwork{Description: n.Description(), runners: map[string]*Runner{}}
	if err := f.start(ctx, n.Processes(), cfg.Started, log); err != nil {
		f.Stop()
		return nil, err
	}
	if err := n.Join(ctx); err != nil {
		err = errors.Join(err, errors.New(f.lastWords()))
		f.Stop()
		return nil, err
	}
	return f, nil
}

// start starts all processes at once: they wait for each other by themselves.
func (f *FabricNetwork) start(ctx context.Context, processes []fabric.Process, started func(string, int), log *slog.Logger) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range processes {
		f.order = append(f.order, p.Name)
		g.Go(func() error {
			spec := Process{Name: p.Name, Path: p.Path, Args: p.Args, Env: p.Env, Dir: p.Dir, Ready: p.Ready}
			if started != nil {
				spec.Started = func(pid int) { started(p.Name, pid) }
			}
			r, err := Run(ctx, spec, log)
			if err != nil {
				return err
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.runners[p.Name] = r
			return nil
		})
	}
	return g.Wait()
}

// Runner returns the process of a name: orderer (or orderer-1 to orderer-4), peer-bureau, chaincode-bureau, peer-overseer, chaincode-overseer.
func (f *FabricNetwork) Runner(name string) *Runner {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.runners[name]
}

// Stop ends the peers, then the chaincode, then the orderer: nobody loses whom it still speaks to.
func (f *FabricNetwork) Stop() {
	var stopping sync.WaitGroup
	for _, kind := range []string{"peer-", "chaincode-", "orderer"} {
		for _, name := range f.order {
			if r := f.Runner(name); r != nil && strings.HasPrefix(name, kind) {
				stopping.Go(r.Stop)
			}
		}
		stopping.Wait()
	}
}

// lastWords are the last log lines of every process, for the message of a failed start.
func (f *FabricNetwork) lastWords() string {
	var words string
	for _, name := range f.order {
		if r := f.Runner(name); r != nil {
			if tail := r.tail.quoted(); tail != "" {
				words += name + ":" + tail + "\n"
			}
		}
	}
	return words
}
