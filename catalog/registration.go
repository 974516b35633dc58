package catalog

import (
	"slices"
	"time"

	"plinth"
)

// Kind says what a registration asks for.
type Kind string

// The kinds of registration.
const (
	Initial      Kind = "initial"      // 首次登记
	Alteration   Kind = "change"       // 变更登记
	Correction   Kind = "correction"   // 更正登记
	Cancellation Kind = "cancellation" // 注销登记
)

// State is where a registration or its dataset stands.
type State string

// The states. Draft to PublicNotice are under way; Registered, Rejected and Withdrawn end a registration. Expired and
// Cancelled are a dataset's alone.
const (
	Draft        State = "draft"
	Submitted    State = "submitted"
	Returned     State = "returned"
	Accepted     State = "accepted"      // 受理
	InReview     State = "in_review"     // 形式审核
	PublicNotice State = "public_notice" // 公示
	Registered   State = "registered"    // 赋码
	Rejected     State = "rejected"
	Withdrawn    State = "withdrawn"
	Expired      State = "expired"
	Cancelled    State = "cancelled"
)

// Ended tells whether a registration in s is over.
func (s State) Ended() bool { return s == Registered || s == Rejected || s == Withdrawn }

// Editable tells whether the proposal of a registration in s may be changed.
func (s State) Editable() bool { return s == Draft || s == Returned }

// Action is what a person does to a registration.
type Action string

// The actions.
const (
	Submit   Action = "submit"
	Accept   Action = "accept"
	Return   Action = "return"
	Review   Action = "review"
	Reject   Action = "reject"
	Notice   Action = "notice"
	Object   Action = "object"
	Register Action = "register"
	Cancel   Action = "cancel"
)

// move is one edge of the life of a registration.
type move struct {
	action Action
	from   []State
	to     State
	by     []plinth.Role
	note   bool   // a note is required
	event  string // the act's name in the timeline and the ledger
	clock  string // the rule that says how long the new state may wait; "" keeps the clock that runs
	stop   bool   // the clock stops
}

// moves is the whole life (architecture §7). A step that is not here does not exist.
var moves = []move{
	{action: Submit, from: []State{Draft, Returned}, to: Submitted, by: []plinth.Role{plinth.RoleSteward}, event: "registration.submitted", clock: RuleAccept},
	{action: Accept, from: []State{Submitted}, to: Accepted, by: []plinth.Role{plinth.RoleRegistrar}, event: "registration.accepted", clock: RuleReview},
	{action: Return, from: []State{Submitted, InReview}, to: Returned, by: []plinth.Role{plinth.RoleRegistrar}, note: true, event: "registration.returned", clock: RuleReturn},
	{action: Review, from: []State{Accepted}, to: InReview, by: []plinth.Role{plinth.RoleRegistrar}, event: "registration.reviewed"},
	{action: Reject, from: []State{InReview}, to: Rejected, by: []plinth.Role{plinth.RoleRegistrar}, note: true, event: "registration.rejected", stop: true},
	{action: Notice, from: []State{InReview}, to: PublicNotice, by: []plinth.Role{plinth.RoleRegistrar}, event: "registration.noticed", clock: RuleNotice},
	{action: Object, from: []State{PublicNotice}, to: InReview, by: []plinth.Role{plinth.RoleSteward, plinth.RoleProvider, plinth.RoleRegistrar}, note: true, event: "registration.objected", clock: RuleReview},
	{action: Register, from: []State{PublicNotice}, to: Registered, by: []plinth.Role{plinth.RoleRegistrar}, event: "registration.registered", stop: true},
	{action: Cancel, from: []State{Draft, Returned, Submitted}, to: Withdrawn, by: []plinth.Role{plinth.RoleSteward}, event: "registration.withdrawn", stop: true},
}

// WaitsOn is the role whose turn it is in a state; "" when nobody's.
func (s State) WaitsOn() plinth.Role {
	switch s {
	case Draft, Returned:
		return plinth.RoleSteward
	case Submitted, Accepted, InReview, PublicNotice:
		return plinth.RoleRegistrar
	}
	return ""
}

// Registration is one 登记 record of a dataset (dcat:CatalogRecord): one attempt to make, change or end its published
// revision.
type Registration struct {
	ID        plinth.RegistrationID
	Dataset   plinth.DatasetID
	Title     Text
	Kind      Kind
	State     State
	Publisher plinth.AgentID // of the proposal
	CreatedAt time.Time
	UpdatedAt time.Time
	DueAt     time.Time // zero when no clock runs
	Submitter plinth.AccountID
	Rules     Rules // in force at the first submission; empty before
	Record    string
	Evidence  string
}

// Actions are what p may do now. The end of a public notice is not foretold: to register too early is refused with the
// day from which it may be done.
func (r Registration) Actions(p plinth.Principal, scope Scope) []Action {
	var out []Action
	for _, m := range moves {
		if slices.Contains(m.from, r.State) && scope.admits(p, m, r) == nil {
			out = append(out, m.action)
		}
	}
	return out
}

// Scope says for whose datasets a person may act.
type Scope struct{ Authority plinth.AgentID }

// mayWrite tells whether p, a steward, may write datasets of the publisher: the authority's stewards write all, others
// their own department's.
func (s Scope) mayWrite(p plinth.Principal, publisher plinth.AgentID) bool {
	return p.Department == s.Authority || p.Department == publisher
}

// maySee tells whether p may see what of the publisher is not published.
func (s Scope) maySee(p plinth.Principal, publisher plinth.AgentID) bool {
	if p.Has(plinth.RoleRegistrar, plinth.RoleAuditor) {
		return true
	}
	return p.Has(plinth.RoleSteward, plinth.RoleProvider) && s.mayWrite(p, publisher)
}

// admits checks role, department, and that nobody reviews his own submission.
func (s Scope) admits(p plinth.Principal, m move, r Registration) error {
	if err := p.Need(m.by...); err != nil {
		return err
	}
	reviews := p.Has(plinth.RoleRegistrar) && slices.Contains(m.by, plinth.RoleRegistrar)
	switch {
	case !reviews && !s.mayWrite(p, r.Publisher):
		return plinth.Errorf(plinth.ErrDenied, "this dataset belongs to %s", r.Publisher)
	case m.from[0] != Draft && m.action != Object && p.Account == r.Submitter:
		return plinth.Errorf(plinth.ErrDenied, "who submitted a registration cannot review it")
	}
	return nil
}

// find returns the move of an action from the registration's state, or ErrConflict that says where it stands.
func (r Registration) find(a Action) (move, error) {
	known := false
	for _, m := range moves {
		if m.action != a {
			continue
		}
		known = true
		if slices.Contains(m.from, r.State) {
			return m, nil
		}
	}
	if !known {
		return move{}, plinth.Invalid("action", "%q is not an action", a)
	}
	return move{}, plinth.Errorf(plinth.ErrConflict, "the registration is %s; it cannot %s from there", r.State, a)
}
