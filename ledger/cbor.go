package ledger

import (
	"bytes"
	"errors"

	"github.com/fxamacker/cbor/v2"
)

// CBOR reads and writes bytes that have one form: deterministic CBOR (RFC 8949 §4.2.1) without tags, indefinite lengths,
// duplicate or unknown keys, and with limits on how much of it there may be.
type CBOR struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

// NewCBOR returns a CBOR that reads arrays of at most so many elements and maps of at most so many pairs.
func NewCBOR(elements, pairs int) CBOR {
	return CBOR{
		enc: must(cbor.CoreDetEncOptions().EncMode()),
		dec: must(cbor.DecOptions{
			DupMapKey:         cbor.DupMapKeyEnforcedAPF,
			IndefLength:       cbor.IndefLengthForbidden,
			TagsMd:            cbor.TagsForbidden,
			ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
			UTF8:              cbor.UTF8RejectInvalid,
			MaxNestedLevels:   6,
			MaxArrayElements:  elements,
			MaxMapPairs:       pairs,
		}.DecMode()),
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the options above are constant: a programmer's mistake
	}
	return v
}

// Marshal returns v in its one form.
func (c CBOR) Marshal(v any) ([]byte, error) { return c.enc.Marshal(v) }

// Unmarshal reads b into v. What is read must encode to the same bytes again.
func (c CBOR) Unmarshal(b []byte, v any) error {
	if err := c.dec.Unmarshal(b, v); err != nil {
		return err
	}
	again, err := c.enc.Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return errors.New("not in deterministic CBOR form")
	}
	return nil
}

// encoding is the form of what is in a receipt.
var encoding = NewCBOR(1024, 32)

func decode(b []byte, into any) error { return encoding.Unmarshal(b, into) }
