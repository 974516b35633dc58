package pipelines

import "strings"

// clip cuts s to n bytes at most and makes it UTF-8, so that any store takes it.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
