// Package security says who is calling, and whether what consumers do is risky: accounts, sessions and API tokens;
// risk rules, scores, alerts and cases. It does not say whether a use is allowed: that is policy.
package security

import (
	"context"
	"errors"

	"plinth"
)

// Authenticator finds who presents a bearer token. It is safe for concurrent use. It returns plinth.ErrUnknown when
// the token is missing, malformed, expired, revoked or of a disabled account, without telling which to a guesser, and
// plinth.ErrUnavailable when it cannot know. A principal returned without error may be trusted.
type Authenticator interface {
	Authenticate(ctx context.Context, bearer string) (plinth.Principal, error)
}

// Chain asks each authenticator in turn and takes the first that knows the token. An authenticator that is
// unavailable ends the search: who cannot be looked up is not let in by another door.
func Chain(all ...Authenticator) Authenticator { return chain(all) }

type chain []Authenticator

// Authenticate implements Authenticator.
func (c chain) Authenticate(ctx context.Context, bearer string) (plinth.Principal, error) {
	for _, a := range c {
		p, err := a.Authenticate(ctx, bearer)
		if err == nil || !errors.Is(err, plinth.ErrUnknown) {
			return p, err
		}
	}
	return plinth.Principal{}, plinth.Errorf(plinth.ErrUnknown, "sign in first: the token is not known, or no longer valid")
}
