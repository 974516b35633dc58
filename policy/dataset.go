package policy

import (
	"context"
	"slices"
	"time"

	"plinth"
)

// Kind is a field's type as the catalogue names it.
type Kind string

// The kinds of the catalogue.
const (
	String   Kind = "string"
	Integer  Kind = "integer"
	Decimal  Kind = "decimal"
	Boolean  Kind = "boolean"
	Date     Kind = "date"
	Datetime Kind = "datetime"
)

// Sensitivity tells how a field touches a person.
type Sensitivity string

// The sensitivities of the catalogue.
const (
	NotPersonal Sensitivity = "none"
	Personal    Sensitivity = "personal"
	Sensitive   Sensitivity = "sensitive"
)

// Field is one column that can be granted.
type Field struct {
	Name        string
	Kind        Kind
	Sensitivity Sensitivity
}

// Dataset is what this room needs to know of a catalogued dataset.
type Dataset struct {
	ID         plinth.DatasetID
	Title      Text
	Publisher  plinth.AgentID
	Table      string // "database.table" in ClickHouse; empty when catalogued only
	Revision   int    // of the published catalogue entry
	Registered bool
	Fields     []Field
}

// Field finds a field by name.
func (d Dataset) Field(name string) (Field, bool) {
	i := slices.IndexFunc(d.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return d.Fields[i], true
}

// Datasets reads the published catalogue and its calendar.
type Datasets interface {
	// WorkingDays is the end of the n-th working day after a moment, holidays known.
	WorkingDays(ctx context.Context, from time.Time, n int) (time.Time, error)
	// Dataset returns the published entry, or ErrNotFound when there is none.
	Dataset(ctx context.Context, id plinth.DatasetID) (Dataset, error)
}
