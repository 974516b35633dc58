package pipelines

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"plinth"
)

// ParseDeclaration reads one declaration from YAML and checks it. A fault names the field and the line.
func ParseDeclaration(data []byte) (Declaration, error) {
	var d Declaration
	if len(data) > maxDeclared {
		return d, plinth.Invalid("yaml", "a declaration has at most %d bytes", maxDeclared)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return d, plinth.Invalid("yaml", "the declaration is no YAML: %s", yamlFault(err))
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&d); err != nil {
		if errors.Is(err, io.EOF) {
			return d, plinth.Invalid("yaml", "the declaration is empty")
		}
		return d, plinth.Invalid("yaml", "the declaration is not as it must be: %s", yamlFault(err))
	}
	if dec.Decode(&yaml.Node{}) != io.EOF {
		return d, plinth.Invalid("yaml", "there is more than one document; a file declares one pipeline")
	}
	return d, withLine(&root, d.Validate())
}

// yamlFault is what the YAML library says, on one line and without its name.
func yamlFault(err error) string {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ")
	return clip(strings.ReplaceAll(text, "\n  ", "; "), 500)
}

// withLine says in err, which names a field, on which line of the document the field is.
func withLine(root *yaml.Node, err error) error {
	var e *plinth.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	said := *e
	said.Text = fmt.Sprintf("line %d: %s", lineOf(root, e.Field), e.Text)
	return &said
}

// lineOf is the line of the field "a.b[2].c", or of what of its path is there.
func lineOf(root *yaml.Node, field string) int {
	n := root
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	line := max(n.Line, 1)
	for _, step := range strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		key, value := child(n, step)
		if key == nil {
			break
		}
		line, n = key.Line, value
	}
	return line
}

// child is a mapping's entry by its name or a sequence's by its number.
func child(n *yaml.Node, step string) (key, value *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	}
	return nil, nil
}

// YAML is d as ParseDeclaration reads it.
func (d *Declaration) YAML() string {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(d); err != nil {
		panic("pipelines: " + err.Error()) // text and numbers
	}
	return b.String()
}
