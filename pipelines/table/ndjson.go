package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"plinth"
)

// lines reads an object a line. A column is a key of it, or a JSON pointer (RFC 6901) when it begins with /.
type lines struct {
	in      *bufio.Reader
	columns []string
	strict  bool
	row     uint64
}

func newLines(r io.Reader, o Options) *lines {
	return &lines{in: bufio.NewReaderSize(r, maxLine), columns: o.Columns, strict: o.Strict}
}

// Header implements Reader.
func (l *lines) Header() []string { return l.columns }

// Row implements Reader.
func (l *lines) Row() uint64 { return l.row }

// Close implements Reader.
func (l *lines) Close() error { return nil }

// Read implements Reader.
func (l *lines) Read() ([]string, error) {
	for {
		line, err := l.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, plinth.Errorf(plinth.ErrInvalid, "the file could not be read to its end: %w", err)
		}
		text := bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF")))
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return nil, io.EOF
		}
		l.row++
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, l.long(text)
		case len(text) > 0:
			return l.record(text)
		}
	}
}

// long skips the rest of a line.
func (l *lines) long(head []byte) error {
	b := &Broken{Reason: fmt.Sprintf("a line has at most %d bytes", maxLine), Raw: string(head[:min(len(head), 4096)])}
	for {
		_, err := l.in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return b
		}
	}
}

func (l *lines) record(text []byte) ([]string, error) {
	if !utf8.Valid(text) {
		return nil, &Broken{Reason: "the line is not UTF-8", Raw: string(text)}
	}
	var tree map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil || dec.More() {
		return nil, &Broken{Reason: "the line is not one JSON object", Raw: string(text)}
	}
	for key := range tree {
		if l.strict && !slices.Contains(l.columns, key) {
			return nil, &Broken{Reason: fmt.Sprintf("the key %.64q is none of %v", key, l.columns), Raw: string(text)}
		}
	}
	return Record(tree, l.columns), nil
}

// Record takes the columns out of a JSON object whose numbers are json.Number. What is missing or null is empty; an array
// or object is its JSON.
func Record(tree map[string]any, columns []string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		var v any = tree[c]
		if strings.HasPrefix(c, "/") {
			v, _ = Pointer(tree, c)
		}
		out[i] = textOf(v)
	}
	return out
}

// Pointer finds what a JSON pointer (RFC 6901) names.
func Pointer(tree any, pointer string) (any, bool) {
	if pointer == "" {
		return tree, true
	}
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch at := tree.(type) {
		case map[string]any:
			next, ok := at[part]
			if !ok {
				return nil, false
			}
			tree = next
		case []any:
			var n int
			if _, err := fmt.Sscanf(part, "%d", &n); err != nil || n < 0 || n >= len(at) {
				return nil, false
			}
			tree = at[n]
		default:
			return nil, false
		}
	}
	return tree, true
}

func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
