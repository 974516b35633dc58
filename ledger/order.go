package ledger

import (
	"strings"

	"plinth"
)

// move is one edge of the life of a case: a record of this kind takes it from one state to another.
type move struct{ from, kind, to string }

// order is the whole life of every sort of case, as data: the contract and the service read the same table. A step
// that is not here is refused on the chain. The state "" is that of a case without a step.
var order = []move{
	// Authorisation: a request, its answer, the grant and its uses. Nothing follows a revocation but a review. A use is
	// the permission to read, not its outcome, which may come when the grant has ended.
	{"", "request.created", "requested"},
	{"requested", "request.approved", "approved"},
	{"requested", "request.refused", "refused"},
	{"approved", "grant.created", "granted"},
	{"granted", "decision.permit", "granted"}, // a use begins with its permission, before any data moves
	{"granted", "decision.permit", "granted"},
	{"granted", "grant.blocked", "blocked"},
	{"granted", "grant.revoked", "revoked"},
	{"granted", "grant.expired", "expired"},
	{"blocked", "grant.revoked", "revoked"},
	{"blocked", "grant.expired", "expired"},

	// Registration of a dataset (catalog.Registration's moves). A registration that has ended lets another open.
	{"", "registration.opened", "drafted"},
	{"drafted", "registration.submitted", "submitted"},
	{"drafted", "registration.withdrawn", "withdrawn"},
	{"submitted", "registration.accepted", "accepted"},
	{"submitted", "registration.returned", "returned"},
	{"submitted", "registration.withdrawn", "withdrawn"},
	{"returned", "registration.submitted", "submitted"},
	{"returned", "registration.withdrawn", "withdrawn"},
	{"accepted", "registration.reviewed", "in-review"},
	{"in-review", "registration.returned", "returned"},
	{"in-review", "registration.rejected", "rejected"},
	{"in-review", "registration.noticed", "noticed"},
	{"noticed", "registration.objected", "in-review"},
	{"noticed", "registration.registered", "registered"},
	{"registered", "registration.opened", "drafted"},
	{"rejected", "registration.opened", "drafted"},
	{"withdrawn", "registration.opened", "drafted"},

	// Demand: backers join it, it is merged into another or routed to a provider, and what met it is used.
	{"", "demand.raised", "wanted"},
	{"wanted", "demand.backed", "wanted"},
	{"wanted", "demand.merged", "merged"},
	{"wanted", "demand.routed", "routed"},
	{"wanted", "demand.declined", "declined"},
	{"routed", "demand.backed", "routed"},
	{"routed", "demand.routed", "routed"},
	{"routed", "demand.declined", "declined"},
	{"routed", "demand.met", "met"},
	{"met", "demand.used", "met"},
	{"met", "demand.reopened", "wanted"},
	{"declined", "demand.reopened", "wanted"},

	// Scenario: what data is to be good for, and whether it was.
	{"", "scenario.proposed", "proposed"},
	{"proposed", "scenario.adopted", "adopted"},
	{"proposed", "scenario.declined", "not-adopted"},
	{"adopted", "scenario.started", "running"},
	{"adopted", "scenario.closed", "closed"},
	{"running", "scenario.reported", "running"},
	{"running", "scenario.confirmed", "confirmed"},
	{"running", "scenario.closed", "closed"},
	{"confirmed", "scenario.reported", "running"},
	{"confirmed", "scenario.closed", "closed"},

	// Risk: an alert and its handling (security.AlertState).
	{"", "alert.raised", "raised"},
	{"raised", "alert.triaged", "triaged"},
	{"raised", "alert.contained", "contained"},
	{"raised", "alert.resolved", "resolved"},
	{"triaged", "alert.contained", "contained"},
	{"triaged", "alert.resolved", "resolved"},
	{"contained", "alert.resolved", "resolved"},
	{"resolved", "alert.triaged", "triaged"},
}

// reviews are the overseer's words on a case. They leave its state as it is, may come at any time after the first
// step, and are the only steps that the overseer's organisation may write.
var reviews = []string{"review.noted", "review.passed", "review.objected"}

type edge struct{ state, kind string }

// edges is order and reviews, for looking up.
var edges = func() map[edge]string {
	m := map[edge]string{}
	for _, o := range order {
		m[edge{o.from, o.kind}] = o.to
		for _, r := range reviews {
			m[edge{o.to, r}] = o.to
		}
	}
	return m
}()

// NextState returns the state that a step of a kind takes a case to. The state before the first step is "". The error
// is of kind plinth.ErrConflict: the order does not allow the step.
func NextState(state, kind string) (string, error) {
	if to, ok := edges[edge{state, kind}]; ok {
		return to, nil
	}
	if state == "" {
		return "", plinth.Errorf(plinth.ErrConflict, "no case begins with %.48q", kind)
	}
	return "", plinth.Errorf(plinth.ErrConflict, "%.48q cannot follow in a case that is %.48q", kind, state)
}

// IsStep tells whether records of a kind are steps of a case at all.
func IsStep(kind string) bool {
	for e := range edges {
		if e.kind == kind {
			return true
		}
	}
	return false
}

// IsReview tells whether a kind is one that the overseer's organisation writes.
func IsReview(kind string) bool { return strings.HasPrefix(kind, "review.") }
