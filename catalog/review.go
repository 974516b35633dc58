package catalog

import (
	"context"

	"plinth"
)

// Detail is one registration with all that a reviewer reads.
type Detail struct {
	Registration
	Actions  []Action
	Changes  []Change
	Timeline []Item
}

// Registrations is the work list of the caller. mine keeps what waits on him.
func (c *Catalog) Registrations(ctx context.Context, f RegistrationFilter, mine bool) ([]Detail, int, error) {
	p := plinth.PrincipalFrom(ctx)
	if mine {
		f.WaitsOn = p.Roles
	}
	if !p.Has(plinth.RoleRegistrar, plinth.RoleAuditor) && p.Department != c.cfg.Authority {
		f.Publisher = p.Department
	}
	all, total, err := c.store.Registrations(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	out := make([]Detail, len(all))
	for i, r := range all {
		out[i] = Detail{Registration: r, Actions: r.Actions(p, c.scope)}
	}
	return out, total, nil
}

// Registration returns one that the caller may see.
func (c *Catalog) Registration(ctx context.Context, id plinth.RegistrationID) (Detail, error) {
	r, published, proposal, err := c.store.Registration(ctx, id)
	if err != nil {
		return Detail{}, err
	}
	p := plinth.PrincipalFrom(ctx)
	if !c.scope.maySee(p, r.Publisher) {
		return Detail{}, plinth.Errorf(plinth.ErrNotFound, "there is no such registration")
	}
	d := Detail{Registration: r, Actions: r.Actions(p, c.scope)}
	if r.Kind != Cancellation {
		d.Changes = Diff(published, proposal)
	}
	d.Timeline, err = c.store.RegistrationTimeline(ctx, id)
	return d, err
}

// Act moves a registration one step.
func (c *Catalog) Act(ctx context.Context, id plinth.RegistrationID, a Action, note string) (Detail, error) {
	if _, err := c.Registration(ctx, id); err != nil {
		return Detail{}, err
	}
	p := plinth.PrincipalFrom(ctx)
	err := c.store.ChangeRegistration(ctx, id, c.cfg.Now(), func(k Case) (Outcome, error) { return k.Act(p, c.scope, a, note) })
	if err != nil {
		return Detail{}, err
	}
	return c.Registration(ctx, id)
}

// AddRule adds a new version of a rule.
func (c *Catalog) AddRule(ctx context.Context, r Rule) error {
	switch {
	case r.Key == "":
		return plinth.Invalid("key", "must name a rule")
	case r.Value < 0 || r.Value > 10000:
		return plinth.Invalid("value", "must be 0 to 10000")
	case r.Source == "":
		return plinth.Invalid("source", "must say who set the rule, and where")
	}
	if r.ValidFrom.IsZero() {
		r.ValidFrom = c.cfg.Now()
	}
	return c.store.AddRule(ctx, r, plinth.PrincipalFrom(ctx))
}
