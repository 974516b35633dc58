package pipelines

import (
	"cmp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Scale is what a cursor's values are, and so how two of them compare.
type Scale string

// The scales.
const (
	AsTime   Scale = "time"   // written as one of timeForms; without a zone it is UTC
	AsNumber Scale = "number" // a whole number
	AsText   Scale = "text"   // compared byte by byte
)

// maxCursor is the most bytes of a cursor's value.
const maxCursor = 256

// usualOverlap is how far before a time is asked again where the declaration does not say: values that are equal to the
// cursor, or that became visible a little late, are not missed.
const usualOverlap = time.Minute

// timeForms are how endpoints write times. A cursor goes back in the form that it came in.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02"}

func instantOf(s string) (t time.Time, form string, ok bool) {
	for _, form := range timeForms {
		if t, err := time.Parse(form, s); err == nil {
			return t, form, true
		}
	}
	return time.Time{}, "", false
}

// valid tells whether a value can be a cursor.
func (s Scale) valid(v string) bool {
	if v == "" || len(v) > maxCursor || !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
		return false
	}
	switch s {
	case AsTime:
		_, _, ok := instantOf(v)
		return ok
	case AsNumber:
		_, err := strconv.ParseInt(v, 10, 64)
		return err == nil
	}
	return true
}

// compare orders two valid values; the empty one is the least.
func (s Scale) compare(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(min(len(a), 1), min(len(b), 1))
	}
	switch s {
	case AsTime:
		x, _, _ := instantOf(a)
		y, _, _ := instantOf(b)
		return x.Compare(y)
	case AsNumber:
		x, _ := strconv.ParseInt(a, 10, 64) // valid
		y, _ := strconv.ParseInt(b, 10, 64)
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

// clamp keeps a time from lying after now: one record with the year 2999 must not hide all that follow.
func (s Scale) clamp(v string, now time.Time) string {
	if s != AsTime {
		return v
	}
	t, form, ok := instantOf(v)
	if !ok || !t.After(now) {
		return v
	}
	return now.In(t.Location()).Format(form)
}

func (s Scale) validOverlap(overlap string) bool {
	if overlap == "" {
		return true
	}
	switch s {
	case AsTime:
		d, err := time.ParseDuration(overlap)
		return err == nil && d >= 0 && d <= mostOverlap
	case AsNumber:
		n, err := strconv.ParseInt(overlap, 10, 64)
		return err == nil && n >= 0
	}
	return false
}

// back is where the next question begins: a valid value less the overlap.
func (s Scale) back(v, overlap string) string {
	switch s {
	case AsTime:
		t, form, _ := instantOf(v)
		d, _ := time.ParseDuration(cmp.Or(overlap, usualOverlap.String()))
		return t.Add(-d).Format(form)
	case AsNumber:
		n, _ := strconv.ParseInt(v, 10, 64)
		d, _ := strconv.ParseInt(cmp.Or(overlap, "1"), 10, 64)
		if n < 0 && n-d > n { // below the least number
			return v
		}
		return strconv.FormatInt(n-d, 10)
	}
	return v
}
