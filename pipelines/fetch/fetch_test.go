package fetch_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plinth"
	"plinth/pipelines"
	"plinth/pipelines/fetch"
)

func client(t *testing.T, cfg fetch.Config) *fetch.Client {
	t.Helper()
	cfg.Now = time.Now
	c, err := fetch.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ask(url string) pipelines.Ask { return pipelines.Ask{URL: url, Timeout: 20 * time.Second} }

func TestAddressesThatAreNotPublic(t *testing.T) {
	for _, a := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0",
		"224.0.0.1", "255.255.255.255", "198.18.0.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:a00:1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254",
		"ff02::1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:1::", "fec0::1", "::127.0.0.1"} {
		if fetch.Public(netip.MustParseAddr(a)) {
			t.Errorf("%s is taken for public", a)
		}
	}
	for _, a := range []string{"1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2400:3200::1"} {
		if !fetch.Public(netip.MustParseAddr(a)) {
			t.Errorf("%s is not taken for public", a)
		}
	}
}

func TestWhatIsNotAllowedIsRefusedWhenItIsDialled(t *testing.T) {
	asked := false
	src := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked = true }))
	defer src.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked = true }))
	defer secure.Close()
	name := strings.Replace(secure.URL, "127.0.0.1", "localhost", 1) // a name that resolves to what is refused
	for url, want := range map[string]string{src.URL: "https", secure.URL: "not public", name: "not public"} {
		_, err := client(t, fetch.Config{Allow: []string{"10.0.0.0/8", "example.org"}}).Fetch(t.Context(), ask(url))
		if !errors.Is(err, plinth.ErrDenied) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it denied: %s", url, err, want)
		}
	}
	if asked {
		t.Error("a request came through")
	}
	for _, allow := range []string{"127.0.0.0/8", "127.0.0.1"} {
		if _, err := client(t, fetch.Config{Allow: []string{allow}}).Fetch(t.Context(), ask(src.URL)); err != nil {
			t.Errorf("with %s: %v", allow, err)
		}
	}
	if _, err := client(t, fetch.Config{Allow: []string{"localhost"}}).Fetch(t.Context(), ask(strings.Replace(src.URL, "127.0.0.1", "LOCALHOST", 1))); err != nil {
		t.Errorf("by name: %v", err)
	}
	if _, err := fetch.New(fetch.Config{Allow: []string{"10.0.0.0/40"}}); err == nil {
		t.Error("a wrong block is taken")
	}
}

func TestNoProxyOfTheEnvironmentIsAsked(t *testing.T) {
	proxied := false
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied = true }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	if _, err := client(t, fetch.Config{}).Fetch(t.Context(), ask("http://10.255.255.1/")); !errors.Is(err, plinth.ErrDenied) || proxied {
		t.Errorf("proxied %t, %v", proxied, err)
	}
}

func TestRedirectsAndLinksStayWithinTheOrigin(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other origin was asked") }))
	defer other.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/near", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/here", http.StatusFound) })
	mux.HandleFunc("/here", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("[1]")) })
	mux.HandleFunc("/far", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/link", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "<"+other.URL+`/2>; rel="next"`)
	})
	src := httptest.NewServer(mux)
	defer src.Close()
	c := client(t, fetch.Config{Allow: []string{"127.0.0.1"}})
	if a, err := c.Fetch(t.Context(), ask(src.URL+"/near")); err != nil || string(a.Body) != "[1]" {
		t.Errorf("a redirect within: %q, %v", a.Body, err)
	}
	for path, kind := range map[string]error{"/far": plinth.ErrDenied, "/loop": plinth.ErrInvalid, "/link": plinth.ErrDenied} {
		if _, err := c.Fetch(t.Context(), ask(src.URL+path)); !errors.Is(err, kind) {
			t.Errorf("%s: %v, want %v", path, err, kind)
		}
	}
}

func TestASecretGoesToItsOriginAloneAndIsNeverSaid(t *testing.T) {
	var got string
	src := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("X-Api-Key") }))
	defer src.Close()
	dir := t.TempDir()
	file := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("good", "origin: "+src.URL+"\nheader: X-Api-Key\nvalue: hush-hush\n")
	file("elsewhere", "origin: https://example.org\nvalue: hush-hush\n")
	file("broken", "hush-hush: [hush-hush\n")
	file("lines", "origin: "+src.URL+"\nvalue: \"hush-hush\\r\\nX: y\"\n")
	c := client(t, fetch.Config{Allow: []string{"127.0.0.1"}, Secrets: dir})
	a := ask(src.URL + "/x?q=1")
	a.Secret = "good"
	if _, err := c.Fetch(t.Context(), a); err != nil || got != "hush-hush" {
		t.Fatalf("sent %q, %v", got, err)
	}
	for _, name := range []string{"elsewhere", "broken", "lines", "missing", "../good"} {
		got, a.Secret = "", name
		_, err := c.Fetch(t.Context(), a)
		if err == nil || got != "" || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: sent %q, %v", name, got, err)
		}
	}
	src.Close()
	a.Secret = "good"
	if _, err := c.Fetch(t.Context(), a); err == nil || strings.Contains(err.Error(), "q=1") || strings.Contains(err.Error(), "hush") {
		t.Errorf("away: %v", err)
	}
}

func TestAnAnswerIsBoundedAfterItIsUnpackedToo(t *testing.T) {
	src := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		for range 10 { // without a length
			_, _ = w.Write(make([]byte, 1<<20))
			w.(http.Flusher).Flush()
		}
	}))
	defer src.Close()
	c := client(t, fetch.Config{Allow: []string{"127.0.0.1"}})
	if _, err := c.Fetch(t.Context(), ask(src.URL)); !errors.Is(err, plinth.ErrExhausted) {
		t.Errorf("a long answer: %v", err)
	}
	slow := ask(src.URL + "/slow")
	slow.Timeout = 50 * time.Millisecond
	var busy *pipelines.Busy
	if _, err := c.Fetch(t.Context(), slow); !errors.As(err, &busy) || !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("an answer that does not end: %v", err)
	}
}
