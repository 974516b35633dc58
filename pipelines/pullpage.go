package pipelines

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"plinth"
	"plinth/pipelines/table"
)

// pageRecords finds the list that a JSON pointer (RFC 6901) names in an answer. Records are not looked into, so that one
// at fault does not take the others with it. What is null is an empty list.
func pageRecords(body []byte, pointer string) ([]json.RawMessage, error) {
	body = bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF"))
	if !json.Valid(body) {
		return nil, plinth.Invalid("body", "the answer is not JSON")
	}
	at := json.RawMessage(body)
	for _, step := range strings.Split(pointer, "/")[1:] {
		var ok bool
		if at, ok = member(at, strings.NewReplacer("~1", "/", "~0", "~").Replace(step)); !ok {
			return nil, plinth.Invalid("source.records", "the answer has nothing at %s", pointer)
		}
	}
	var out []json.RawMessage
	if err := json.Unmarshal(at, &out); err != nil {
		return nil, plinth.Invalid("source.records", "the answer has no list at %s", strconv.Quote(pointer))
	}
	return out, nil
}

// member is what a step of a pointer names in an object or array.
func member(in json.RawMessage, step string) (json.RawMessage, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(in, &object) == nil && object != nil {
		v, ok := object[step]
		return v, ok
	}
	var list []json.RawMessage
	n, err := strconv.Atoi(step)
	if err != nil || json.Unmarshal(in, &list) != nil || n < 0 || n >= len(list) || strconv.Itoa(n) != step {
		return nil, false
	}
	return list[n], true
}

// pageRecord reads one record; nil is one at fault.
func pageRecord(raw json.RawMessage) (map[string]any, *fault) {
	if !utf8.Valid(raw) {
		return nil, &fault{"row", "the record is not UTF-8"}
	}
	var tree map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil || tree == nil {
		return nil, &fault{"row", "the record is not a JSON object"}
	}
	return tree, nil
}

// fieldOf is a field of a record, by key or JSON pointer.
func fieldOf(tree map[string]any, field string) string { return table.Record(tree, []string{field})[0] }
