package plinth

import (
	"errors"
	"fmt"
)

// Kinds of error. Decide with errors.Is; api maps them to codes in one table.
var (
	ErrInvalid     = errors.New("invalid")     // the input breaks a rule; say which field and rule
	ErrNotFound    = errors.New("not found")   // there is no such object, or the caller may not know of it
	ErrDenied      = errors.New("denied")      // a rule forbids it; say which
	ErrUnknown     = errors.New("unknown who") // the caller is not authenticated
	ErrConflict    = errors.New("conflict")    // the state has moved on, or the key is taken
	ErrExhausted   = errors.New("exhausted")   // a quota, rate or size limit is reached
	ErrUnavailable = errors.New("unavailable") // an engine is away; try again
)

// Error is an error whose sentence the caller may read.
type Error struct {
	Kind  error  // one of the kinds above
	Text  string // a sentence for the caller, without secrets
	Field string // the input's field, when one is at fault, e.g. "fields[2].name"
	Cause error  // for the operator's log, never for the caller
}

// Errorf makes an Error of a kind. A %w in the format becomes its cause and is part of the sentence.
func Errorf(kind error, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Text: err.Error(), Cause: errors.Unwrap(err)}
}

// Invalid makes an Error of kind ErrInvalid about one field.
func Invalid(field, format string, args ...any) *Error {
	e := Errorf(ErrInvalid, format, args...)
	e.Field = field
	return e
}

// Because adds the cause for the operator and returns e.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Text
	}
	return e.Text
}

// Unwrap lets errors.Is find the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}
