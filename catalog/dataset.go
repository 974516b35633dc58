// Package catalog says what public data exists: datasets and their fields, the registrations by which they come to be
// published, and the open list. It decides; internal/postgres keeps what was decided. It does not say who may use the
// rows: that is policy.
package catalog

import (
	"time"

	"plinth"
)

// Dataset is one 公共数据资源 (dcat:Dataset) as its reader may see it: the published revision, or the proposal of its
// first registration while there is none.
type Dataset struct {
	ID   plinth.DatasetID
	Code string // 资源代码, given at registration, never reused
	Content
	State        State
	Revision     int // 0 before the first registration
	CreatedAt    time.Time
	UpdatedAt    time.Time
	RegisteredAt time.Time
	ValidUntil   time.Time
	Registration plinth.RegistrationID // under way, if any

	Record, Evidence string // the newest step's record and how far it has come

	DataUntil  time.Time // the newest row's time as last measured; zero when unknown
	Rows       int64
	Timeliness Timeliness
}

// Published tells whether there is a revision that everybody may see.
func (d Dataset) Published() bool { return d.Revision > 0 && d.State != Cancelled }

// stateAt turns a registered dataset whose time has passed into an expired one.
func (d Dataset) stateAt(now time.Time) State {
	if d.State == Registered && !d.ValidUntil.IsZero() && !now.Before(d.ValidUntil) {
		return Expired
	}
	return d.State
}

// Item is one line of a dataset's or registration's history.
type Item struct {
	At               time.Time
	Actor            plinth.AccountID
	ActorName        string
	Action           string // "object.verb"
	Note             string
	Record, Evidence string
}
