package audit

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fabric's messages are read field by field, so that an auditor needs no Fabric library. A message has one form: its
// fields in ascending order, in minimal encoding, and none twice that is not a list. Fabric's own encoder writes no
// other, and a reader that forgave one could be shown something else than a peer was.

// field is one field of a message: num for varints, bytes for everything with a length.
type field struct {
	id    protowire.Number
	wire  protowire.Type
	num   uint64
	bytes []byte
}

// split cuts a message into its fields.
func split(b []byte) ([]field, error) {
	var out []field
	for rest := b; len(rest) > 0; {
		id, wire, n := protowire.ConsumeTag(rest)
		if n < 0 || n != protowire.SizeTag(id) {
			return nil, errors.New("malformed field tag")
		}
		f := field{id: id, wire: wire}
		rest = rest[n:]
		switch wire {
		case protowire.VarintType:
			f.num, n = protowire.ConsumeVarint(rest)
			if n != protowire.SizeVarint(f.num) {
				return nil, fmt.Errorf("field %d is cut short or not minimal", id)
			}
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(rest)
			if n != protowire.SizeBytes(len(f.bytes)) {
				return nil, fmt.Errorf("field %d is cut short or not minimal", id)
			}
		default:
			return nil, fmt.Errorf("field %d has a type that is not used", id)
		}
		if len(out) > 0 && out[len(out)-1].id > id {
			return nil, fmt.Errorf("field %d is out of order", id)
		}
		out, rest = append(out, f), rest[n:]
	}
	return out, nil
}

// message reads the fields of b into what into gives for them: *[]byte, *[][]byte for a list, *string, *uint64, *bool.
// Fields that are not asked for are refused unless they are named in skip.
func message(name string, b []byte, into map[protowire.Number]any, skip ...protowire.Number) error {
	fields, err := split(b)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var last protowire.Number
	for _, f := range fields {
		to, list := into[f.id].(*[][]byte)
		if f.id == last && !list {
			if _, known := into[f.id]; known {
				return fmt.Errorf("%s: field %d comes twice", name, f.id)
			}
		}
		last = f.id
		if list {
			*to = append(*to, f.bytes)
		}
		if err := f.set(into[f.id], skip); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (f field) set(to any, skip []protowire.Number) error {
	want := protowire.BytesType
	switch to := to.(type) {
	case *[]byte:
		*to = f.bytes
	case *string:
		*to = string(f.bytes)
	case *[][]byte:
	case *uint64:
		*to, want = f.num, protowire.VarintType
	case *bool:
		*to, want = f.num == 1, protowire.VarintType
	default:
		for _, s := range skip {
			if s == f.id {
				return nil
			}
		}
		return fmt.Errorf("field %d does not belong there", f.id)
	}
	if f.wire != want {
		return fmt.Errorf("field %d has the wrong type", f.id)
	}
	return nil
}

type takes = map[protowire.Number]any

// appendField appends a field with a length, unless it is empty.
func appendField(b []byte, id protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return protowire.AppendBytes(protowire.AppendTag(b, id, protowire.BytesType), v)
}

// appendAlways appends a field with a length, as elements of a list are: an empty one counts.
func appendAlways(b []byte, id protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, id, protowire.BytesType), v)
}

// appendNumber appends a varint field, unless it is zero.
func appendNumber(b []byte, id protowire.Number, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, id, protowire.VarintType), n)
}

// mapEntry reads one entry of a map whose keys are strings and whose values are messages.
func mapEntry(b []byte) (key string, value []byte, err error) {
	err = message("map entry", b, takes{1: &key, 2: &value})
	return key, bytes.Clone(value), err
}
