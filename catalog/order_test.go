package catalog

import (
	"testing"

	"plinth/ledger"
)

// The chain allows a registration's steps in the order in which the catalogue takes them, and in no other.
func TestTheChainsOrderIsThatOfTheMoves(t *testing.T) {
	onChain := map[State]string{Draft: "drafted", Submitted: "submitted", Returned: "returned", Accepted: "accepted", InReview: "in-review",
		PublicNotice: "noticed", Registered: "registered", Rejected: "rejected", Withdrawn: "withdrawn"}
	for _, m := range moves {
		for state, name := range onChain {
			allowed := false
			for _, from := range m.from {
				allowed = allowed || from == state
			}
			next, err := ledger.NextState(name, m.event)
			if allowed != (err == nil) || allowed && next != onChain[m.to] {
				t.Errorf("%s when %s: the catalogue says %v, the chain goes to %q, %v", m.event, state, allowed, next, err)
			}
		}
	}
	for state, name := range onChain {
		if _, err := ledger.NextState(name, "registration.opened"); state.Ended() != (err == nil) {
			t.Errorf("a new registration when one is %s: %v", state, err)
		}
	}
}
