package analytics

import (
	"context"
	"time"

	"plinth"
)

// EventFilter narrows a list of events; zero fields let all through.
type EventFilter struct {
	Source, Class, Street, Grid string
	Query                       string // a text that title, text or address holds
	From, To                    time.Time
	After                       *Event // the last of the page before: At, Source and SourceID
	Limit                       int
}

// IncidentFilter narrows a list of incidents; zero fields let all through.
type IncidentFilter struct {
	Street, Grid, Class string
	MinSize             int
	From, To            time.Time // incidents with a report in between
	After               *Incident // the last of the page before: LastAt and ID
	Limit               int
}

// CountFilter narrows what is counted.
type CountFilter struct {
	Source, Street string
	From, To       time.Time
}

// DayCount is how many events of a class a day had, by the calendar of Shanghai.
type DayCount struct {
	Day   string // YYYY-MM-DD
	Class string
	Count int64
}

// Incidents reads what fusion has made. ErrNotFound when there is no such incident.
type Incidents interface {
	Incident(ctx context.Context, id plinth.IncidentID) (Incident, []Member, error)
	// Incidents returns a page, the last touched first, and how many there are in all.
	Incidents(ctx context.Context, f IncidentFilter) ([]Incident, int64, error)
	// IncidentsOf returns the incident of each event that has one, by the event's id.
	IncidentsOf(ctx context.Context, events []Event) (map[string]plinth.IncidentID, error)
}

// Trends reads the events themselves.
type Trends interface {
	// Events returns a page, the newest first, and how many there are in all.
	Events(ctx context.Context, f EventFilter) ([]Event, int64, error)
	// CountByDay counts by day and class, in that order, each event once.
	CountByDay(ctx context.Context, f CountFilter) ([]DayCount, error)
	// Grams counts in how many documents each run of one to six Chinese characters occurs, of those that occur in at
	// least least documents, and the documents in all.
	Grams(ctx context.Context, f CountFilter, least int) (map[string]int64, int64, error)
	// Documents counts in how many documents each word occurs, and the documents in all.
	Documents(ctx context.Context, f CountFilter, words []string) ([]int64, int64, error)
}

// Bounds of what one question may cover.
const (
	MaxCountDays = 400
	MaxWordDays  = 62
	MaxWords     = 200
)

// Period checks from and to, filling in the days before now when neither is given.
func Period(from, to, now time.Time, days, most int) (time.Time, time.Time, error) {
	if to.IsZero() {
		to = now
	}
	if from.IsZero() {
		from = to.AddDate(0, 0, -days)
	}
	switch {
	case from.Year() < 1970 || to.Year() > 2261:
		return from, to, plinth.Invalid("from", "the period lies between the years 1970 and 2261")
	case !from.Before(to):
		return from, to, plinth.Invalid("from", "must be before to")
	case to.Sub(from) > time.Duration(most)*24*time.Hour:
		return from, to, plinth.Invalid("from", "the period has at most %d days", most)
	}
	return from, to, nil
}
