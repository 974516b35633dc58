package api

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"plinth"
)

// The sizes of a page.
const (
	defaultPage = 50
	maxPage     = 1000
)

// pageOf reads a list request's page: how many, and after which key. The token is opaque to callers.
func pageOf(size int32, token string) (limit int, after string, err error) {
	switch {
	case size == 0:
		size = defaultPage
	case size < 0 || size > maxPage:
		return 0, "", plinth.Invalid("pageSize", "must be 1 to %d", maxPage)
	}
	if token == "" {
		return int(size), "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	key, ok := strings.CutPrefix(string(raw), tokenMark)
	if err != nil || !ok || len(token) > 1024 || !utf8.Valid(raw) || strings.ContainsRune(key, 0) {
		return 0, "", plinth.Invalid("pageToken", "is not one that this server gave")
	}
	return int(size), key, nil
}

// tokenMark is the version of page tokens.
const tokenMark = "1:"

// nextPage makes the token for what follows the key; "" when nothing follows.
func nextPage(after string) string {
	if after == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(tokenMark + after))
}

// maskOf returns the mask's paths, each one of allowed; all of allowed when the mask is empty or "*".
func maskOf(mask *fieldmaskpb.FieldMask, allowed ...string) ([]string, error) {
	paths := mask.GetPaths()
	if len(paths) == 0 || slices.Contains(paths, "*") {
		return allowed, nil
	}
	var out []string
	for _, p := range paths {
		top, _, _ := strings.Cut(p, ".")
		if !slices.Contains(allowed, top) {
			return nil, plinth.Invalid("updateMask", "%q cannot be changed; what can is %s", p, strings.Join(allowed, ", "))
		}
		if !slices.Contains(out, top) {
			out = append(out, top)
		}
	}
	return out, nil
}

// cut takes limit of the items that were read, one more than the page holds, and makes the token for the rest.
func cut[T any](items []T, limit int, key func(T) string) ([]T, string) {
	if len(items) <= limit {
		return items, ""
	}
	return items[:limit], nextPage(key(items[limit-1]))
}

// offsetPage reads a page whose token is a place in a ranked list.
func offsetPage(size int32, token string) (limit, offset int, err error) {
	limit, after, err := pageOf(size, token)
	if err != nil || after == "" {
		return limit, 0, err
	}
	if offset, err = strconv.Atoi(after); err != nil || offset < 0 || offset > 10_000_000 {
		return 0, 0, plinth.Invalid("pageToken", "is not one that this call gave")
	}
	return limit, offset, nil
}

// nextOffset makes the token for what follows n items of total at offset.
func nextOffset(offset, n, total int) string {
	if n == 0 || offset+n >= total {
		return ""
	}
	return nextPage(strconv.Itoa(offset + n))
}
