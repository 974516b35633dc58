package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"plinth"
	"plinth/internal/postgres"
	"plinth/security"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func newClock() *clock { return &clock{at: time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)} }

func desk(t *testing.T) (*security.Accounts, *postgres.DB, *clock) {
	t.Helper()
	db, c := open(t), newClock()
	store := postgres.NewAccounts(db)
	return security.NewAccounts(store, store, c.now, slog.New(slog.DiscardHandler)), db, c
}

// clerk opens an account and returns it with a context in which it calls.
func clerk(t *testing.T, desk *security.Accounts, login string, roles ...plinth.Role) (context.Context, security.Account) {
	t.Helper()
	a, err := desk.Create(t.Context(), security.Account{Login: login, Name: login, Department: "databureau", Roles: roles}, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	return plinth.WithPrincipal(t.Context(), a.Principal()), a
}

const goodPassword = "a long enough password"

func wantUnknown(t *testing.T, desk *security.Accounts, bearer, why string) {
	t.Helper()
	if _, err := desk.Authenticate(t.Context(), bearer); !errors.Is(err, plinth.ErrUnknown) {
		t.Errorf("%s: got %v, want ErrUnknown", why, err)
	}
}

func TestSignInOpensASessionThatEnds(t *testing.T) {
	desk, _, c := desk(t)
	_, a := clerk(t, desk, "steward", plinth.RoleSteward)
	secret, expires, _, err := desk.SignIn(t.Context(), " Steward", goodPassword)
	if err != nil || expires != c.now().Add(security.SessionLife) {
		t.Fatalf("sign in: %v, expires %v", err, expires)
	}
	p, err := desk.Authenticate(t.Context(), secret)
	if err != nil || p.Account != a.ID || p.Department != "databureau" || !p.Has(plinth.RoleSteward) {
		t.Fatalf("got %+v, %v", p, err)
	}
	if err := desk.SignOut(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	wantUnknown(t, desk, secret, "after sign-out")

	secret, _, _, err = desk.SignIn(t.Context(), "steward", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	c.add(security.SessionLife)
	wantUnknown(t, desk, secret, "after twelve hours")
}

func TestSignInRefusesAlikeAndThenMakesWait(t *testing.T) {
	desk, _, c := desk(t)
	ctx, _ := clerk(t, desk, "operator", plinth.RoleOperator)
	_, gone := clerk(t, desk, "gone", plinth.RoleAnalyst)
	if _, err := desk.Disable(ctx, gone.ID); err != nil {
		t.Fatal(err)
	}
	var sentences []string
	for _, try := range [][2]string{{"operator", "wrong password!"}, {"nobody", goodPassword}, {"gone", goodPassword},
		{"'; DROP TABLE account; --", goodPassword}, {"\xff", goodPassword}} {
		_, _, _, err := desk.SignIn(t.Context(), try[0], try[1])
		if !errors.Is(err, plinth.ErrUnknown) {
			t.Errorf("%q: got %v, want ErrUnknown", try[0], err)
			continue
		}
		sentences = append(sentences, err.Error())
	}
	for _, s := range sentences {
		if s != sentences[0] {
			t.Errorf("refusals differ: %q and %q", s, sentences[0])
		}
	}
	for range 4 {
		desk.SignIn(t.Context(), "operator", "wrong password!")
	}
	if _, _, _, err := desk.SignIn(t.Context(), "operator", goodPassword); !errors.Is(err, plinth.ErrExhausted) {
		t.Errorf("after five failures: got %v, want ErrExhausted", err)
	}
	c.add(time.Minute)
	if _, _, _, err := desk.SignIn(t.Context(), "operator", goodPassword); err != nil {
		t.Errorf("after waiting: %v", err)
	}
}

func TestTokenIsNarrowExpiresAndIsRevokedAtOnce(t *testing.T) {
	desk, db, c := desk(t)
	ctx, _ := clerk(t, desk, "both", plinth.RoleAnalyst, plinth.RoleAuditor)
	token, secret, err := desk.CreateToken(ctx, "notebook", []plinth.Role{plinth.RoleAnalyst}, 30)
	if err != nil {
		t.Fatal(err)
	}
	p, err := desk.Authenticate(t.Context(), secret)
	if err != nil || !p.Has(plinth.RoleAnalyst) || p.Has(plinth.RoleAuditor) {
		t.Fatalf("got %+v, %v", p, err)
	}
	var kept int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM api_token WHERE id LIKE '%'||$1||'%' OR name LIKE '%'||$1||'%' OR encode(hash,'escape') LIKE '%'||$1||'%'`, secret).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("the secret is kept: %d, %v", kept, err)
	}
	if _, err := desk.RevokeToken(ctx, token.ID); err != nil {
		t.Fatal(err)
	}
	wantUnknown(t, desk, secret, "after revocation")
	_, secret, err = desk.CreateToken(ctx, "notebook", []plinth.Role{plinth.RoleAnalyst}, 1)
	if err != nil {
		t.Fatal(err)
	}
	c.add(24 * time.Hour)
	wantUnknown(t, desk, secret, "after expiry")
	tokens, err := desk.Tokens(ctx, 10, "")
	if err != nil || len(tokens) != 2 || tokens[0].RevokedAt.IsZero() || tokens[0].LastUsedAt.IsZero() {
		t.Errorf("tokens: %+v, %v", tokens, err)
	}
}

func TestTokenCannotWidenOrReachAnother(t *testing.T) {
	desk, _, _ := desk(t)
	ctx, _ := clerk(t, desk, "analyst", plinth.RoleAnalyst)
	other, _ := clerk(t, desk, "other", plinth.RoleAnalyst)
	for _, tt := range []struct {
		name   string
		scopes []plinth.Role
		days   int
		field  string
	}{{"x", []plinth.Role{plinth.RoleOperator}, 1, "scopes[0]"}, {"x", nil, 1, "scopes"}, {"", []plinth.Role{plinth.RoleAnalyst}, 1, "name"},
		{"x", []plinth.Role{plinth.RoleAnalyst}, 366, "validDays"}, {"x", []plinth.Role{plinth.RoleAnalyst}, 0, "validDays"}} {
		_, _, err := desk.CreateToken(ctx, tt.name, tt.scopes, tt.days)
		var e *plinth.Error
		if !errors.As(err, &e) || e.Field != tt.field {
			t.Errorf("%+v: got %v", tt, err)
		}
	}
	token, _, err := desk.CreateToken(ctx, "mine", []plinth.Role{plinth.RoleAnalyst}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.RevokeToken(other, token.ID); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("another's token: got %v, want ErrNotFound", err)
	}
}

func TestDisablingEndsEverythingAtOnce(t *testing.T) {
	desk, db, _ := desk(t)
	boss, me := clerk(t, desk, "operator", plinth.RoleOperator)
	ctx, a := clerk(t, desk, "leaver", plinth.RoleAnalyst)
	session, _, _, err := desk.SignIn(t.Context(), "leaver", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := desk.CreateToken(ctx, "t", []plinth.Role{plinth.RoleAnalyst}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []string{session, token} {
		if _, err := desk.Authenticate(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := desk.Disable(boss, a.ID); err != nil {
		t.Fatal(err)
	}
	wantUnknown(t, desk, session, "session of a disabled account")
	wantUnknown(t, desk, token, "token of a disabled account")
	if _, err := desk.Disable(boss, me.ID); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("disabling oneself: got %v, want ErrConflict", err)
	}
	if _, err := desk.Disable(boss, "ac_none"); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("unknown account: got %v, want ErrNotFound", err)
	}
	if n := count(t, db); n != 4 { // two accounts, one token, one disabling
		t.Errorf("got %d records, want 4", n)
	}
}

func TestChangePasswordEndsOtherSessions(t *testing.T) {
	desk, _, _ := desk(t)
	ctx, _ := clerk(t, desk, "me", plinth.RoleAnalyst)
	here, _, _, err := desk.SignIn(t.Context(), "me", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	there, _, _, err := desk.SignIn(t.Context(), "me", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	if err := desk.ChangePassword(ctx, here, goodPassword, "short"); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("short password: %v", err)
	}
	if err := desk.ChangePassword(ctx, here, "not the password", "another long password"); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("wrong old password: %v", err)
	}
	if err := desk.ChangePassword(ctx, here, goodPassword, "another long password"); err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Authenticate(t.Context(), here); err != nil {
		t.Errorf("this session: %v", err)
	}
	wantUnknown(t, desk, there, "the other session")
	if _, _, _, err := desk.SignIn(t.Context(), "me", goodPassword); !errors.Is(err, plinth.ErrUnknown) {
		t.Errorf("the old password: %v", err)
	}
}

func TestCreateAccountNamesTheField(t *testing.T) {
	desk, _, _ := desk(t)
	clerk(t, desk, "taken", plinth.RoleAnalyst)
	good := security.Account{Login: "fine", Name: "n", Department: "databureau", Roles: []plinth.Role{plinth.RoleAnalyst}}
	for _, tt := range []struct {
		field    string
		password string
		change   func(*security.Account)
	}{
		{"login", goodPassword, func(a *security.Account) { a.Login = "taken" }},
		{"login", goodPassword, func(a *security.Account) { a.Login = "Up" }},
		{"login", goodPassword, func(a *security.Account) { a.Login = "a'; DROP TABLE account" }},
		{"name", goodPassword, func(a *security.Account) { a.Name = "" }},
		{"department", goodPassword, func(a *security.Account) { a.Department = "" }},
		{"roles", goodPassword, func(a *security.Account) { a.Roles = nil }},
		{"roles[1]", goodPassword, func(a *security.Account) { a.Roles = append(a.Roles, "king") }},
		{"roles[1]", goodPassword, func(a *security.Account) { a.Roles = append(a.Roles, plinth.RoleAnalyst) }},
		{"password", "too short", func(*security.Account) {}},
	} {
		a := good
		tt.change(&a)
		_, err := desk.Create(t.Context(), a, tt.password)
		var e *plinth.Error
		if !errors.As(err, &e) || e.Field != tt.field {
			t.Errorf("%+v: got %v, want field %s", a, err, tt.field)
		}
	}
}

func TestBootstrapHappensOnce(t *testing.T) {
	desk, _, _ := desk(t)
	logins, err := desk.Bootstrap(t.Context())
	if err != nil || len(logins) != 8 {
		t.Fatalf("got %d logins, %v", len(logins), err)
	}
	for _, l := range logins {
		if _, _, a, err := desk.SignIn(t.Context(), l.Login, l.Password); err != nil || !a.Principal().Has(l.Role) {
			t.Errorf("%s: %v", l.Login, err)
		}
	}
	if again, err := desk.Bootstrap(t.Context()); err != nil || again != nil {
		t.Errorf("second time: %v, %v", again, err)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	db, c := open(t), newClock()
	keys := postgres.NewKeys(db, c.now)
	claim := func(method string, body byte) ([]byte, bool, error) {
		return keys.Claim(t.Context(), "ac_1", "k", method, [32]byte{body})
	}
	if _, fresh, err := claim("m", 1); err != nil || !fresh {
		t.Fatalf("first claim: %v %v", fresh, err)
	}
	if _, _, err := claim("m", 1); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("while it runs: got %v, want ErrConflict", err)
	}
	if err := keys.Keep(t.Context(), "ac_1", "k", []byte("answer")); err != nil {
		t.Fatal(err)
	}
	if got, fresh, err := claim("m", 1); string(got) != "answer" || fresh || err != nil {
		t.Errorf("replay: %q %v %v", got, fresh, err)
	}
	for _, other := range []func() ([]byte, bool, error){func() ([]byte, bool, error) { return claim("m", 2) },
		func() ([]byte, bool, error) { return claim("n", 1) }} {
		if _, _, err := other(); !errors.Is(err, plinth.ErrConflict) {
			t.Errorf("other call: got %v, want ErrConflict", err)
		}
	}
	if _, fresh, err := keys.Claim(t.Context(), "ac_2", "k", "m", [32]byte{1}); err != nil || !fresh {
		t.Errorf("another account's key: %v %v", fresh, err)
	}
	if err := keys.Release(t.Context(), "ac_2", "k"); err != nil {
		t.Fatal(err)
	}
	if _, fresh, err := keys.Claim(t.Context(), "ac_2", "k", "m", [32]byte{9}); err != nil || !fresh {
		t.Errorf("released key: %v %v", fresh, err)
	}
	c.add(25 * time.Hour)
	if _, fresh, err := claim("m", 2); err != nil || !fresh {
		t.Errorf("a day later: %v %v", fresh, err)
	}
}

func TestOneOfManyConcurrentClaimsIsFresh(t *testing.T) {
	keys := postgres.NewKeys(open(t), newClock().now)
	var fresh, conflicts int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			_, ok, err := keys.Claim(t.Context(), "ac_1", "k", "m", [32]byte{})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case ok:
				fresh++
			case errors.Is(err, plinth.ErrConflict):
				conflicts++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if fresh != 1 || conflicts != 15 {
		t.Errorf("got %d fresh, %d conflicts; want 1 and 15", fresh, conflicts)
	}
}
