// Package dossier measures whether devices are on file and report: the archive rate (建档率), the accuracy (准确率) and
// the average online rate (在线率) that the district's plan asks of its cameras, for every kind of device, with the
// devices that lower each. It stores nothing; what is wrong is mended in the registry.
package dossier

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"plinth"
	"plinth/sensors"
)

// Areas tell in which street and grid a place of the district lies.
type Areas interface {
	// At returns the ids of the street and grid that hold a place (WGS 84 degrees), or false outside the district.
	At(longitude, latitude float64) (street, grid string, ok bool)
	// StreetOf returns the street of a grid, or false when there is no such grid.
	StreetOf(grid string) (street string, ok bool)
}

// Stranger is a device that was heard and is not registered.
type Stranger struct {
	ID   plinth.DeviceID
	Kind string
}

// Presence reads what was stored of devices. Many goroutines may use it.
type Presence interface {
	// Reported returns how much of a period each device reported in as often as its interval says; devices that did not
	// are missing. The period begins with an hour.
	Reported(ctx context.Context, from, to time.Time) (map[plinth.DeviceID]time.Duration, error)
	// Strangers returns up to limit devices that were heard in a period while they were not registered.
	Strangers(ctx context.Context, from, to time.Time, limit int) ([]Stranger, error)
}

// Period is what the online rate is taken over: so long until now.
type Period string

// The periods.
const (
	Day   Period = "day"
	Week  Period = "week"
	Month Period = "month" // 30 days
)

// Periods are the periods with their lengths.
var Periods = map[Period]time.Duration{Day: 24 * time.Hour, Week: 7 * 24 * time.Hour, Month: 30 * 24 * time.Hour}

// Config is what a Surveyor is made of.
type Config struct {
	Devices  func() []*sensors.Device // in order of ids
	Areas    Areas
	Presence Presence
	Now      func() time.Time
}

// Surveyor surveys the devices. Many goroutines may use it.
type Surveyor struct {
	Config
	mu     sync.Mutex
	recent map[Period]*Survey
}

// NewSurveyor returns a surveyor.
func NewSurveyor(c Config) *Surveyor { return &Surveyor{Config: c, recent: map[Period]*Survey{}} }

// fresh is how long a survey answers for: pages of one list agree, and many lookers cost one.
const fresh = time.Minute

// mostStrangers bounds what a flood of invented ids can add to a survey.
const mostStrangers = 10_000

// Survey looks at all devices, or returns the survey of the last minute.
func (s *Surveyor) Survey(ctx context.Context, p Period) (*Survey, error) {
	length, ok := Periods[p]
	if !ok {
		return nil, plinth.Invalid("period", "is one of %s, %s, %s", Day, Week, Month)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now().UTC()
	if known := s.recent[p]; known != nil && now.Sub(known.To) < fresh && !now.Before(known.To) {
		return known, nil
	}
	made, err := s.survey(ctx, now.Add(-length).Truncate(time.Hour), now)
	if err != nil {
		return nil, err
	}
	s.recent[p] = made
	return made, nil
}

func (s *Surveyor) survey(ctx context.Context, from, to time.Time) (*Survey, error) {
	reported, err := s.Presence.Reported(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("read how devices reported: %w", err)
	}
	heard, err := s.Presence.Strangers(ctx, from, to, mostStrangers)
	if err != nil {
		return nil, fmt.Errorf("read which devices are not registered: %w", err)
	}
	out := &Survey{From: from, To: to}
	all := s.Devices()
	known := make(map[plinth.DeviceID]bool, len(all))
	inspect := newInspector(all, s.Areas, to)
	for _, d := range all {
		known[d.ID] = true
		if d.Life != sensors.Retired {
			out.add(inspect.device(d, from, reported[d.ID]))
		}
	}
	for _, h := range heard {
		if !known[h.ID] { // it may have been registered since
			out.add(stranger(h))
		}
	}
	slices.SortStableFunc(out.Items, func(a, b Item) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Survey is what was found of all devices that are not retired, and of strangers, in order of ids. It is not changed
// after it was made.
type Survey struct {
	From, To time.Time
	Items    []Item
}

func (s *Survey) add(i Item) { s.Items = append(s.Items, i) }

// Item is one device with what lowers the figures.
type Item struct {
	ID            plinth.DeviceID
	Kind          string
	Device        *sensors.Device // nil for a stranger
	Faults        []Fault
	InUse         bool    // it counts for the online rate
	Online        float64 // its share of the period, 0 to 1, when it is in use
	owner, street string
}

// breaks tells whether a fault lowers a figure.
func (i *Item) breaks(f Figure) bool {
	return slices.ContainsFunc(i.Faults, func(x Fault) bool { return x.Rule.Figure == f })
}

// Filter narrows to devices; empty fields let all through.
type Filter struct{ Owner, Kind, Street string }

// Match tells whether i passes.
func (f Filter) Match(i *Item) bool {
	return (f.Owner == "" || f.Owner == i.owner) && (f.Kind == "" || f.Kind == i.Kind) && (f.Street == "" || f.Street == i.street)
}
