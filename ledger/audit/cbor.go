package audit

import (
	"bytes"
	"errors"

	"github.com/fxamacker/cbor/v2"
)

// Objects have one form: deterministic CBOR (RFC 8949 §4.2.1) without tags, indefinite lengths, duplicate or unknown
// keys. What is decoded must encode to the same bytes again.
var (
	encoding = must(cbor.CoreDetEncOptions().EncMode())
	decoding = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
		MaxNestedLevels:   6,
		MaxArrayElements:  1 << 21,
		MaxMapPairs:       1 << 21,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the options above are constant: a programmer's mistake
	}
	return v
}

func decode(b []byte, into any) error {
	if err := decoding.Unmarshal(b, into); err != nil {
		return err
	}
	again, err := encoding.Marshal(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return errors.New("not in deterministic CBOR form")
	}
	return nil
}
