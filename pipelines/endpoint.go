package pipelines

import (
	"cmp"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"plinth"
)

// Endpoint says what a pull asks, how its answers are read, and how they go on.
type Endpoint struct {
	URL    string `yaml:"url,omitempty" json:"url,omitempty"`       // http or https, without a secret
	Format string `yaml:"format,omitempty" json:"format,omitempty"` // "json", or "open311": GeoReport v2
	Secret string `yaml:"secret,omitempty" json:"secret,omitempty"` // the name of a credential that the operator keeps in a file

	Records string `yaml:"records,omitempty" json:"records,omitempty"` // JSON pointer (RFC 6901) to the list; the answer itself when empty

	Cursor      string `yaml:"cursor,omitempty" json:"cursor,omitempty"`             // the query parameter that carries it
	CursorField string `yaml:"cursor_field,omitempty" json:"cursor_field,omitempty"` // the record's, by key or JSON pointer
	CursorAs    Scale  `yaml:"cursor_as,omitempty" json:"cursor_as,omitempty"`       // time when empty
	Overlap     string `yaml:"overlap,omitempty" json:"overlap,omitempty"`           // how far before the cursor is asked again
	Start       string `yaml:"start,omitempty" json:"start,omitempty"`               // the first cursor

	Paging        string `yaml:"paging,omitempty" json:"paging,omitempty"`                 // link, page, page0 (counts from 0), offset
	PageParameter string `yaml:"page_parameter,omitempty" json:"page_parameter,omitempty"` // "page" or "offset" when empty
	SizeParameter string `yaml:"size_parameter,omitempty" json:"size_parameter,omitempty"`
	PageSize      int    `yaml:"page_size,omitempty" json:"page_size,omitempty"`

	Timeout string `yaml:"timeout,omitempty" json:"timeout,omitempty"` // of one request; 30s when empty
}

// The formats, and the ways of paging.
const (
	formatJSON    = "json"
	formatOpen311 = "open311"

	byLink   = "link" // RFC 8288, rel="next"
	byPage   = "page"
	byPage0  = "page0"
	byOffset = "offset"
)

// Limits of an endpoint's declaration.
const (
	maxURL      = 1024
	maxName     = 64 // of a parameter, field or secret
	maxPageSize = 10_000
	leastWait   = time.Second
	mostWait    = 5 * time.Minute
	usualWait   = 30 * time.Second
	mostOverlap = 30 * 24 * time.Hour // less than the 90 days that GeoReport v2 answers for at once
)

var secretName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// secretParameter are the query parameters that hold secrets by their name.
var secretParameter = regexp.MustCompile(`(?i)^(.*[_-])?(api_?key|key|token|secret|password|passwd|pwd|auth|authorization|signature|sig)$`)

// timeout is how long one request may take.
func (e *Endpoint) timeout() time.Duration {
	d, _ := time.ParseDuration(cmp.Or(e.Timeout, usualWait.String())) // validate has seen it
	return d
}

// paging is how the answers go on.
func (e *Endpoint) paging() string {
	if e.Format == formatOpen311 {
		return cmp.Or(e.Paging, byPage)
	}
	return cmp.Or(e.Paging, byLink)
}

// pageParameter carries the page's number or offset.
func (e *Endpoint) pageParameter() string {
	if e.paging() == byOffset {
		return cmp.Or(e.PageParameter, "offset")
	}
	return cmp.Or(e.PageParameter, "page")
}

func (e *Endpoint) validate() error {
	return first(e.validURL(), e.validNames(), e.validCursor(), e.validPaging(), e.validTimeout())
}

func (e *Endpoint) validURL() error {
	u, err := url.Parse(e.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "":
		return plinth.Invalid("source.url", "the URL is http:// or https:// with a host")
	case u.User != nil:
		return plinth.Invalid("source.url", "a URL that is shown to others holds no password")
	case slices.ContainsFunc(slices.Collect(maps.Keys(u.Query())), secretParameter.MatchString):
		return plinth.Invalid("source.url", "a URL that is shown to others holds no key: keep it in a file of secrets and name that")
	case len(e.URL) > maxURL:
		return plinth.Invalid("source.url", "the URL has at most %d bytes", maxURL)
	case e.Format != formatJSON && e.Format != formatOpen311:
		return plinth.Invalid("source.format", "the format is json or open311")
	case e.Secret != "" && !secretName.MatchString(e.Secret):
		return plinth.Invalid("source.secret", "it is the name of a file of secrets, of a-z, 0-9, - and _; never the secret")
	}
	return nil
}

func (e *Endpoint) validNames() error {
	for _, f := range []struct{ name, value string }{{"cursor", e.Cursor}, {"page_parameter", e.PageParameter},
		{"size_parameter", e.SizeParameter}} {
		if len(f.value) > maxName {
			return plinth.Invalid("source."+f.name, "the parameter's name has at most %d bytes", maxName)
		}
	}
	if len(e.Records) > maxLabel || e.Records != "" && !strings.HasPrefix(e.Records, "/") {
		return plinth.Invalid("source.records", "it is a JSON pointer (RFC 6901) such as /data/items, or empty when the answer is the list")
	}
	if len(e.CursorField) > maxLabel || len(e.Start) > maxCursor {
		return plinth.Invalid("source.cursor_field", "the field has at most %d bytes, the start %d", maxLabel, maxCursor)
	}
	return nil
}

func (e *Endpoint) validCursor() error {
	if e.Format == formatOpen311 {
		return e.validWindow()
	}
	s := e.scale()
	switch {
	case (e.Cursor == "") != (e.CursorField == ""):
		return plinth.Invalid("source.cursor_field", "a cursor has a parameter and the record's field that goes into it: both or none")
	case e.Cursor == "" && (e.CursorAs != "" || e.Overlap != "" || e.Start != ""):
		return plinth.Invalid("source.cursor", "without a cursor there is nothing that cursor_as, overlap or start could say")
	case s != AsTime && s != AsNumber && s != AsText:
		return plinth.Invalid("source.cursor_as", "it is time, number or text")
	case !s.validOverlap(e.Overlap):
		return plinth.Invalid("source.overlap", "of a time it is a time up to 720h, e.g. 5m; of a number a whole number; of a text none")
	case e.Start != "" && !s.valid(e.Start):
		return plinth.Invalid("source.start", "it is a %s, as the cursor", s)
	}
	return nil
}

// validWindow admits what GeoReport v2 knows, and the common extension by the time of change.
func (e *Endpoint) validWindow() error {
	_, known := windows[e.windowStart()]
	switch {
	case !known:
		return plinth.Invalid("source.cursor", "of open311 it is start_date or updated_after")
	case e.CursorField != "" || e.CursorAs != "":
		return plinth.Invalid("source.cursor_field", "of open311 it follows from the cursor")
	case !AsTime.validOverlap(e.Overlap):
		return plinth.Invalid("source.overlap", "it is a time up to 720h, e.g. 24h")
	case e.Start != "" && !AsTime.valid(e.Start):
		return plinth.Invalid("source.start", "it is a time such as 2026-01-01T00:00:00Z")
	}
	return nil
}

func (e *Endpoint) validPaging() error {
	switch e.paging() {
	case byLink, byPage, byPage0, byOffset:
	default:
		return plinth.Invalid("source.paging", "it is link, page, page0 or offset")
	}
	switch {
	case e.paging() == byLink && e.PageParameter != "":
		return plinth.Invalid("source.page_parameter", "links name their pages themselves")
	case e.PageSize < 0 || e.PageSize > maxPageSize:
		return plinth.Invalid("source.page_size", "a page has 1 to %s records", strconv.Itoa(maxPageSize))
	case (e.PageSize == 0) != (e.SizeParameter == ""):
		return plinth.Invalid("source.size_parameter", "a size needs the parameter that carries it: both or none")
	}
	return nil
}

func (e *Endpoint) validTimeout() error {
	if d := e.timeout(); d < leastWait || d > mostWait {
		return plinth.Invalid("source.timeout", "it is a time between 1s and 5m")
	}
	return nil
}
