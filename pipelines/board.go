package pipelines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"plinth"
	"plinth/internal/periodic"
	"plinth/ledger"
)

// PipelineStore keeps the declared pipelines. Each call is one transaction, durable when it returns.
type PipelineStore interface {
	// Pipelines returns all, by id.
	Pipelines(ctx context.Context) ([]Pipeline, error)
	// Pipeline returns one, or ErrNotFound.
	Pipeline(ctx context.Context, id string) (Pipeline, error)
	// PutPipeline writes p over the version before p's, with its record when there is one; ErrConflict when the stored
	// version is another.
	PutPipeline(ctx context.Context, p Pipeline, rec *ledger.Record) error
}

// Board is where pipelines are declared, paused and resumed.
type Board struct {
	Store    PipelineStore
	Gates    *Gates
	Mappings func() map[string]*Mapping // those that are known now
	Owner    plinth.AgentID             // of what ships
	Now      func() time.Time
	Log      *slog.Logger

	faulty map[string]bool // hashes of files that were refused, so that each is told once; Watch's alone
}

// List returns all pipelines, by id.
func (b *Board) List(ctx context.Context) ([]Pipeline, error) { return b.Store.Pipelines(ctx) }

// Get returns one pipeline.
func (b *Board) Get(ctx context.Context, id string) (Pipeline, error) {
	p, err := b.Store.Pipeline(ctx, id)
	if errors.Is(err, plinth.ErrNotFound) {
		return p, plinth.Errorf(plinth.ErrNotFound, "there is no pipeline %q", clip(id, 64)).Because(err)
	}
	return p, err
}

// Check tells whether a declaration could be made, and returns what it would be.
func (b *Board) Check(ctx context.Context, yaml []byte) (Pipeline, error) {
	d, err := ParseDeclaration(yaml)
	if err != nil {
		return Pipeline{}, err
	}
	p := Pipeline{Declaration: d, Origin: ByAPI}
	return p, b.check(ctx, &p)
}

// check holds p against what is there: its mapping, and the pipeline that it changes.
func (b *Board) check(ctx context.Context, p *Pipeline) error {
	if p.Mapping != "" {
		m := b.Mappings()[p.Mapping]
		if m == nil {
			return plinth.Invalid("mapping", "there is no mapping %q", clip(p.Mapping, 64))
		}
		if m.Target != p.Sink {
			return plinth.Invalid("sink", "the mapping %s makes %s", m.Name, m.Target)
		}
	}
	old, err := b.Store.Pipeline(ctx, p.ID)
	if errors.Is(err, plinth.ErrNotFound) {
		p.Version = 1
		return nil
	}
	if err != nil {
		return err
	}
	if old.Kind != p.Kind {
		return plinth.Invalid("kind", "the pipeline %s is a %s; another kind needs another id", p.ID, old.Kind)
	}
	p.Version, p.Pause, p.Record = old.Version+1, old.Pause, old.Record
	if p.FileHash == "" {
		p.FileHash = old.FileHash
	}
	return nil
}

// Declare adds the pipeline that yaml declares, or changes the one of the same id. Based names the version that the
// change was made from; 0 does not look.
func (b *Board) Declare(ctx context.Context, by plinth.Principal, yaml []byte, based int64) (Pipeline, error) {
	p, err := b.Check(ctx, yaml)
	if err != nil {
		return p, err
	}
	if based != 0 && based != p.Version-1 {
		return p, plinth.Errorf(plinth.ErrConflict, "the pipeline is at version %d, look again", p.Version-1)
	}
	return p, b.put(ctx, by, &p, "declared")
}

// Pause stops a pipeline: it takes nothing more until it is resumed.
func (b *Board) Pause(ctx context.Context, by plinth.Principal, id, why string) (Pipeline, error) {
	why = strings.TrimSpace(why)
	if why == "" || len(why) > maxReason {
		return Pipeline{}, plinth.Invalid("reason", "say why, in at most %d bytes", maxReason)
	}
	p, err := b.Get(ctx, id)
	if err != nil {
		return p, err
	}
	if p.Pause != nil {
		return p, plinth.Errorf(plinth.ErrConflict, "it is paused already, by %s", p.Pause.Name)
	}
	p.Pause = &Pause{By: by.Account, Name: by.Name, Why: why, At: b.Now().UTC().Truncate(time.Millisecond)}
	p.Version++
	return p, b.put(ctx, by, &p, "paused")
}

// Resume lets a paused pipeline go on.
func (b *Board) Resume(ctx context.Context, by plinth.Principal, id string) (Pipeline, error) {
	p, err := b.Get(ctx, id)
	if err != nil {
		return p, err
	}
	if p.Pause == nil {
		return p, plinth.Errorf(plinth.ErrConflict, "it is running already")
	}
	p.Pause = nil
	p.Version++
	return p, b.put(ctx, by, &p, "resumed")
}

func (b *Board) put(ctx context.Context, by plinth.Principal, p *Pipeline, verb string) error {
	p.Updated, p.UpdatedBy = b.Now().UTC().Truncate(time.Millisecond), by.Account
	rec := p.record(verb, by)
	p.Record, p.Evidence = rec.ID, "pending"
	if err := b.Store.PutPipeline(ctx, *p, &rec); err != nil {
		return err
	}
	return b.Refresh(ctx)
}

// Ship declares what comes with the service. What a file or a person has changed stays as it is.
func (b *Board) Ship(ctx context.Context, ds ...Declaration) error {
	for _, d := range ds {
		if err := b.ship(ctx, d); err != nil {
			return fmt.Errorf("declare pipeline %s: %w", d.ID, err)
		}
	}
	return b.Refresh(ctx)
}

func (b *Board) ship(ctx context.Context, d Declaration) error {
	if err := d.Validate(); err != nil {
		return err
	}
	// A kind of device may be called as a mapping is: the two ways in are one pipeline then, as it was declared first.
	if old, err := b.Store.Pipeline(ctx, d.ID); err == nil && old.Kind != d.Kind {
		return nil
	}
	p := Pipeline{Declaration: d, Origin: Shipped}
	if err := b.check(ctx, &p); err != nil {
		return err
	}
	if p.Version > 1 {
		old, err := b.Store.Pipeline(ctx, d.ID)
		if err != nil || old.Origin != Shipped || reflect.DeepEqual(old.Declaration, d) {
			return err
		}
	}
	p.Updated, p.UpdatedBy = b.Now().UTC().Truncate(time.Millisecond), "service"
	err := b.Store.PutPipeline(ctx, p, nil)
	if errors.Is(err, plinth.ErrConflict) {
		return nil // another instance has just declared it
	}
	return err
}

// Refresh brings the gates up to date with the store.
func (b *Board) Refresh(ctx context.Context) error {
	all, err := b.Store.Pipelines(ctx)
	if err != nil {
		return err
	}
	shut, rules := map[string]Pause{}, map[string]*Rules{}
	for _, p := range all {
		if p.Pause != nil {
			shut[p.ID] = *p.Pause
		}
		if r, err := compileRules(p.Checks, p.Sink); err != nil {
			b.Log.ErrorContext(ctx, "rules of a pipeline not usable", "pipeline", p.ID, "err", err)
		} else if r != nil {
			rules[p.ID] = r
		}
	}
	b.Gates.Set(shut, rules)
	return nil
}

// Watch follows what other instances and the folder of declarations say, until ctx ends.
func (b *Board) Watch(ctx context.Context, folder string, every time.Duration) error {
	return periodic.AtOnce(every).Try(ctx, b.Log, "pipelines not read, the gates stay", func(ctx context.Context) error {
		return first(b.LoadFolder(ctx, folder), b.Refresh(ctx))
	})
}
