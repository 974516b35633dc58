package security

import (
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"plinth"
)

// Account is a person or program that may sign in.
type Account struct {
	ID         plinth.AccountID
	Login      string // lower case, unique for ever
	Name       string
	Department plinth.AgentID
	Roles      []plinth.Role
	Disabled   bool
	CreatedAt  time.Time
	// Password is the hash in PHC form; it never leaves this package and the store.
	Password string
}

// Principal is the account as a caller.
func (a Account) Principal() plinth.Principal {
	return plinth.Principal{Account: a.ID, Name: a.Name, Department: a.Department, Roles: a.Roles}
}

var loginForm = regexp.MustCompile(`^[a-z][a-z0-9._-]{1,31}$`)

// Validate checks what an operator typed.
func (a Account) Validate() error {
	switch {
	case !loginForm.MatchString(a.Login):
		return plinth.Invalid("login", "must be 2 to 32 of a-z, 0-9, '.', '_', '-', and begin with a letter")
	case a.Name == "" || utf8.RuneCountInString(a.Name) > 64:
		return plinth.Invalid("name", "must have 1 to 64 characters")
	case a.Department == "" || len(a.Department) > 64:
		return plinth.Invalid("department", "must name a department")
	}
	return checkRoles("roles", a.Roles, plinth.Roles)
}

// checkRoles refuses an empty list, a repeated role and one that is not among allowed.
func checkRoles(field string, roles, allowed []plinth.Role) error {
	if len(roles) == 0 {
		return plinth.Invalid(field, "must name at least one of %v", allowed)
	}
	for i, r := range roles {
		at := fmt.Sprintf("%s[%d]", field, i)
		if !slices.Contains(allowed, r) {
			return plinth.Invalid(at, "%q is not one of %v", r, allowed)
		}
		if slices.Contains(roles[:i], r) {
			return plinth.Invalid(at, "%q stands twice", r)
		}
	}
	return nil
}

// Session is one sign-in. Its token is kept as a hash alone.
type Session struct {
	Hash      [32]byte
	Account   plinth.AccountID
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Token is an API token: for programs, narrower than its account, and shown once.
type Token struct {
	ID         string
	Hash       [32]byte
	Account    plinth.AccountID
	Name       string
	Scopes     []plinth.Role
	CreatedAt  time.Time
	ExpiresAt  time.Time
	RevokedAt  time.Time // zero while it is good
	LastUsedAt time.Time // zero until it is used
}

// Credential is what a bearer's hash stands for: the account, what it may act as, and until when.
type Credential struct {
	Account   Account
	Scopes    []plinth.Role // nil for a session: all of the account's
	ExpiresAt time.Time
	Ended     bool // revoked or signed out
}

// principal narrows the account's roles to the scopes, as both stand now.
func (c Credential) principal() plinth.Principal {
	p := c.Account.Principal()
	if c.Scopes == nil {
		return p
	}
	var roles []plinth.Role
	for _, r := range p.Roles {
		if slices.Contains(c.Scopes, r) {
			roles = append(roles, r)
		}
	}
	p.Roles = roles
	return p
}
