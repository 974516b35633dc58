package security

import (
	"strings"
	"testing"
)

func TestParseBearerKnowsItsOwn(t *testing.T) {
	for _, prefix := range []string{sessionPrefix, tokenPrefix} {
		secret, hash := newSecret(prefix)
		p, h, ok := parseBearer(secret)
		if !ok || p != prefix || h != hash {
			t.Errorf("parseBearer(%q) = %q, %x, %v", secret, p, h, ok)
		}
		for _, bad := range []string{"", prefix, secret[1:], secret + "A", secret[:len(secret)-1], secret[:len(secret)-1] + "=",
			strings.ToUpper(prefix) + secret[4:], " " + secret, secret[:20] + "\n" + secret[21:]} {
			if _, _, ok := parseBearer(bad); ok {
				t.Errorf("accepted %q", bad)
			}
		}
	}
}

func FuzzParseBearer(f *testing.F) {
	secret, _ := newSecret(tokenPrefix)
	f.Add(secret)
	f.Add("pls_\x00")
	f.Fuzz(func(t *testing.T, bearer string) {
		if _, _, ok := parseBearer(bearer); ok && len(bearer) != len(secret) {
			t.Errorf("accepted %q", bearer)
		}
	})
}

func TestPasswordHashNamesItsCostAndMatchesAlone(t *testing.T) {
	hash := hashPassword("correct horse battery")
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash is %q", hash)
	}
	if ok, stale := passwordMatches(hash, "correct horse battery"); !ok || stale {
		t.Errorf("right password: ok %v, stale %v", ok, stale)
	}
	if ok, _ := passwordMatches(hash, "correct horse batterz"); ok {
		t.Error("wrong password matches")
	}
	old := "$argon2id$v=19$m=64,t=1,p=1$" + strings.Split(hash, "$")[4] + "$" + strings.Split(hash, "$")[5]
	if _, stale := passwordMatches(old, "x"); !stale {
		t.Error("a cheaper hash is not stale")
	}
	for _, bad := range []string{"", "$argon2id$", "$argon2id$v=19$m=4194304,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"} {
		if ok, _ := passwordMatches(bad, "x"); ok {
			t.Errorf("hash %q matches", bad)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(decoy)
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := parsePHC(s); err == nil && (h.memory > 1<<20 || h.time > 64) {
			t.Errorf("accepted a cost of %d KiB, %d passes", h.memory, h.time)
		}
	})
}
