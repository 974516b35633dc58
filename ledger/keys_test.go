package ledger_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"plinth/ledger"
	"plinth/ledger/twin"
)

// TestKeySignsTheSizesThatAreItsOwn verifies a receipt of size 7 against lists of keys as a rotation leaves them.
func TestKeySignsTheSizesThatAreItsOwn(t *testing.T) {
	f := newFixture(t, 7)
	_, other, err := note.GenerateKey(nil, origin)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		keys []string
		word ledger.Word
		text string
	}{
		{"for ever", []string{f.vkey}, ledger.Proven, ""},
		{"retired later", []string{f.vkey + " 0-7", other + " 8-"}, ledger.Proven, ""},
		{"valid from here", []string{other + " 0-6", f.vkey + " 7-"}, ledger.Proven, ""},
		{"retired before", []string{f.vkey + " 0-6", other + " 7-"}, ledger.Untrusted, "retired"},
		{"not valid yet", []string{other + " 0-7", f.vkey + " 8-"}, ledger.Untrusted, "not valid yet"},
		{"never its key", []string{other}, ledger.Untrusted, "unknown key"},
	} {
		p := f.policy()
		p.LogKeys = tt.keys
		v, err := ledger.Verify(encode(t, f.receipt(t, 3)), p)
		if v.Word != tt.word || tt.text != "" && (err == nil || !strings.Contains(err.Error(), tt.text)) {
			t.Errorf("%s: got %s, %v", tt.name, v.Word, err)
		}
		var fault *ledger.Fault
		if err != nil && (!errors.As(err, &fault) || fault.Part != ledger.PartSignature) {
			t.Errorf("%s: the fault is in %v", tt.name, err)
		}
	}
}

func TestLogKeyHasOneSpelling(t *testing.T) {
	_, ed, err := note.GenerateKey(nil, origin)
	if err != nil {
		t.Fatal(err)
	}
	_, sm2, err := twin.GenerateKey(rand.Reader, twin.Origin(origin))
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{ed, sm2, ed + " 0-9", ed + " 1-1", sm2 + " 10-", ed + " 3-9000000000"} {
		if k, err := ledger.ParseLogKey(good); err != nil || k.String() != good {
			t.Errorf("%q: got %q, %v", good, k, err)
		}
	}
	for _, bad := range []string{"", "x", ed + " ", ed + " 5", ed + " -", ed + " 0-", ed + " 0-0", ed + " 9-3", ed + " 03-9", ed + " 3-09",
		ed + "  3-9", ed + " 3-9 ", ed + " 3--9", ed + " 3-9223372036854775808", "x" + ed, ed + "\n"} {
		if k, err := ledger.ParseLogKey(bad); err == nil {
			t.Errorf("%q: taken as %v", bad, k)
		}
	}
}

func FuzzParseLogKey(f *testing.F) {
	_, vkey, err := note.GenerateKey(nil, origin)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(vkey + " 1-4096")
	f.Add(vkey)
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := ledger.ParseLogKey(text); err == nil && k.String() != text {
			t.Errorf("%q has another spelling, %q", text, k)
		}
	})
}
