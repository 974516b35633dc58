// Package fetch asks endpoints of others for package pipelines. Addresses that are not public are refused unless an
// operator allows them, answers are bounded, credentials come from files and go to their own origin alone. It reads no
// answer and keeps nothing.
package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"plinth"
	"plinth/pipelines"
)

// Config says what may be asked.
type Config struct {
	Allow   []string // addresses, blocks (CIDR) and hosts that are not public, or speak http://
	Secrets string   // folder of the secrets' files
	Now     func() time.Time
}

// Client asks. Many goroutines may use it.
type Client struct {
	cfg  Config
	http http.Client
}

var _ pipelines.Fetcher = (*Client)(nil)

// Bounds of one question.
const (
	MaxBody        = 8 << 20 // bytes of an answer, after it was unpacked
	maxHeaders     = 64 << 10
	maxRedirects   = 3
	maxValidator   = 256
	connectTimeout = 10 * time.Second
)

// New returns a client. Variables of the environment that name proxies are not read: a proxy would resolve names itself.
func New(cfg Config) (*Client, error) {
	a, err := parseAllowed(cfg.Allow)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg}
	c.http = http.Client{Transport: transports{"http": transport(a, true), "https": transport(a, false)}, CheckRedirect: stay}
	return c, nil
}

func transport(a allowed, plain bool) *http.Transport {
	return &http.Transport{DialContext: dialer{a, plain}.dial, TLSHandshakeTimeout: connectTimeout, MaxResponseHeaderBytes: maxHeaders,
		MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second}
}

// transports are one for each scheme.
type transports map[string]*http.Transport

// RoundTrip implements http.RoundTripper.
func (t transports) RoundTrip(r *http.Request) (*http.Response, error) {
	if t[r.URL.Scheme] == nil {
		return nil, plinth.Errorf(plinth.ErrInvalid, "the scheme %q is neither http nor https", r.URL.Scheme)
	}
	return t[r.URL.Scheme].RoundTrip(r)
}

// stay follows a redirect within the origin alone. Its connection is judged as the first one was.
func stay(r *http.Request, via []*http.Request) error {
	switch {
	case originOf(r.URL) != originOf(via[0].URL):
		return refused("the endpoint redirects to %s, and redirects are only followed within %s", originOf(r.URL), originOf(via[0].URL))
	case len(via) > maxRedirects:
		return plinth.Errorf(plinth.ErrInvalid, "the endpoint redirects more than %d times", maxRedirects)
	}
	return nil
}

// originOf is scheme, host and port (RFC 6454).
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Scheme) + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Fetch implements pipelines.Fetcher.
func (c *Client) Fetch(ctx context.Context, a pipelines.Ask) (pipelines.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL, nil)
	if err != nil {
		return pipelines.Answer{}, plinth.Errorf(plinth.ErrInvalid, "the URL cannot be asked")
	}
	if err := c.authorize(req, a.Secret); err != nil {
		return pipelines.Answer{}, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "plinth")
	setUnlessEmpty(req.Header, "If-None-Match", a.ETag)
	setUnlessEmpty(req.Header, "If-Modified-Since", a.Modified)
	resp, err := c.http.Do(req)
	if err != nil {
		return pipelines.Answer{}, unanswered(err)
	}
	defer resp.Body.Close()
	return c.answer(resp, a)
}

func setUnlessEmpty(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

// unanswered keeps our own sentence and none of the library's, which quotes the URL.
func unanswered(err error) error {
	var e *plinth.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return &pipelines.Busy{Err: plinth.Errorf(plinth.ErrUnavailable, "the endpoint did not answer in time").Because(err)}
	}
	return &pipelines.Busy{Err: plinth.Errorf(plinth.ErrUnavailable, "the endpoint cannot be reached").Because(err)}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// answer judges the status (RFC 9110 §15) and reads the body.
func (c *Client) answer(resp *http.Response, a pipelines.Ask) (pipelines.Answer, error) {
	switch code := resp.StatusCode; {
	case code == http.StatusNotModified && (a.ETag != "" || a.Modified != ""):
		return pipelines.Answer{Unchanged: true}, nil
	case code == http.StatusNotFound:
		return pipelines.Answer{Missing: true}, nil
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return pipelines.Answer{}, &pipelines.Busy{After: c.retryAfter(resp.Header.Get("Retry-After")),
			Err: plinth.Errorf(plinth.ErrUnavailable, "the endpoint answered %d %s", code, http.StatusText(code))}
	case code != http.StatusOK:
		return pipelines.Answer{}, plinth.Errorf(plinth.ErrInvalid, "the endpoint answered %d %s", code, http.StatusText(code))
	}
	body, err := readBody(resp)
	if err != nil {
		return pipelines.Answer{}, err
	}
	next, err := nextOf(resp)
	out := pipelines.Answer{Body: body, Next: next}
	out.ETag, out.Modified = validators(resp.Header)
	return out, err
}

// readBody reads the body, unpacked, up to its limit.
func readBody(resp *http.Response) ([]byte, error) {
	tooLong := plinth.Errorf(plinth.ErrExhausted, "the answer has more than %d bytes; ask for smaller pages by page_size", MaxBody)
	if resp.ContentLength > MaxBody {
		return nil, tooLong
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	if err != nil {
		return nil, unanswered(err)
	}
	if len(body) > MaxBody {
		return nil, tooLong
	}
	return body, nil
}

// nextOf is the link to the next page, made absolute. It stays within the origin: a credential goes with it.
func nextOf(resp *http.Response) (string, error) {
	link := nextLink(resp.Header.Values("Link"))
	if link == "" {
		return "", nil
	}
	u, err := resp.Request.URL.Parse(link)
	if err != nil || u.User != nil {
		return "", plinth.Errorf(plinth.ErrInvalid, "the link to the next page is no URL")
	}
	if originOf(u) != originOf(resp.Request.URL) {
		return "", refused("the link to the next page leads to %s, and links are only followed within %s", originOf(u), originOf(resp.Request.URL))
	}
	u.Fragment = ""
	return u.String(), nil
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3); 0 is what cannot be read or has passed.
func (c *Client) retryAfter(value string) time.Duration {
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(c.cfg.Now()), 0)
	}
	return 0
}

// validators are what a later question can refer to. A time is one only when the answer was made at least a second after
// it: within that second there may have been another change (RFC 9110 §8.8.2.2).
func validators(h http.Header) (etag, modified string) {
	etag, modified = h.Get("ETag"), h.Get("Last-Modified")
	if len(etag) > maxValidator {
		etag = ""
	}
	at, err := http.ParseTime(modified)
	made, dateless := http.ParseTime(h.Get("Date"))
	if err != nil || dateless != nil || made.Sub(at) < time.Second {
		modified = ""
	}
	return etag, modified
}
