package analytics

import (
	"slices"
	"time"

	"plinth"
)

// summary is what an incident is compared by. Only the first maxHeard members shape text and places, so that its size
// is bounded and late members cannot drag it away.
type summary struct {
	id      plinth.IncidentID
	order   int // of opening; breaks ties and ages
	first   time.Time
	last    time.Time
	size    int
	located int
	lon     float64 // mean of the located members
	lat     float64
	classes tally
	grids   tally
	streets tally
	text    centroid
	places  places
	keys    []string // under which the index holds it
}

const maxHeard = 16

// tally counts names, in order of first appearance.
type tally []counted

type counted struct {
	name string
	n    int
}

func (t *tally) add(name string) {
	if name == "" {
		return
	}
	for i := range *t {
		if (*t)[i].name == name {
			(*t)[i].n++
			return
		}
	}
	*t = append(*t, counted{name, 1})
}

func (t tally) has(name string) bool {
	return slices.ContainsFunc(t, func(c counted) bool { return c.name == name })
}

// most returns the name counted most often, the earliest of equals.
func (t tally) most() string {
	var best counted
	for _, c := range t {
		if c.n > best.n {
			best = c
		}
	}
	return best.name
}

func (s *summary) add(e *prepared) {
	if s.size == 0 || e.At.Before(s.first) {
		s.first = e.At
	}
	if s.size == 0 || e.At.After(s.last) {
		s.last = e.At
	}
	s.size++
	if s.size > maxHeard {
		return
	}
	s.classes.add(e.Class)
	s.grids.add(e.Grid)
	s.streets.add(e.Street)
	s.text.add(e.vector)
	s.places.add(e.places)
	if e.Located() {
		s.located++
		s.lon += (e.Longitude - s.lon) / float64(s.located)
		s.lat += (e.Latitude - s.lat) / float64(s.located)
	}
}

func (s *summary) class() string { return s.classes.most() }

// gap is how far a moment lies outside the time between first and last report.
func (s *summary) gap(at time.Time) time.Duration {
	switch {
	case at.Before(s.first):
		return s.first.Sub(at)
	case at.After(s.last):
		return at.Sub(s.last)
	}
	return 0
}

func (s *summary) distance(lon, lat float64) float64 { return metres(s.lon, s.lat, lon, lat) }
