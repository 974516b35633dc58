package security

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"plinth"
)

// SessionLife is how long a sign-in lasts.
const SessionLife = 12 * time.Hour

// MaxTokenDays is the longest life of an API token.
const MaxTokenDays = 365

// AccountStore keeps accounts. A change is durable when its method returns, and its ledger record with it; by is who
// made it. Methods return ErrNotFound for an unknown account and ErrConflict for a login that is taken.
type AccountStore interface {
	// CreateAccounts creates all of them or none.
	CreateAccounts(ctx context.Context, by plinth.AccountID, all ...Account) error
	AccountByLogin(ctx context.Context, login string) (Account, error)
	Account(ctx context.Context, id plinth.AccountID) (Account, error)
	// Accounts lists in order of login, after the login given.
	Accounts(ctx context.Context, limit int, after string) ([]Account, error)
	// DisableAccount also ends the account's sessions and tokens, in the same transaction.
	DisableAccount(ctx context.Context, id, by plinth.AccountID, at time.Time) (Account, error)
	// SetPassword ends the account's sessions but the one of keep, in the same transaction.
	SetPassword(ctx context.Context, id plinth.AccountID, hash string, keep [32]byte, at time.Time) error
}

// CredentialStore keeps what bearers stand for, by hash. Methods return ErrNotFound for an unknown one.
type CredentialStore interface {
	AddSession(ctx context.Context, s Session) error
	EndSession(ctx context.Context, hash [32]byte, at time.Time) error
	AddToken(ctx context.Context, t Token) error
	// Tokens lists an account's tokens in order of id, after the id given.
	Tokens(ctx context.Context, account plinth.AccountID, limit int, after string) ([]Token, error)
	// RevokeToken ends a token of the account; ending it twice is no error.
	RevokeToken(ctx context.Context, account plinth.AccountID, id string, at time.Time) (Token, error)
	// Credential finds a session or token and notes when a token was used.
	Credential(ctx context.Context, hash [32]byte, at time.Time) (Credential, error)
}

// Accounts signs people and programs in and out. It is an Authenticator.
type Accounts struct {
	accounts    AccountStore
	credentials CredentialStore
	now         func() time.Time
	log         *slog.Logger
	attempts    attempts
	cache       cache
}

var _ Authenticator = (*Accounts)(nil)

// NewAccounts returns the room's front desk over the stores.
func NewAccounts(a AccountStore, c CredentialStore, now func() time.Time, log *slog.Logger) *Accounts {
	return &Accounts{accounts: a, credentials: c, now: now, log: log}
}

// SignIn checks a password and opens a session. A wrong password, an unknown login and a disabled account are one and
// the same refusal, and take the same time.
func (s *Accounts) SignIn(ctx context.Context, login, password string) (secret string, expires time.Time, a Account, err error) {
	login = strings.ToLower(strings.TrimSpace(login))
	if !loginForm.MatchString(login) {
		login = "" // nobody's; counted together
	}
	if err := s.attempts.check(login, s.now()); err != nil {
		return "", expires, a, err
	}
	a, err = s.check(ctx, login, password)
	if errors.Is(err, plinth.ErrUnknown) {
		s.attempts.failed(login, s.now())
	}
	if err != nil {
		return "", expires, Account{}, err
	}
	s.attempts.passed(login)
	secret, hash := newSecret(sessionPrefix)
	expires = s.now().Add(SessionLife)
	err = s.credentials.AddSession(ctx, Session{Hash: hash, Account: a.ID, CreatedAt: s.now(), ExpiresAt: expires})
	return secret, expires, a, err
}

// check finds the account of a login and password.
func (s *Accounts) check(ctx context.Context, login, password string) (Account, error) {
	a, err := s.accounts.AccountByLogin(ctx, login)
	if errors.Is(err, plinth.ErrNotFound) {
		a, err = Account{Password: decoy, Disabled: true}, nil
	}
	if err != nil {
		return Account{}, err
	}
	ok, stale := passwordMatches(a.Password, password)
	if !ok || a.Disabled {
		return Account{}, plinth.Errorf(plinth.ErrUnknown, "the name or the password is wrong")
	}
	if stale {
		if err := s.accounts.SetPassword(ctx, a.ID, hashPassword(password), [32]byte{}, s.now()); err != nil {
			s.log.WarnContext(ctx, "password hash not renewed", "account", a.ID, "error", err)
		}
	}
	return a, nil
}

// SignOut ends the session of the bearer.
func (s *Accounts) SignOut(ctx context.Context, bearer string) error {
	prefix, hash, ok := parseBearer(bearer)
	if !ok || prefix != sessionPrefix {
		return plinth.Errorf(plinth.ErrInvalid, "this is not a session; revoke an API token instead")
	}
	defer s.cache.forget(hash)
	return s.credentials.EndSession(ctx, hash, s.now())
}

// Authenticate implements Authenticator.
func (s *Accounts) Authenticate(ctx context.Context, bearer string) (plinth.Principal, error) {
	if bearer == "" {
		return plinth.Principal{}, plinth.Errorf(plinth.ErrUnknown, "sign in first: send Authorization: Bearer …")
	}
	_, hash, ok := parseBearer(bearer)
	if !ok {
		return plinth.Principal{}, refused()
	}
	now := s.now()
	c, ok := s.cache.get(hash, now)
	if !ok {
		generation := s.cache.generation()
		var err error
		if c, err = s.credentials.Credential(ctx, hash, now); err != nil {
			if errors.Is(err, plinth.ErrNotFound) {
				err = refused()
			}
			return plinth.Principal{}, err
		}
		s.cache.put(hash, c, now, generation)
	}
	if c.Ended || c.Account.Disabled || !now.Before(c.ExpiresAt) {
		return plinth.Principal{}, refused()
	}
	return c.principal(), nil
}

func refused() error {
	return plinth.Errorf(plinth.ErrUnknown, "sign in again: the token is not known, or no longer valid")
}

// Account returns an account.
func (s *Accounts) Account(ctx context.Context, id plinth.AccountID) (Account, error) {
	return s.accounts.Account(ctx, id)
}

// List lists accounts in order of login.
func (s *Accounts) List(ctx context.Context, limit int, after string) ([]Account, error) {
	return s.accounts.Accounts(ctx, limit, after)
}

// Create opens an account with a password.
func (s *Accounts) Create(ctx context.Context, a Account, password string) (Account, error) {
	a, err := s.prepare(a, password)
	if err != nil {
		return Account{}, err
	}
	err = s.accounts.CreateAccounts(ctx, plinth.PrincipalFrom(ctx).Account, a)
	if errors.Is(err, plinth.ErrConflict) {
		err = &plinth.Error{Kind: plinth.ErrConflict, Field: "login", Text: "is taken", Cause: err}
	}
	return a, err
}

func (s *Accounts) prepare(a Account, password string) (Account, error) {
	if err := a.Validate(); err != nil {
		return Account{}, err
	}
	if err := CheckPassword("password", password); err != nil {
		return Account{}, err
	}
	a.ID, a.CreatedAt, a.Disabled = plinth.AccountID(plinth.NewID("ac")), s.now(), false
	a.Password = hashPassword(password)
	return a, nil
}

// Disable ends an account at once. Nobody disables himself: somebody must be left to open the door.
func (s *Accounts) Disable(ctx context.Context, id plinth.AccountID) (Account, error) {
	by := plinth.PrincipalFrom(ctx).Account
	if id == by {
		return Account{}, plinth.Errorf(plinth.ErrConflict, "you cannot disable your own account")
	}
	defer s.cache.clear()
	return s.accounts.DisableAccount(ctx, id, by, s.now())
}

// ChangePassword replaces the caller's password and ends the caller's other sessions.
func (s *Accounts) ChangePassword(ctx context.Context, bearer, old, new string) error {
	a, err := s.accounts.Account(ctx, plinth.PrincipalFrom(ctx).Account)
	if err != nil {
		return err
	}
	if err := s.attempts.check(a.Login, s.now()); err != nil {
		return err
	}
	if ok, _ := passwordMatches(a.Password, old); !ok {
		s.attempts.failed(a.Login, s.now())
		return plinth.Invalid("oldPassword", "is wrong")
	}
	if err := CheckPassword("newPassword", new); err != nil {
		return err
	}
	if new == old {
		return plinth.Invalid("newPassword", "is the old one")
	}
	_, keep, _ := parseBearer(bearer)
	defer s.cache.clear()
	return s.accounts.SetPassword(ctx, a.ID, hashPassword(new), keep, s.now())
}

// CreateToken makes an API token of the caller, for some of the roles that the caller acts in now.
func (s *Accounts) CreateToken(ctx context.Context, name string, scopes []plinth.Role, days int) (Token, string, error) {
	p := plinth.PrincipalFrom(ctx)
	if name == "" || utf8.RuneCountInString(name) > 64 {
		return Token{}, "", plinth.Invalid("name", "must have 1 to 64 characters")
	}
	if err := checkRoles("scopes", scopes, p.Roles); err != nil {
		return Token{}, "", err
	}
	if days < 1 || days > MaxTokenDays {
		return Token{}, "", plinth.Invalid("validDays", "must be 1 to %d", MaxTokenDays)
	}
	secret, hash := newSecret(tokenPrefix)
	t := Token{ID: plinth.NewID("tk"), Hash: hash, Account: p.Account, Name: name, Scopes: scopes,
		CreatedAt: s.now(), ExpiresAt: s.now().AddDate(0, 0, days)}
	if err := s.credentials.AddToken(ctx, t); err != nil {
		return Token{}, "", fmt.Errorf("keep token: %w", err)
	}
	return t, secret, nil
}

// Tokens lists the caller's tokens.
func (s *Accounts) Tokens(ctx context.Context, limit int, after string) ([]Token, error) {
	return s.credentials.Tokens(ctx, plinth.PrincipalFrom(ctx).Account, limit, after)
}

// RevokeToken ends a token of the caller at once.
func (s *Accounts) RevokeToken(ctx context.Context, id string) (Token, error) {
	t, err := s.credentials.RevokeToken(ctx, plinth.PrincipalFrom(ctx).Account, id, s.now())
	s.cache.clear()
	return t, err
}
