package sequencer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"plinth"
	"plinth/internal/periodic"
	"plinth/ledger"
)

// Config shapes a Sequencer. Zero values of the times and sizes are replaced by their defaults.
type Config struct {
	Dir         string        // of the logs and keys
	Name        string        // first part of the origin lines, unique in the world
	SealEvery   time.Duration // least time between looks into the outbox; default 200 ms
	AnchorEvery time.Duration // least time between two anchors of one log; default 2 s
	StepEvery   time.Duration // least time between looks for steps and marks to put on the chain; default 500 ms
	Batch       int           // most records under one checkpoint; default 4096
	MinFree     uint64        // bytes of disk below which nothing is sealed; default 256 MiB
	Timestamper Timestamper   // who stamps attested checkpoints; nil: nobody does
	Twin        bool          // whether each log has a twin of SM3 and SM2
	Trust       ledger.Policy // what an attestation must satisfy before a receipt is made of it; At is set to now
}

func (c Config) withDefaults() Config {
	if c.SealEvery == 0 {
		c.SealEvery = 200 * time.Millisecond
	}
	if c.AnchorEvery == 0 {
		c.AnchorEvery = 2 * time.Second
	}
	if c.StepEvery == 0 {
		c.StepEvery = 500 * time.Millisecond
	}
	if c.Batch == 0 {
		c.Batch = 4096
	}
	if c.MinFree == 0 {
		c.MinFree = 256 << 20
	}
	return c
}

// Sequencer writes the logs of one deployment. There is one per deployment: the logs' lock files see to it.
type Sequencer struct {
	cfg   Config
	keys  Keys
	store Store
	chain Chain
	now   func() time.Time
	log   *slog.Logger
	lines map[ledger.Origin]*line
	seen  covers
	fault func(step string) error // nil but in tests
}

// line is one log's way from the outbox to the chain.
type line struct {
	origin     ledger.Origin
	log        *Log
	ring       *Ring // of the log
	twinRing   *Ring // of its twin; nil without one
	settled    bool  // whether the chain was asked for the keys; used by Open and the anchoring goroutine alone
	registered bool  // by this process; used by the anchoring goroutine alone

	mu     sync.Mutex // guards status
	status Status
}

// Status is what is going on with one log.
type Status struct {
	Origin    ledger.Origin
	SealErr   error // why nothing is sealed just now
	AnchorErr error // why nothing is anchored just now
	StepErr   error // why some step of a case, or a mark, is not put on the chain just now; of the log authz alone
}

// Open opens the logs and brings the projection up to them. It refuses when a log does not extend what the projection
// or the chain has seen of it; when the chain is away that question is put again as soon as it is back.
func Open(ctx context.Context, c Config, store Store, chain Chain, now func() time.Time, log *slog.Logger) (*Sequencer, error) {
	c = c.withDefaults()
	s := &Sequencer{cfg: c, store: store, chain: chain, now: now, log: log, lines: map[ledger.Origin]*line{}}
	var err error
	if s.keys, err = LoadKeys(filepath.Join(c.Dir, "keys"), c.Name); err != nil {
		return nil, err
	}
	if c.Twin {
		if err := s.keys.OpenTwins(filepath.Join(c.Dir, "keys"), c.Name); err != nil {
			return nil, err
		}
	}
	for _, o := range Origins {
		if err := s.openLine(ctx, o); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *Sequencer) openLine(ctx context.Context, o ledger.Origin) error {
	n := &line{origin: o, ring: s.keys.Logs[o], twinRing: s.keys.Twins[o], status: Status{Origin: o}}
	c := LogConfig{Dir: filepath.Join(s.cfg.Dir, string(o)), MinFree: s.cfg.MinFree}
	var err error
	if c.Keys, err = n.ring.Signing(); err != nil {
		return err
	}
	if n.twinRing != nil {
		if c.Twin, err = n.twinRing.Signing(); err != nil {
			return err
		}
	}
	if n.log, err = OpenLog(c); err != nil {
		return err
	}
	s.lines[o] = n
	if err := s.project(ctx, n); err != nil {
		return err
	}
	if err := s.guardAnchored(ctx, n); err != nil {
		return err
	}
	return s.askAtStart(ctx, n)
}

// askAtStart compares log and keys with the chain and refuses when they do not fit. While the chain is away the log
// takes records all the same; the questions are put again before anything is anchored.
func (s *Sequencer) askAtStart(ctx context.Context, n *line) error {
	_, err := s.guardHead(ctx, n)
	if err == nil {
		err = s.settleKeys(ctx, n)
	}
	if errors.Is(err, ErrDamaged) || errors.Is(err, ErrUnknownKey) {
		return err
	}
	if err != nil {
		s.log.WarnContext(ctx, "chain not asked at start", "origin", n.log.Origin(), "error", err)
		n.anchorFailed(err)
	}
	return nil
}

// Close releases the logs. Run must have returned.
func (s *Sequencer) Close() error {
	var errs []error
	for _, n := range s.lines {
		errs = append(errs, n.log.Close())
	}
	return errors.Join(errs...)
}

// Run seals and anchors until ctx ends. It returns an error only when a log is damaged: everything else is waited out.
func (s *Sequencer) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, o := range Origins {
		n := s.lines[o]
		g.Go(func() error {
			return s.every(ctx, s.cfg.SealEvery, "records not sealed", n.sealFailed, func() error { return s.seal(ctx, n) })
		})
		g.Go(func() error {
			return s.every(ctx, s.cfg.AnchorEvery, "checkpoint not anchored", n.anchorFailed, func() error { return s.anchor(ctx, n) })
		})
	}
	for _, o := range Origins {
		if n := s.lines[o]; s.cfg.Timestamper != nil {
			g.Go(func() error {
				return s.every(ctx, s.cfg.AnchorEvery, "checkpoint not stamped", func(error) {}, func() error { return s.stamp(ctx, n) })
			})
		}
	}
	authz := s.lines[ledger.Authz]
	g.Go(func() error {
		return s.every(ctx, s.cfg.StepEvery, "steps not put on the chain", authz.stepFailed, func() error { return s.steps(ctx) })
	})
	return g.Wait()
}

// every calls step again and again. An error is told once when it begins and once when it is over.
func (s *Sequencer) every(ctx context.Context, pause time.Duration, trouble string, tell func(error), step func() error) error {
	failing := false
	return periodic.AtOnce(pause).Run(ctx, func(ctx context.Context) error {
		err := step()
		if errors.Is(err, ErrDamaged) {
			s.log.ErrorContext(ctx, trouble, "err", err)
			return err
		}
		if ctx.Err() == nil {
			tell(err)
			if err != nil && !failing {
				s.log.WarnContext(ctx, trouble, "err", err)
			} else if err == nil && failing {
				s.log.InfoContext(ctx, "over: "+trouble)
			}
			failing = err != nil
		}
		return nil
	})
}

func (n *line) sealFailed(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status.SealErr = err
}

func (n *line) anchorFailed(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status.AnchorErr = err
}

func (n *line) stepFailed(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status.StepErr = err
}

// Status returns what is going on with each log.
func (s *Sequencer) Status() []Status {
	var out []Status
	for _, o := range Origins {
		n := s.lines[o]
		n.mu.Lock()
		out = append(out, n.status)
		n.mu.Unlock()
	}
	return out
}

// Log returns the log of an origin for reading.
func (s *Sequencer) Log(o ledger.Origin) (*Log, error) {
	n := s.lines[o]
	if n == nil {
		return nil, plinth.Errorf(plinth.ErrNotFound, "there is no log %q", o)
	}
	return n.log, nil
}

// LogKeys returns the keys of the logs and their twins, with the sizes that each signs, as trust files have them.
func (s *Sequencer) LogKeys() []string {
	var out []string
	for _, o := range Origins {
		for _, r := range s.lines[o].rings() {
			for _, k := range r.Known() {
				out = append(out, k.String())
			}
		}
	}
	return out
}

// reached is where a test may stop what runs.
func (s *Sequencer) reached(step string) error {
	if s.fault == nil {
		return nil
	}
	return s.fault(step)
}

// trust returns the policy by which attestations are judged now.
func (s *Sequencer) trust() ledger.Policy {
	p := s.cfg.Trust
	p.At = s.now()
	return p
}

// guard refuses when the log does not contain a checkpoint that was seen elsewhere.
func (n *line) guard(seen ledger.Checkpoint, where string) error {
	if seen.Size == 0 {
		return nil
	}
	own, _ := n.log.Checkpoint()
	if own.Size < seen.Size {
		return fmt.Errorf("%w: %s has %d entries, %s has seen %d", ErrDamaged, n.log.Origin(), own.Size, where, seen.Size)
	}
	root, err := n.log.RootAt(seen.Size)
	if err != nil {
		return err
	}
	if root != seen.Root {
		return fmt.Errorf("%w: the first %d entries of %s are not those that %s has seen", ErrDamaged, seen.Size,
			n.log.Origin(), where)
	}
	return nil
}
