package catalog

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"plinth"
)

// Reader reads the catalogue. Methods return plinth.ErrNotFound for an unknown id.
type Reader interface {
	Agents(ctx context.Context) ([]Agent, error)
	// Datasets lists what the filter admits, best hit first when it has a query, else newest first, and counts all.
	Datasets(ctx context.Context, f Filter) ([]Dataset, int, error)
	Dataset(ctx context.Context, id plinth.DatasetID) (Dataset, error)
	// Timeline is in order of time.
	Timeline(ctx context.Context, id plinth.DatasetID) ([]Item, error)
}

// RegistrationReader reads registrations. Methods return plinth.ErrNotFound for an unknown id.
type RegistrationReader interface {
	// Registrations lists, the oldest clock first, and counts all.
	Registrations(ctx context.Context, f RegistrationFilter) ([]Registration, int, error)
	// Registration also returns what was published when it was decided, or is now, and what it proposes.
	Registration(ctx context.Context, id plinth.RegistrationID) (r Registration, published, proposal Content, err error)
	RegistrationTimeline(ctx context.Context, id plinth.RegistrationID) ([]Item, error)
}

// Changer changes the catalogue. Each method reads the case under lock, has decide judge it, and writes the outcome,
// its line of history and its ledger record in one transaction; an error of decide leaves everything as it was.
// Concurrent changes of one dataset wait for each other and see each other's outcome.
type Changer interface {
	// Create adds a dataset that has no history yet.
	Create(ctx context.Context, id plinth.DatasetID, now time.Time, decide Decision) error
	ChangeDataset(ctx context.Context, id plinth.DatasetID, now time.Time, decide Decision) error
	ChangeRegistration(ctx context.Context, id plinth.RegistrationID, now time.Time, decide Decision) error
}

// Decision judges a case. It may run more than once and must not have effects.
type Decision func(Case) (Outcome, error)

// RuleBook keeps the rules and the calendar. Rules are added, never changed.
type RuleBook interface {
	Rules(ctx context.Context) ([]Rule, error)
	AddRule(ctx context.Context, r Rule, by plinth.Principal) error
	Calendar(ctx context.Context) (Calendar, error)
}

// Store is all that the catalogue keeps.
type Store interface {
	Reader
	RegistrationReader
	Changer
	RuleBook
	ListKeeper
	MeasureKeeper
}

// Filter says which datasets to list.
type Filter struct {
	Query     string
	State     State
	Openness  string
	Publisher plinth.AgentID
	Theme     string
	Offset    int
	Limit     int
	Now       time.Time

	// Drafts lists what is not published too: all of it, or one department's.
	AllDrafts bool
	DraftsOf  plinth.AgentID
}

// RegistrationFilter says which registrations to list.
type RegistrationFilter struct {
	State     State
	Dataset   plinth.DatasetID
	Publisher plinth.AgentID // only this department's; "" for all
	WaitsOn   []plinth.Role  // only those whose turn it is; nil for all
	Offset    int
	Limit     int
}

// Config is what a Catalog is made of.
type Config struct {
	// Authority is the data bureau, whose stewards may write every department's datasets.
	Authority plinth.AgentID
	// BaseIRI begins the identifiers in the published list, e.g. "https://data.example.gov.cn/id/". The default names
	// things without promising an address.
	BaseIRI string
	Now     func() time.Time
	Log     *slog.Logger
}

// Catalog is the room's front desk. Its methods judge by the principal of the context.
type Catalog struct {
	store Store
	cfg   Config
	scope Scope
	names names
}

// names remembers the departments' names for a moment: lists ask for many.
type names struct {
	mu    sync.Mutex
	all   map[plinth.AgentID]string
	until time.Time
}

// New returns the catalogue over its store.
func New(store Store, cfg Config) *Catalog {
	if cfg.Authority == "" {
		cfg.Authority = "databureau"
	}
	if cfg.BaseIRI == "" {
		cfg.BaseIRI = "urn:plinth:putuo:"
	}
	return &Catalog{store: store, cfg: cfg, scope: Scope{Authority: cfg.Authority}}
}

// Authority is the data bureau that publishes the open list.
func (c *Catalog) Authority() plinth.AgentID { return c.cfg.Authority }

// Agents lists the departments, streets and towns.
func (c *Catalog) Agents(ctx context.Context) ([]Agent, error) { return c.store.Agents(ctx) }

// AgentName is a department's Chinese name, or its id when it has none.
func (c *Catalog) AgentName(ctx context.Context, id plinth.AgentID) string {
	c.names.mu.Lock()
	defer c.names.mu.Unlock()
	if now := c.cfg.Now(); !now.Before(c.names.until) {
		all, err := c.store.Agents(ctx)
		if err != nil {
			c.cfg.Log.WarnContext(ctx, "agents not read", "error", err)
			return cmp.Or(c.names.all[id], string(id))
		}
		c.names.all, c.names.until = map[plinth.AgentID]string{}, now.Add(10*time.Second)
		for _, a := range all {
			c.names.all[a.ID] = a.Name.ZH
		}
	}
	return cmp.Or(c.names.all[id], string(id))
}

// Datasets searches what the caller may see and judges how fresh each is.
func (c *Catalog) Datasets(ctx context.Context, f Filter) ([]Dataset, int, error) {
	if utf8.RuneCountInString(f.Query) > 200 {
		return nil, 0, plinth.Invalid("query", "must have at most 200 characters")
	}
	if len(Terms(f.Query)) > maxTerms {
		return nil, 0, plinth.Invalid("query", "must have at most %d words", maxTerms)
	}
	p := plinth.PrincipalFrom(ctx)
	f.AllDrafts = p.Has(plinth.RoleRegistrar, plinth.RoleAuditor) || p.Has(plinth.RoleSteward) && p.Department == c.cfg.Authority
	if p.Has(plinth.RoleSteward, plinth.RoleProvider) {
		f.DraftsOf = p.Department
	}
	f.Now = c.cfg.Now()
	all, total, err := c.store.Datasets(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	return all, total, c.judge(ctx, all)
}

// Dataset returns what the caller may see of one; a draft of another department does not exist for him.
func (c *Catalog) Dataset(ctx context.Context, id plinth.DatasetID) (Dataset, error) {
	d, err := c.store.Dataset(ctx, id)
	if err != nil {
		return Dataset{}, err
	}
	p := plinth.PrincipalFrom(ctx)
	inside := c.scope.maySee(p, d.Publisher)
	if !d.Published() && !inside {
		return Dataset{}, plinth.Errorf(plinth.ErrNotFound, "there is no such dataset")
	}
	if !inside {
		d.Registration = ""
	}
	one := []Dataset{d}
	err = c.judge(ctx, one)
	return one[0], err
}

// judge fills in state and timeliness as of now.
func (c *Catalog) judge(ctx context.Context, all []Dataset) error {
	rules, err := c.store.Rules(ctx)
	if err != nil {
		return err
	}
	calendar, err := c.store.Calendar(ctx)
	if err != nil {
		return err
	}
	now := c.cfg.Now()
	today := RulesAt(rules, now)
	for i, d := range all {
		all[i].State = d.stateAt(now)
		all[i].Timeliness = Judge(d.Frequency, d.DataUntil, now, today, calendar)
	}
	return nil
}

// Timeline is the history of one dataset that the caller may see. Outside the catalogue's roles the steps on the way to
// publication are not shown.
func (c *Catalog) Timeline(ctx context.Context, id plinth.DatasetID) ([]Item, error) {
	d, err := c.Dataset(ctx, id)
	if err != nil {
		return nil, err
	}
	all, err := c.store.Timeline(ctx, id)
	if err != nil || c.scope.maySee(plinth.PrincipalFrom(ctx), d.Publisher) {
		return all, err
	}
	var public []Item
	for _, it := range all {
		if it.Action == "registration.registered" || it.Action == "registration.noticed" {
			it.Actor, it.ActorName, it.Note = "", "", ""
			public = append(public, it)
		}
	}
	return public, nil
}

// Create opens a dataset as a draft with its first registration.
func (c *Catalog) Create(ctx context.Context, content Content) (Dataset, error) {
	p := plinth.PrincipalFrom(ctx)
	if content.Publisher == "" {
		content.Publisher = p.Department
	}
	if err := c.mayPropose(ctx, p, content); err != nil {
		return Dataset{}, err
	}
	if content.Title.ZH == "" {
		return Dataset{}, plinth.Invalid("title.zh", "must not be empty")
	}
	id := plinth.DatasetID(plinth.NewID("ds"))
	err := c.store.Create(ctx, id, c.cfg.Now(), func(k Case) (Outcome, error) { return k.OpenNew(p, Initial, content, "") })
	if err != nil {
		return Dataset{}, err
	}
	return c.Dataset(ctx, id)
}

// mayPropose checks a content and whether p may write for its publisher.
func (c *Catalog) mayPropose(ctx context.Context, p plinth.Principal, content Content) error {
	if err := content.Check(); err != nil {
		return err
	}
	if !c.scope.mayWrite(p, content.Publisher) {
		return plinth.Errorf(plinth.ErrDenied, "you may write datasets of %s alone", p.Department)
	}
	all, err := c.store.Agents(ctx)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.ID == content.Publisher {
			return nil
		}
	}
	return plinth.Invalid("publisher", "%q is not a department", content.Publisher)
}

// Update edits the proposal under way, or opens a registration for it: the first again after a rejection, else a
// change. What is published stays as it is until that registration is registered.
func (c *Catalog) Update(ctx context.Context, id plinth.DatasetID, edit func(Content) (Content, error)) (Dataset, error) {
	if _, err := c.Dataset(ctx, id); err != nil {
		return Dataset{}, err
	}
	p := plinth.PrincipalFrom(ctx)
	err := c.store.ChangeDataset(ctx, id, c.cfg.Now(), func(k Case) (Outcome, error) {
		if !c.scope.mayWrite(p, k.publisher()) {
			return Outcome{}, plinth.Errorf(plinth.ErrDenied, "this dataset belongs to %s", k.publisher())
		}
		next, err := edit(k.editable().clone())
		if err != nil {
			return Outcome{}, err
		}
		if err := c.mayPropose(ctx, p, next); err != nil {
			return Outcome{}, err
		}
		switch {
		case k.Open != nil:
			return k.Edit(next)
		case k.Dataset.Revision == 0:
			return k.OpenNew(p, Initial, next, "")
		}
		return k.OpenNew(p, Alteration, next, "")
	})
	if err != nil {
		return Dataset{}, err
	}
	return c.Dataset(ctx, id)
}

// editable is what an edit starts from: the proposal under way or last made, else what is published.
func (c Case) editable() Content {
	if c.Open != nil || c.Dataset.Revision == 0 {
		return c.Proposal
	}
	return c.Dataset.Content
}

func (c Case) publisher() plinth.AgentID {
	if c.Dataset.Revision > 0 {
		return c.Dataset.Publisher
	}
	return c.Proposal.Publisher
}

// OpenRegistration opens a correction or cancellation of a registered dataset; changes open by editing.
func (c *Catalog) OpenRegistration(ctx context.Context, id plinth.DatasetID, kind Kind, note string) (Registration, error) {
	if kind != Correction && kind != Cancellation {
		return Registration{}, plinth.Invalid("kind", "must be correction or cancellation")
	}
	if strings.TrimSpace(note) == "" {
		return Registration{}, plinth.Invalid("note", "must say why")
	}
	if _, err := c.Dataset(ctx, id); err != nil {
		return Registration{}, err
	}
	p := plinth.PrincipalFrom(ctx)
	var opened plinth.RegistrationID
	err := c.store.ChangeDataset(ctx, id, c.cfg.Now(), func(k Case) (Outcome, error) {
		if err := p.Need(plinth.RoleSteward); err != nil {
			return Outcome{}, err
		}
		if !c.scope.mayWrite(p, k.publisher()) {
			return Outcome{}, plinth.Errorf(plinth.ErrDenied, "this dataset belongs to %s", k.publisher())
		}
		out, err := k.OpenNew(p, kind, k.Dataset.Content, note)
		opened = out.Open.ID
		return out, err
	})
	if err != nil {
		return Registration{}, err
	}
	r, _, _, err := c.store.Registration(ctx, opened)
	return r, err
}
