package pipelines

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"plinth"
)

// reading is how far an endpoint has been read. It is kept after the rows it tells of are stored, never before: what is
// asked twice is stored once by its identity.
type reading struct {
	Cursor string `json:"cursor,omitempty"` // the greatest value of what was read to its end

	// Of a reading that goes over pages and is not at its end.
	Next     string    `json:"next,omitempty"`     // the page that comes next
	Greatest string    `json:"greatest,omitempty"` // the greatest value so far
	Until    time.Time `json:"until,omitzero"`     // open311: the end of the window
	Pages    int       `json:"pages,omitempty"`

	// What tells that an answer is as before (RFC 9110 §13), and of which question.
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
	Question string `json:"question,omitempty"`

	Asked     time.Time `json:"asked,omitzero"`     // when the newest run began
	NotBefore time.Time `json:"notBefore,omitzero"` // as the endpoint wished by Retry-After
}

func readReading(mark string) (reading, error) {
	var r reading
	if mark == "" {
		return r, nil
	}
	if err := json.Unmarshal([]byte(mark), &r); err != nil {
		return r, fmt.Errorf("read how far the endpoint was read: %w", err)
	}
	return r, nil
}

func (r *reading) mark() string {
	b, err := json.Marshal(r)
	if err != nil {
		panic("pipelines: " + err.Error()) // text, numbers and times
	}
	return string(b)
}

// key names what the marks of an endpoint are about: a declaration that asks for something else begins anew.
func (e *Endpoint) key() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{e.URL, e.Format, e.Records, e.Cursor, e.CursorField, string(e.CursorAs), e.Start}, "\x00")))
	return "pull|" + hex.EncodeToString(sum[:16])
}

func (e *Endpoint) scale() Scale {
	if e.Format == formatOpen311 {
		return AsTime
	}
	return cmp.Or(e.CursorAs, AsTime)
}

// windows are the parameters that begin a window of open311, the one that ends it, and the request's field that they
// compare. The second is the extension by which changed requests are found.
var windows = map[string]struct{ end, field string }{
	"start_date":    {"end_date", "requested_datetime"},
	"updated_after": {"updated_before", "updated_datetime"},
}

// windowSpan is what GeoReport v2 answers for at once.
const windowSpan = 90 * 24 * time.Hour

// usualWindowOverlap is how long before the cursor requests are asked for again: their state changes.
const usualWindowOverlap = "24h"

func (e *Endpoint) windowStart() string { return cmp.Or(e.Cursor, "start_date") }

// cursorField is where a record's cursor stands; empty without a cursor.
func (e *Endpoint) cursorField() string {
	if e.Format == formatOpen311 {
		return windows[e.windowStart()].field
	}
	return e.CursorField
}

// question is the first page's URL. It sets the window's end of open311 when there is none.
func (e *Endpoint) question(r *reading, now time.Time) string {
	u, _ := url.Parse(e.URL) // validate has seen it
	q := u.Query()
	if e.Format == formatOpen311 {
		e.window(u, q, r, now)
	} else if from := cmp.Or(r.Cursor, e.Start); from != "" && e.Cursor != "" {
		if r.Cursor != "" {
			from = e.scale().back(r.Cursor, e.Overlap)
		}
		q.Set(e.Cursor, from)
	}
	if e.SizeParameter != "" {
		q.Set(e.SizeParameter, strconv.Itoa(e.PageSize))
	}
	switch e.paging() {
	case byPage:
		q.Set(e.pageParameter(), "1")
	case byPage0, byOffset:
		q.Set(e.pageParameter(), "0")
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// window asks for the requests of at most 90 days. Dates are W3C-DTF in UTC, as GeoReport v2 wants them.
func (e *Endpoint) window(u *url.URL, q url.Values, r *reading, now time.Time) {
	if !strings.HasSuffix(u.Path, ".json") {
		u.Path = strings.TrimSuffix(u.Path, "/") + "/requests.json"
	}
	begin := e.begin(r, now)
	if r.Until.IsZero() {
		r.Until = begin.Add(windowSpan)
		if r.Until.After(now) {
			r.Until = now
		}
		r.Until = r.Until.UTC().Truncate(time.Second)
	}
	q.Set(e.windowStart(), begin.Format(time.RFC3339))
	q.Set(windows[e.windowStart()].end, r.Until.Format(time.RFC3339))
}

// begin is where a window begins.
func (e *Endpoint) begin(r *reading, now time.Time) time.Time {
	t, _, ok := instantOf(r.Cursor)
	if ok {
		d, _ := time.ParseDuration(cmp.Or(e.Overlap, usualWindowOverlap))
		t = t.Add(-d)
	} else if t, _, ok = instantOf(e.Start); !ok {
		t = now.Add(-windowSpan)
	}
	return t.UTC().Truncate(time.Second)
}

// next is the page after the one at a URL that had so many records and, by its header, a link to another. It is empty at
// the end.
func (e *Endpoint) next(at, link string, records int) (string, error) {
	if e.paging() == byLink {
		if len(link) > 2*maxURL {
			return "", plinth.Invalid("link", "the link to the next page has more than %d bytes", 2*maxURL)
		}
		return link, nil
	}
	if records == 0 {
		return "", nil
	}
	u, err := url.Parse(at)
	if err != nil {
		return "", fmt.Errorf("read the page's URL: %w", err)
	}
	q, step := u.Query(), 1
	if e.paging() == byOffset {
		step = records
	}
	n, err := strconv.Atoi(q.Get(e.pageParameter()))
	if err != nil {
		return "", fmt.Errorf("read the page's number: %w", err)
	}
	q.Set(e.pageParameter(), strconv.Itoa(n+step))
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// end notes that a reading has come to its end. It tells whether the endpoint is known to have more.
func (e *Endpoint) end(r *reading, now time.Time) (more bool) {
	s := e.scale()
	if e.Format == formatOpen311 { // a request from outside the window tells nothing of those in between
		r.Greatest = s.clamp(r.Greatest, r.Until)
	}
	if s.compare(r.Greatest, r.Cursor) > 0 {
		r.Cursor = r.Greatest
	}
	if e.Format == formatOpen311 && now.Sub(r.Until) > time.Minute { // it caught up with older requests
		if end := r.Until.Format(time.RFC3339); s.compare(end, r.Cursor) > 0 {
			r.Cursor = end
		}
		more = true
	}
	r.Next, r.Greatest, r.Until, r.Pages = "", "", time.Time{}, 0
	return more
}
