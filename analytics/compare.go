package analytics

import (
	"fmt"
	"math"
	"time"
)

// finding is one feature as compared: its level and what a reader is shown.
type finding struct {
	feature  string
	given    string // what it is weighed under, "" for nothing
	level    string
	observed func() string // made only for the candidate that wins
}

// prepared is an event with what comparing needs, computed once.
type prepared struct {
	Event
	vector vector
	places places
}

func prepare(e Event) prepared {
	p := placesOf(e.Address, e.Title, e.Text)
	named := append(append([]string{e.Address}, p.exact...), p.names...)
	return prepared{Event: e, places: p, vector: vectorOf(e.Title+" "+e.Text, append(named, p.roads...)...)}
}

// compareCheap compares everything but the text, which costs most.
//
// Fellegi and Sunter's sum supposes that features are independent given a match or a mismatch. They are not: two
// matters in one house share its coordinates, its address and its name in the text. So each feature is weighed given
// what was found before it, and the sum is the chain rule's: place, then class and address given the place, then time
// and text given class and place.
func compareCheap(e *prepared, s *summary) ([4]finding, string) {
	place := comparePlace(e, s)
	where := vicinity[place.level]
	class := compareClass(e, s, where)
	given := conditions[where][class.level == "same"]
	return [4]finding{compareTime(e, s, given), place, class, compareAddress(e, s, where)}, given
}

// conditions are the names of what time and text are weighed under.
var conditions = map[string]map[bool]string{}

func init() {
	for _, where := range vicinity {
		conditions[where] = map[bool]string{true: where + ", same class", false: where + ", other class"}
	}
}

// heading is the finding's feature and condition in the table.
func (f finding) heading() string {
	if f.given == "" {
		return f.feature
	}
	return f.feature + " | " + f.given
}

// vicinity tells how near the place's level is, for what depends on it.
var vicinity = map[string]string{
	"0–25 m": "here", "25–60 m": "here", "60–120 m": "here", "120–200 m": "near", "200–350 m": "near",
	"same grid": "in the grid", "same street": "in the grid", unknown: "anywhere",
	"350–600 m": "far", "600–1000 m": "far", "over 1000 m": "far", "other grid": "far", "other street": "far",
}

func compareTime(e *prepared, s *summary, given string) finding {
	gap := s.gap(e.At)
	ratio := float64(gap) / float64(max(horizonOf(s.class()), horizonOf(e.Class)))
	return finding{featTime, given, timeScale.level(ratio),
		func() string { return gap.Round(time.Minute).String() }}
}

func comparePlace(e *prepared, s *summary) finding {
	if e.Located() && s.located > 0 {
		d := s.distance(e.Longitude, e.Latitude)
		return finding{featPlace, "", placeScale.level(d),
			func() string { return fmt.Sprintf("%.0f m", d) }}
	}
	same := func(level string) finding { return finding{featPlace, "", level, func() string { return level }} }
	switch {
	case e.Grid != "" && s.grids.has(e.Grid):
		return same("same grid")
	case e.Grid != "" && len(s.grids) > 0:
		return same("other grid")
	case e.Street != "" && s.streets.has(e.Street):
		return same("same street")
	case e.Street != "" && len(s.streets) > 0:
		return same("other street")
	}
	return finding{featPlace, "", unknown, nil}
}

func compareClass(e *prepared, s *summary, given string) finding {
	most := s.class()
	best := kinship(e.Class, most)
	if best != "same" && s.classes.has(e.Class) {
		best = "same as a few"
	}
	return finding{featClass, given, best, func() string { return best }}
}

func compareAddress(e *prepared, s *summary, given string) finding {
	level := e.places.agreement(s.places)
	return finding{featAddress, given, level, func() string { return level }}
}

func compareText(e *prepared, s *summary, given string) finding {
	cos, ok := s.text.cosine(e.vector)
	if !ok {
		return finding{featText, given, unknown, nil}
	}
	return finding{featText, given, textScale.level(cos),
		func() string { return fmt.Sprintf("%.2f", cos) }}
}

// scale names the intervals between bounds, e.g. "60–120 m".
type scale struct {
	bounds []float64
	names  []string // one more than bounds
}

func newScale(form string, bounds ...float64) scale {
	s := scale{bounds: bounds}
	low := "0"
	for _, b := range bounds {
		high := fmt.Sprintf("%g", b)
		s.names = append(s.names, fmt.Sprintf(form, low+"–"+high))
		low = high
	}
	s.names = append(s.names, fmt.Sprintf(form, "over "+low))
	return s
}

// level names the interval that holds v.
func (s scale) level(v float64) string {
	for i, b := range s.bounds {
		if v <= b {
			return s.names[i]
		}
	}
	return s.names[len(s.bounds)]
}

var (
	timeScale  = newScale("%s of the class's horizon", .01, .03, .06, .1, .15, .2, .3, .5, .75, 1)
	placeScale = newScale("%s m", 25, 60, 120, 200, 350, 600, 1000)
	textScale  = newScale("cosine %s", .01, .03, .06, .1, .15, .2, .3, .4, .6)
)

// metres between two points by the equirectangular approximation, exact enough for blocks of a few kilometres.
func metres(lon1, lat1, lon2, lat2 float64) float64 {
	const perDegree = 111_195
	x := (lon1 - lon2) * math.Cos((lat1+lat2)/2*math.Pi/180)
	return perDegree * math.Hypot(x, lat1-lat2)
}
