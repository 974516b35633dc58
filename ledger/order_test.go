package ledger_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/ledger"
)

// lives are walks through the order, one story each; a kind behind "!" must be refused there.
var lives = []string{
	"request.created request.approved grant.created decision.permit decision.permit grant.revoked review.passed !decision.permit !grant.created !grant.expired",
	"request.created review.noted request.refused !request.approved !grant.created review.objected !request.created",
	"request.created request.approved grant.created grant.expired !decision.permit !grant.revoked",
	"request.created request.approved grant.created grant.blocked !decision.permit !grant.blocked grant.revoked !decision.permit",
	"request.created request.approved grant.created grant.blocked grant.expired",
	"!request.approved !grant.created !decision.permit !review.noted !grant.revoked request.created !request.created !grant.created !decision.permit !grant.revoked request.approved !decision.permit !request.refused !grant.revoked",
	"registration.opened registration.submitted registration.returned registration.submitted registration.accepted registration.reviewed registration.noticed registration.objected registration.noticed registration.registered registration.opened registration.withdrawn registration.opened",
	"registration.opened registration.submitted registration.accepted registration.reviewed registration.returned registration.withdrawn !registration.submitted",
	"registration.opened registration.submitted registration.withdrawn registration.opened registration.submitted registration.accepted registration.reviewed registration.rejected registration.opened",
	"!registration.submitted registration.opened !registration.accepted !registration.registered registration.submitted !registration.noticed registration.accepted !registration.registered registration.reviewed !registration.registered",
	"demand.raised demand.backed demand.backed demand.routed demand.backed demand.routed demand.met demand.used demand.reopened demand.merged !demand.backed !demand.met",
	"demand.raised demand.declined demand.reopened demand.routed demand.declined !demand.met",
	"demand.raised !demand.met !demand.used demand.routed !demand.used",
	"scenario.proposed scenario.adopted scenario.started scenario.reported scenario.confirmed scenario.reported scenario.closed !scenario.started",
	"scenario.proposed scenario.declined !scenario.adopted",
	"scenario.proposed !scenario.started scenario.adopted scenario.closed",
	"scenario.proposed scenario.adopted scenario.started scenario.confirmed scenario.closed",
	"scenario.proposed scenario.adopted !scenario.confirmed scenario.started scenario.closed",
	"alert.raised alert.triaged alert.contained alert.resolved alert.triaged alert.resolved !alert.raised !alert.contained",
	"alert.raised alert.contained !alert.triaged alert.resolved", "alert.raised alert.resolved",
	"!alert.triaged !alert.resolved alert.raised !request.created !registration.opened !grant.revoked",
}

func TestEveryLifeGoesAsItsStoryTells(t *testing.T) {
	for _, life := range lives {
		state := ""
		for _, kind := range strings.Fields(life) {
			kind, refused := strings.CutPrefix(kind, "!")
			next, err := ledger.NextState(state, kind)
			if refused && !errors.Is(err, plinth.ErrConflict) || !refused && err != nil {
				t.Fatalf("%s:\n%s from %q: got %q, %v; refused %v", life, kind, state, next, err, refused)
			}
			if !refused {
				state = next
			}
		}
	}
}

// walk collects every state and edge that can be reached from the beginning.
func walk() (kinds []string, edges map[string][]string) {
	edges = map[string][]string{}
	for _, l := range lives {
		for _, k := range strings.Fields(l) {
			kinds = append(kinds, strings.TrimPrefix(k, "!"))
		}
	}
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	for todo := []string{""}; len(todo) > 0; todo = todo[1:] {
		if edges[todo[0]] != nil {
			continue
		}
		edges[todo[0]] = []string{}
		for _, k := range kinds {
			if next, err := ledger.NextState(todo[0], k); err == nil {
				edges[todo[0]] = append(edges[todo[0]], k+"→"+next)
				todo = append(todo, next)
			}
		}
	}
	return kinds, edges
}

// Whoever changes the order changes this list too: what the chain allows is not changed in passing.
func TestTheOrderIsTheOneThatWasAgreed(t *testing.T) {
	_, got := walk()
	review := func(state string, moves ...string) []string {
		moves = append(moves, "review.noted→"+state, "review.objected→"+state, "review.passed→"+state)
		slices.Sort(moves)
		return moves
	}
	want := map[string][]string{
		"":            {"alert.raised→raised", "demand.raised→wanted", "registration.opened→drafted", "request.created→requested", "scenario.proposed→proposed"},
		"requested":   review("requested", "request.approved→approved", "request.refused→refused"),
		"approved":    review("approved", "grant.created→granted"),
		"refused":     review("refused"),
		"granted":     review("granted", "grant.blocked→blocked", "grant.expired→expired", "grant.revoked→revoked", "decision.permit→granted"),
		"blocked":     review("blocked", "grant.expired→expired", "grant.revoked→revoked"),
		"revoked":     review("revoked"),
		"expired":     review("expired"),
		"drafted":     review("drafted", "registration.submitted→submitted", "registration.withdrawn→withdrawn"),
		"submitted":   review("submitted", "registration.accepted→accepted", "registration.returned→returned", "registration.withdrawn→withdrawn"),
		"returned":    review("returned", "registration.submitted→submitted", "registration.withdrawn→withdrawn"),
		"accepted":    review("accepted", "registration.reviewed→in-review"),
		"in-review":   review("in-review", "registration.noticed→noticed", "registration.rejected→rejected", "registration.returned→returned"),
		"noticed":     review("noticed", "registration.objected→in-review", "registration.registered→registered"),
		"registered":  review("registered", "registration.opened→drafted"),
		"rejected":    review("rejected", "registration.opened→drafted"),
		"withdrawn":   review("withdrawn", "registration.opened→drafted"),
		"wanted":      review("wanted", "demand.backed→wanted", "demand.declined→declined", "demand.merged→merged", "demand.routed→routed"),
		"merged":      review("merged"),
		"routed":      review("routed", "demand.backed→routed", "demand.declined→declined", "demand.met→met", "demand.routed→routed"),
		"met":         review("met", "demand.reopened→wanted", "demand.used→met"),
		"declined":    review("declined", "demand.reopened→wanted"),
		"proposed":    review("proposed", "scenario.adopted→adopted", "scenario.declined→not-adopted"),
		"not-adopted": review("not-adopted"),
		"adopted":     review("adopted", "scenario.closed→closed", "scenario.started→running"),
		"running":     review("running", "scenario.closed→closed", "scenario.confirmed→confirmed", "scenario.reported→running"),
		"confirmed":   review("confirmed", "scenario.closed→closed", "scenario.reported→running"),
		"closed":      review("closed"),
		"raised":      review("raised", "alert.contained→contained", "alert.resolved→resolved", "alert.triaged→triaged"),
		"triaged":     review("triaged", "alert.contained→contained", "alert.resolved→resolved"),
		"contained":   review("contained", "alert.resolved→resolved"),
		"resolved":    review("resolved", "alert.triaged→triaged"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A state must say alone which sort of case it is of: else a step of one sort could follow in another.
func TestNoStateIsSharedByTwoSortsOfCases(t *testing.T) {
	sort := map[string]string{"request": "authorisation", "grant": "authorisation", "decision": "authorisation"}
	_, edges := walk()
	of := map[string]string{}
	for state, moves := range edges {
		for _, m := range moves {
			kind, to, _ := strings.Cut(m, "→")
			family, _, _ := strings.Cut(kind, ".")
			if family == "review" || state == "" && to == "" {
				continue
			}
			if s, ok := sort[family]; ok {
				family = s
			}
			for _, s := range []string{state, to} {
				if s != "" && of[s] != "" && of[s] != family {
					t.Errorf("%q is a state of %s and of %s", s, of[s], family)
				}
				of[s] = family
			}
		}
	}
}

func TestIsStepKnowsEveryKindAndNoOther(t *testing.T) {
	kinds, _ := walk()
	for _, k := range kinds {
		if !ledger.IsStep(k) {
			t.Errorf("%s is a step", k)
		}
	}
	for _, k := range []string{"", "decision.deny", "query.done", "device.segment", "request", "grant.made"} {
		if ledger.IsStep(k) {
			t.Errorf("%q is no step", k)
		}
	}
}

func TestUnknownStatesAndKindsAreRefused(t *testing.T) {
	for _, c := range [][2]string{{"nowhere", "request.created"}, {"", ""}, {"granted", "decision."}, {"granted", "review."}, {"granted", "review.made"}, {"", "review.noted"}} {
		if next, err := ledger.NextState(c[0], c[1]); !errors.Is(err, plinth.ErrConflict) {
			t.Errorf("%q from %q: got %q, %v", c[1], c[0], next, err)
		}
	}
}
