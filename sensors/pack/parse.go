package pack

import (
	"bytes"
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"plinth"
	"plinth/sensors/detect"
)

// MaxFile is the most bytes a pack may have.
const MaxFile = 256 << 10

// Fault is one thing wrong with a pack.
type Fault struct {
	File  string
	Line  int    // 1-based; 0 when it is about the whole file
	Field string // e.g. "rules[0].params.hold"
	Text  string
}

func (f Fault) String() string {
	where := f.File
	if f.Line > 0 {
		where += ":" + strconv.Itoa(f.Line)
	}
	if f.Field != "" {
		where += ": " + f.Field
	}
	return where + ": " + f.Text
}

// Faults is everything wrong with packs, by file and line. It is an ErrInvalid.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.Is find the kind.
func (Faults) Unwrap() error { return plinth.ErrInvalid }

// Parse reads a pack and reports every fault at once as Faults. name is the file's, for the faults.
func Parse(name string, data []byte) (*Pack, error) {
	r := &reader{file: name, lines: map[string]int{}, fields: map[int]string{}}
	p := r.read(data)
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
		return nil, r.faults
	}
	return p, nil
}

// reader remembers where each field stands.
type reader struct {
	file   string
	lines  map[string]int // by path
	fields map[int]string // the last path of each line
	faults Faults
}

func (r *reader) add(field, format string, args ...any) {
	at := field
	for r.lines[at] == 0 && at != "" {
		at = parent(at)
	}
	r.faults = append(r.faults, Fault{r.file, r.lines[at], field, fmt.Sprintf(format, args...)})
}

// parent is the path that holds a path.
func parent(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}

func (r *reader) read(data []byte) *Pack {
	if len(data) > MaxFile {
		r.add("", "a pack has at most %d bytes, this has %d", MaxFile, len(data))
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		r.syntax(err)
		return nil
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		r.add("", "a file is one pack: something follows the first document")
		return nil
	}
	root := doc.Content[0]
	r.walk(root, "", reflect.TypeFor[Pack](), 0)
	if len(r.faults) > 0 {
		return nil // decoding what has unknown or doubled keys would only repeat it
	}
	p := &Pack{}
	r.decode(root, "", p)
	r.decodeParams(root, p)
	r.check(p)
	return p
}

// syntax reports what the YAML parser says.
func (r *reader) syntax(err error) {
	if errors.Is(err, io.EOF) {
		r.add("", "the file is empty")
		return
	}
	text, line := lineOf(strings.TrimPrefix(err.Error(), "yaml: "))
	r.faults = append(r.faults, Fault{r.file, line, "", text})
}

var linePrefix = regexp.MustCompile(`^line (\d+): `)

func lineOf(text string) (string, int) {
	m := linePrefix.FindStringSubmatch(text)
	if m == nil {
		return text, 0
	}
	n, _ := strconv.Atoi(m[1])
	return text[len(m[0]):], n
}

// decode fills into from a node and reports every value of a wrong type by its field.
func (r *reader) decode(n *yaml.Node, field string, into any) {
	err := n.Decode(into)
	var types *yaml.TypeError
	switch {
	case err == nil:
	case errors.As(err, &types):
		for _, e := range types.Errors {
			text, line := lineOf(e)
			r.faults = append(r.faults, Fault{r.file, line, cmp.Or(r.fields[line], field), text})
		}
	default:
		text, line := lineOf(strings.TrimPrefix(err.Error(), "yaml: "))
		r.faults = append(r.faults, Fault{r.file, cmp.Or(line, n.Line), cmp.Or(r.fields[line], field), text})
	}
}

// decodeParams fills the numbers of each rule by its detector's type.
func (r *reader) decodeParams(root *yaml.Node, p *Pack) {
	rules := child(root, "rules")
	for i := range p.Rules {
		if rules == nil || i >= len(rules.Content) {
			return
		}
		rule, field := &p.Rules[i], fmt.Sprintf("rules[%d].params", i)
		make, ok := detect.Kinds[rule.Detector]
		if !ok {
			continue // check names it
		}
		rule.Params.Params = make()
		node := child(rules.Content[i], "params")
		if node == nil {
			continue
		}
		before := len(r.faults)
		r.walk(node, field, reflect.TypeOf(rule.Params.Params).Elem(), 0)
		if len(r.faults) == before {
			r.decode(node, field, rule.Params.Params)
		}
		if len(r.faults) > before {
			rule.Params.Params = nil // check leaves alone what is not read
		}
	}
}

// UnmarshalYAML leaves the numbers for later: their type depends on the detector.
func (*Params) UnmarshalYAML(*yaml.Node) error { return nil }

func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

const maxDepth = 32

// walk notes where each field below n stands, and reports keys that t does not have or that stand twice. Anchors are
// refused: a pack has no need of them, and they can make a small file endless.
func (r *reader) walk(n *yaml.Node, path string, t reflect.Type, depth int) {
	if r.lines[path] == 0 {
		r.lines[path] = n.Line
	}
	r.fields[n.Line] = path
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.faults = append(r.faults, Fault{r.file, n.Line, path, "a pack has no anchors and aliases"})
	case depth > maxDepth:
		r.faults = append(r.faults, Fault{r.file, n.Line, path, "this is nested too deeply"})
	case n.Kind == yaml.MappingNode:
		r.walkMap(n, path, t, depth)
	case n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			r.walk(item, fmt.Sprintf("%s[%d]", path, i), element(t), depth+1)
		}
	}
}

func (r *reader) walkMap(n *yaml.Node, path string, t reflect.Type, depth int) {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	known := fieldsOf(t)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		next, ok := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.faults = append(r.faults, Fault{r.file, key.Line, path, "a key is a word"})
			continue
		case seen[key.Value]:
			r.faults = append(r.faults, Fault{r.file, key.Line, at, "the key is there twice"})
			continue
		case known != nil && !ok:
			r.faults = append(r.faults, Fault{r.file, key.Line, at, "there is no such key; there are " + strings.Join(sortedKeys(known), ", ")})
			continue
		case known == nil:
			next = element(t)
		}
		if err := keyFault(t, key.Value); err != nil {
			r.faults = append(r.faults, Fault{r.file, key.Line, at, err.Error()})
			continue
		}
		seen[key.Value] = true
		r.lines[at] = key.Line
		r.walk(value, at, next, depth+1)
	}
}

// keyFault tells why a word is no key of a map of type t.
func keyFault(t reflect.Type, word string) error {
	if t == nil || t.Kind() != reflect.Map {
		return nil
	}
	key, ok := reflect.New(t.Key()).Interface().(encoding.TextUnmarshaler)
	if !ok {
		return nil
	}
	var e *plinth.Error
	err := key.UnmarshalText([]byte(word))
	if errors.As(err, &e) {
		return errors.New(e.Text)
	}
	return err
}

// element is the type of the values of a map or list; nil when it is not known.
func element(t reflect.Type) reflect.Type {
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Array) {
		return t.Elem()
	}
	return nil
}

// fieldsOf are the keys of a struct with their types; nil when any key may stand there.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if t == nil || t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.Unmarshaler]()) ||
		reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return nil
	}
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case strings.Contains(options, "inline"):
			for k, v := range fieldsOf(f.Type) {
				out[k] = v
			}
		default:
			out[cmp.Or(name, strings.ToLower(f.Name))] = f.Type
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
