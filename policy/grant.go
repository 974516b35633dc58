package policy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// GrantState is where a grant stands at a moment.
type GrantState string

// The states of a grant. Stored versions are Active, Revoked or Blocked; the period makes the others.
const (
	Active  GrantState = "active"
	Pending GrantState = "pending" // before its period
	Expired GrantState = "expired"
	Revoked GrantState = "revoked"
	Blocked GrantState = "blocked" // its scope failed its check
)

// Mask is how a granted column is shown.
type Mask string

// The masks.
const (
	MaskNull    Mask = "null"    // nothing
	MaskPartial Mask = "partial" // ends of the text, the middle hidden
	MaskMonth   Mask = "month"   // the month of a time
	MaskToken   Mask = "token"   // a keyed token: equal values stay equal within the scope
)

// Grant is one version of an authorisation. Versions are only ever added.
type Grant struct {
	ID         plinth.GrantID
	Version    int
	Request    plinth.RequestID
	Dataset    plinth.DatasetID
	Publisher  plinth.AgentID
	Department plinth.AgentID
	Purpose    string
	Columns    []string
	Masks      map[string]Mask
	Filter     []Condition
	AllRows    bool
	NotBefore  time.Time
	NotAfter   time.Time
	RowsPerDay int64
	State      GrantState // as stored; StateAt tells it for a moment
	Reason     string
	Scope      Scope
	CreatedBy  plinth.AccountID
	CreatedAt  time.Time
	Record     uuid.UUID
	Evidence   string
}

// StateAt is the grant's state at a moment.
func (g Grant) StateAt(t time.Time) GrantState {
	switch {
	case g.State != Active:
		return g.State
	case t.Before(g.NotBefore):
		return Pending
	case !t.Before(g.NotAfter):
		return Expired
	}
	return Active
}

// GrantFilter narrows a list. Zero fields do not narrow.
type GrantFilter struct {
	Page
	State      GrantState // as StateAt(At) tells it
	At         time.Time
	Dataset    plinth.DatasetID
	Department plinth.AgentID
	Either     plinth.AgentID
}

// Grants keeps grants, append-only.
type Grants interface {
	// Grant returns the newest version, or ErrNotFound.
	Grant(ctx context.Context, id plinth.GrantID) (Grant, error)
	Grants(ctx context.Context, f GrantFilter) ([]Grant, int, error)
	// AddGrant adds the next version; ErrConflict when another took its number.
	AddGrant(ctx context.Context, g Grant, rec ledger.Record) error
}

// Answer is a provider's approval or refusal.
type Answer struct {
	Approve    bool
	Reason     string
	Masks      map[string]Mask
	RowsPerDay int64
}

// AnswerRequest files the provider's answer. An approval compiles the grant's scope first: a grant whose scope does
// not mean the same as its filter is made, but blocked.
func (d *Desk) AnswerRequest(ctx context.Context, p plinth.Principal, id plinth.RequestID, a Answer) (Request, error) {
	r, _, err := d.Request(ctx, p, id)
	if err != nil {
		return r, err
	}
	if !p.Has(plinth.RoleProvider) || p.Department != r.Publisher {
		return r, plinth.Errorf(plinth.ErrDenied, "only a provider of %s, which publishes the dataset, may answer", r.Publisher)
	}
	if r.State != WithProvider {
		return r, plinth.Errorf(plinth.ErrConflict, "the request is %s already", r.State)
	}
	now := d.Now().UTC()
	r.Answer, r.AnsweredBy, r.AnsweredAt = strings.TrimSpace(a.Reason), p.Account, now
	if !a.Approve {
		return d.refuse(ctx, p, r, a)
	}
	return d.approve(ctx, p, r, a, now)
}

func (d *Desk) refuse(ctx context.Context, p plinth.Principal, r Request, a Answer) (Request, error) {
	if r.Answer == "" {
		return r, plinth.Invalid("reason", "a refusal needs a reason")
	}
	if len(a.Masks) > 0 || a.RowsPerDay != 0 {
		return r, plinth.Invalid("masks", "masks and quota come with an approval only")
	}
	created := r.Record
	r.State = Refused
	rec := record("request.refused", string(p.Department), caseOf(r.ID), caseOf(r.ID), r.AnsweredAt, r.fact(), created)
	rec.Relation, r.Record = ledger.Derived, rec.ID
	return r, d.Store.AnswerRequest(ctx, r, nil, rec)
}

func (d *Desk) approve(ctx context.Context, p plinth.Principal, r Request, a Answer, now time.Time) (Request, error) {
	ds, err := d.Datasets.Dataset(ctx, r.Dataset)
	if err != nil {
		return r, err
	}
	if !r.NotAfter.After(now) {
		return r, plinth.Errorf(plinth.ErrConflict, "the period asked for is over; refuse the request")
	}
	g, err := d.grantFor(ctx, p, r, ds, a, now)
	if err != nil {
		return r, err
	}
	created := r.Record
	r.State, r.Grant = Approved, g.ID
	approved := record("request.approved", string(p.Department), caseOf(r.ID), caseOf(r.ID), now, r.fact(), created)
	made := record("grant.created", string(p.Department), "grant:"+string(g.ID), caseOf(r.ID), now, g.fact(), approved.ID)
	approved.Relation, made.Relation = ledger.Derived, ledger.Derived
	r.Record, g.Record = approved.ID, made.ID
	if err := d.Store.AnswerRequest(ctx, r, &g, approved, made); err != nil {
		return r, err
	}
	d.sync(ctx)
	return r, nil
}

// grantFor makes the first version of the grant and the scope that enforces it.
func (d *Desk) grantFor(ctx context.Context, p plinth.Principal, r Request, ds Dataset, a Answer, now time.Time) (Grant, error) {
	if err := checkMasks(ds, r.Columns, a.Masks); err != nil {
		return Grant{}, err
	}
	rows, err := d.quota(ctx, a.RowsPerDay, now)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{ID: plinth.GrantID(plinth.NewID("gr")), Version: 1, Request: r.ID, Dataset: r.Dataset, Publisher: r.Publisher,
		Department: r.Department, Purpose: r.Purpose, Columns: r.Columns, Masks: a.Masks, Filter: r.Filter,
		AllRows: r.AllRows, NotBefore: r.NotBefore, NotAfter: r.NotAfter, RowsPerDay: rows, State: Active,
		CreatedBy: p.Account, CreatedAt: now}
	g.Scope, err = d.Compiler.Compile(ctx, g, ds)
	var counter *Counterexample
	switch {
	case errors.As(err, &counter):
		g.State, g.Reason = Blocked, counter.Text
	case err != nil:
		return Grant{}, err
	}
	return g, nil
}

func (d *Desk) quota(ctx context.Context, asked int64, now time.Time) (int64, error) {
	if asked < 0 {
		return 0, plinth.Invalid("rowsPerDay", "a quota is a positive number of rows")
	}
	if asked > 0 {
		return asked, nil
	}
	rule, err := d.Store.Rule(ctx, RuleRowsPerDay, now)
	return rule.Value, err
}

// checkMasks checks that each mask fits its column, and that no column about a person is shown as it is.
func checkMasks(ds Dataset, columns []string, masks map[string]Mask) error {
	for _, c := range slices.Sorted(maps.Keys(masks)) {
		f, _ := ds.Field(c)
		if !slices.Contains(columns, c) {
			return plinth.Invalid("masks."+c, "the request does not ask for this column")
		}
		if !maskFits(masks[c], f.Kind) {
			return plinth.Invalid("masks."+c, "mask %q does not fit a field of type %s", masks[c], f.Kind)
		}
	}
	for _, c := range columns {
		f, ok := ds.Field(c)
		if !ok {
			return plinth.Errorf(plinth.ErrConflict, "the dataset no longer has the field %q; refuse the request", c)
		}
		if f.Sensitivity != NotPersonal && f.Sensitivity != "" && masks[c] == "" {
			return plinth.Invalid("masks."+c, "the column is %s: name a mask (null, partial, token)", f.Sensitivity)
		}
	}
	return nil
}

func maskFits(m Mask, k Kind) bool {
	switch m {
	case MaskNull:
		return true
	case MaskPartial, MaskToken:
		return k == String
	case MaskMonth:
		return k == Date || k == Datetime
	}
	return false
}

// sync asks for the scopes at once; the reconciler's own clock covers a failure.
func (d *Desk) sync(ctx context.Context) {
	if err := d.Scopes.Sync(ctx); err != nil {
		d.Log.WarnContext(ctx, "scopes not in step yet", "err", err)
	}
}

// RevokeGrant ends a grant for good. The engine's scope goes before the answer comes back.
func (d *Desk) RevokeGrant(ctx context.Context, p plinth.Principal, id plinth.GrantID, reason string) (Grant, error) {
	g, err := d.Grant(ctx, p, id)
	if err != nil {
		return g, err
	}
	if !g.MayRevoke(p) {
		return g, plinth.Errorf(plinth.ErrDenied, "only a provider of %s or a security officer may revoke", g.Publisher)
	}
	if reason = strings.TrimSpace(reason); reason == "" {
		return g, plinth.Invalid("reason", "a revocation needs a reason")
	}
	if g.State == Revoked {
		return g, plinth.Errorf(plinth.ErrConflict, "the grant is revoked already")
	}
	now := d.Now().UTC()
	before := g.Record
	g.Version, g.State, g.Reason, g.CreatedBy, g.CreatedAt = g.Version+1, Revoked, reason, p.Account, now
	rec := record("grant.revoked", string(p.Department), "grant:"+string(g.ID), caseOf(g.Request), now, g.fact(), before)
	rec.Relation, rec.Supersedes, g.Record = ledger.Invalidated, before, rec.ID
	if err := d.Store.AddGrant(ctx, g, rec); err != nil {
		return g, err
	}
	d.sync(ctx)
	return g, nil
}

// Block takes a grant out of use because its scope no longer means what it says.
func (d *Desk) Block(ctx context.Context, g Grant, why string) error {
	now, before := d.Now().UTC(), g.Record
	g.Version, g.State, g.Reason, g.CreatedAt = g.Version+1, Blocked, why, now
	rec := record("grant.blocked", string(g.Publisher), "grant:"+string(g.ID), caseOf(g.Request), now, g.fact(), before)
	rec.Relation, rec.Supersedes, g.Record = ledger.Invalidated, before, rec.ID
	return d.Store.AddGrant(ctx, g, rec)
}

// MayRevoke tells whether p may revoke the grant.
func (g Grant) MayRevoke(p plinth.Principal) bool {
	return g.State != Revoked && (p.Has(plinth.RoleSecurity) || p.Has(plinth.RoleProvider) && p.Department == g.Publisher)
}

// Grant returns the newest version of a grant, if p may see it.
func (d *Desk) Grant(ctx context.Context, p plinth.Principal, id plinth.GrantID) (Grant, error) {
	g, err := d.Store.Grant(ctx, id)
	if err != nil {
		return g, err
	}
	if !reach(p) && p.Department != g.Department && p.Department != g.Publisher {
		return Grant{}, plinth.Errorf(plinth.ErrNotFound, "there is no grant %q", id)
	}
	return g, nil
}

// Grants lists the grants p may see.
func (d *Desk) Grants(ctx context.Context, p plinth.Principal, f GrantFilter) ([]Grant, int, error) {
	if !reach(p) {
		if p.Department == "" {
			return nil, 0, nil
		}
		f.Either = p.Department
	}
	f.At = d.Now().UTC()
	return d.Store.Grants(ctx, f)
}

// fact is the part of a grant that its evidence commits to.
func (g Grant) fact() any {
	return struct {
		ID                                    string
		Version                               int
		Request, Dataset, Department, Purpose string
		Columns                               []string
		Masks                                 map[string]Mask
		Filter                                []Condition
		AllRows                               bool
		NotBefore, NotAfter                   time.Time
		RowsPerDay                            int64
		State, Reason, Scope, By              string
		RowsChecked                           int
	}{string(g.ID), g.Version, string(g.Request), string(g.Dataset), string(g.Department), g.Purpose, g.Columns, g.Masks,
		g.Filter, g.AllRows, g.NotBefore, g.NotAfter, g.RowsPerDay, string(g.State), g.Reason, g.Scope.Name,
		string(g.CreatedBy), g.Scope.Checked}
}
