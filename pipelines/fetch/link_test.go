package fetch

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTheNextLinkOfRFC8288(t *testing.T) {
	for header, want := range map[string]string{
		`<https://a/2>; rel="next"`:                                        "https://a/2",
		`<a>; rel="prev", <b>; rel=next`:                                   "b",
		`<a>; title="x, <c>; rel=next"; rel="last", <b>; rel="first NEXT"`: "b",
		`<a>; rel=prev; rel=next`:                                          "",
		`<a>; rel=next; anchor="#x"`:                                       "",
		`<a,b;c>;rel=next`:                                                 "a,b;c",
		`a; rel=next, <b>;rel=next`:                                        "b",
		`<a`:                                                               "",
		`<a>; title="\"; rel=next`:                                         "",
		``:                                                                 "",
	} {
		if got := nextLink([]string{header}); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

func FuzzNextLink(f *testing.F) {
	f.Add(`<https://a/2>; rel="next"`)
	f.Add(`<a>; title="x\", <c>; rel=next"; rel="last" ,, <b>; rel="first NEXT"`)
	f.Fuzz(func(t *testing.T, header string) {
		if got := nextLink([]string{header}); got != "" && !strings.Contains(header, got) {
			t.Errorf("%q is not in %q", got, header)
		}
	})
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	c := &Client{cfg: Config{Now: func() time.Time { return now }}}
	for value, want := range map[string]time.Duration{"": 0, "120": 2 * time.Minute, "-1": 0, "soon": 0, "99999999999": 0,
		now.Add(time.Hour).Format(http.TimeFormat): time.Hour, now.Add(-time.Hour).Format(http.TimeFormat): 0} {
		if got := c.retryAfter(value); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestATimeIsAValidatorOnlyWhenTheAnswerWasMadeLater(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]bool{0: false, time.Second: true} {
		h := http.Header{"Last-Modified": {at.Format(http.TimeFormat)}, "Date": {at.Add(after).Format(http.TimeFormat)}, "Etag": {strings.Repeat("x", 300)}}
		etag, modified := validators(h)
		if (modified != "") != want || etag != "" {
			t.Errorf("%s later: %q %q", after, etag, modified)
		}
	}
}
