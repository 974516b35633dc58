package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

func TestShortCodeIsReadHoweverItIsTyped(t *testing.T) {
	code := ledger.ShortCode(uuid.MustParse("00000000-0000-0000-0000-000000000001"))
	if code != "FGYC-T45V-FV1Q-PHPK" {
		t.Fatalf("the code is %s", code)
	}
	for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), "fgyc t45v fviq phpk"} {
		if got, err := ledger.ParseShortCode(typed); err != nil || got != code {
			t.Errorf("%q: got %q, %v", typed, got, err)
		}
	}
	if got, err := ledger.ParseShortCode("iiii-llll-oooo-0000"); err != nil || got != "1111-1111-0000-0000" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestBadShortCodeIsInvalid(t *testing.T) {
	for _, s := range []string{"", "ABCD", "ABCD-ABCD-ABCD-ABCU", "ABCD-ABCD-ABCD-ABCDA", "ABCD\n-ABCD-ABCD-ABCD", strings.Repeat("-", 65), "查询"} {
		if got, err := ledger.ParseShortCode(s); !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
	}
}

func FuzzParseShortCode(f *testing.F) {
	f.Add("7F3K-09QX-ZT4M-P2HA")
	f.Fuzz(func(t *testing.T, s string) {
		code, err := ledger.ParseShortCode(s)
		if err != nil {
			return
		}
		if again, err := ledger.ParseShortCode(code); err != nil || again != code {
			t.Errorf("%q is %q and then %q, %v", s, code, again, err)
		}
		if b, err := ledger.ShortCodeBytes(s); err != nil || len(b) != 10 {
			t.Errorf("%q: %x, %v", s, b, err)
		}
	})
}
