package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"plinth"
)

// maxDepth is how deep JSON may nest.
const maxDepth = 32

// strictJSON decodes JSON that says one thing: valid UTF-8, no unknown and no repeated names, nothing after the end.
type strictJSON struct{ runtime.JSONPb }

func newStrictJSON() *strictJSON {
	return &strictJSON{runtime.JSONPb{MarshalOptions: protojson.MarshalOptions{EmitDefaultValues: true}}}
}

// NewDecoder implements runtime.Marshaler.
func (s *strictJSON) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		data, err := io.ReadAll(r)
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return inBand(plinth.Invalid("", "the body is larger than %d bytes", large.Limit))
		case err != nil:
			return err
		case len(bytes.TrimSpace(data)) == 0:
			return io.EOF
		}
		return s.Unmarshal(data, v)
	})
}

// Unmarshal implements runtime.Marshaler.
func (s *strictJSON) Unmarshal(data []byte, v any) error {
	if err := checkJSON(data, descriptorOf(v)); err != nil {
		return inBand(err)
	}
	return s.JSONPb.Unmarshal(data, v)
}

// descriptorOf finds the message that v, a message or a pointer to a message pointer, is; nil when it is neither.
func descriptorOf(v any) protoreflect.MessageDescriptor {
	if m, ok := v.(proto.Message); ok {
		return m.ProtoReflect().Descriptor()
	}
	if t := reflect.TypeOf(v); t != nil && t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Pointer {
		if m, ok := reflect.New(t.Elem().Elem()).Interface().(proto.Message); ok {
			return m.ProtoReflect().Descriptor()
		}
	}
	return nil
}

// checkJSON reads data once against the message and names the first field that breaks a rule. Types are left to
// protojson.
func checkJSON(data []byte, md protoreflect.MessageDescriptor) *plinth.Error {
	if !utf8.Valid(data) {
		return plinth.Invalid("", "the body is not valid UTF-8 at byte %d", invalidAt(data))
	}
	w := walker{json.NewDecoder(bytes.NewReader(data))}
	w.UseNumber()
	if err := w.value(md, "", 0); err != nil {
		return err
	}
	if _, err := w.Token(); err != io.EOF {
		return plinth.Invalid("", "the body goes on after its JSON value")
	}
	return nil
}

func invalidAt(data []byte) int {
	at := 0
	for at < len(data) {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		at += n
	}
	return at
}

type walker struct{ *json.Decoder }

// value reads one value. md is the message it should be, nil when its names are free.
func (w walker) value(md protoreflect.MessageDescriptor, path string, depth int) *plinth.Error {
	if depth > maxDepth {
		return plinth.Invalid(path, "nests deeper than %d", maxDepth)
	}
	t, err := w.Token()
	if err != nil {
		return notJSON(path, err)
	}
	switch t {
	case json.Delim('{'):
		return w.object(md, path, depth)
	case json.Delim('['):
		return w.array(md, path, depth)
	}
	return nil
}

func (w walker) object(md protoreflect.MessageDescriptor, path string, depth int) *plinth.Error {
	seen := map[string]bool{}
	for w.More() {
		t, err := w.Token()
		if err != nil {
			return notJSON(path, err)
		}
		name, _ := t.(string)
		at := join(path, name)
		inner, id, bad := member(md, name, at)
		if bad != nil {
			return bad
		}
		if seen[id] {
			return plinth.Invalid(at, "stands twice")
		}
		seen[id] = true
		if bad := w.value(inner, at, depth+1); bad != nil {
			return bad
		}
	}
	return w.end(path)
}

// member finds the field called name in md: the message it holds, if any, and one id for its two spellings.
func member(md protoreflect.MessageDescriptor, name, at string) (protoreflect.MessageDescriptor, string, *plinth.Error) {
	if md == nil || strings.HasPrefix(string(md.FullName()), "google.protobuf.") {
		return nil, name, nil
	}
	f := md.Fields().ByJSONName(name)
	if f == nil {
		f = md.Fields().ByTextName(name)
	}
	if f == nil {
		return nil, "", plinth.Invalid(at, "is not a field of %s", md.Name())
	}
	if f.IsMap() {
		return nil, string(f.Name()), nil
	}
	return f.Message(), string(f.Name()), nil
}

func (w walker) array(md protoreflect.MessageDescriptor, path string, depth int) *plinth.Error {
	for i := 0; w.More(); i++ {
		if bad := w.value(md, fmt.Sprintf("%s[%d]", path, i), depth+1); bad != nil {
			return bad
		}
	}
	return w.end(path)
}

func (w walker) end(path string) *plinth.Error {
	if _, err := w.Token(); err != nil {
		return notJSON(path, err)
	}
	return nil
}

func notJSON(path string, err error) *plinth.Error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return plinth.Invalid(path, "the JSON ends too early")
	}
	return plinth.Invalid(path, "is not JSON: %v", err)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// checkText refuses a NUL in any text of a message: no engine of ours stores one.
func checkText(m protoreflect.Message, path string) error {
	var bad error
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		at := join(path, f.JSONName())
		switch {
		case f.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				bad = errors.Join(checkScalar(f.MapKey(), k.Value(), at), checkScalar(f.MapValue(), v, at))
				return bad == nil
			})
		case f.IsList():
			for i := 0; i < v.List().Len() && bad == nil; i++ {
				bad = checkScalar(f, v.List().Get(i), fmt.Sprintf("%s[%d]", at, i))
			}
		default:
			bad = checkScalar(f, v, at)
		}
		return bad == nil
	})
	return bad
}

func checkScalar(f protoreflect.FieldDescriptor, v protoreflect.Value, at string) error {
	switch f.Kind() {
	case protoreflect.StringKind:
		if strings.ContainsRune(v.String(), 0) {
			return plinth.Invalid(at, "holds a NUL character")
		}
	case protoreflect.MessageKind:
		return checkText(v.Message(), at)
	}
	return nil
}
