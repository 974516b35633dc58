package analytics

import (
	"fmt"
	"math"
	"slices"
)

// maxCandidates bounds the summaries that one event is compared with.
const maxCandidates = 200

// maxPerKey bounds the incidents looked at under one key; the newest are kept.
const maxPerKey = 128

// index finds the open incidents that an event may belong to, by keys of place: a cell of about 400 m, a token of the
// address, a grid. Time is checked on the way.
type index struct {
	byKey map[string][]*summary
}

// cellSize in degrees of latitude and longitude: about 400 m each at 31° north.
const cellLat, cellLon = .0036, .0042

func cell(lon, lat float64) (x, y int) {
	return int(math.Floor(lon / cellLon)), int(math.Floor(lat / cellLat))
}

func cellKey(x, y int) string { return fmt.Sprintf("c%d,%d", x, y) }

// keysOf are the keys under which an event's incident will be found.
func keysOf(e *prepared) []string {
	keys := e.places.keys()
	if e.Located() {
		keys = append(keys, cellKey(cell(e.Longitude, e.Latitude)))
	}
	if e.Grid != "" {
		keys = append(keys, "g"+e.Grid)
	}
	return keys
}

// insert makes s findable under the keys, once each.
func (x *index) insert(s *summary, keys []string) {
	for _, k := range keys {
		if slices.Contains(s.keys, k) || len(s.keys) >= 4*maxHeard {
			continue
		}
		s.keys = append(s.keys, k)
		list := append(x.byKey[k], s)
		if len(list) > 2*maxPerKey {
			list = slices.Clone(list[len(list)-maxPerKey:])
		}
		x.byKey[k] = list
	}
}

// remove forgets s.
func (x *index) remove(s *summary) {
	for _, k := range s.keys {
		list := slices.DeleteFunc(x.byKey[k], func(o *summary) bool { return o == s })
		if len(list) == 0 {
			delete(x.byKey, k)
		} else {
			x.byKey[k] = list
		}
	}
}

// candidates returns at most maxCandidates incidents within the horizon, the most telling keys first: address, then
// cells, then the grid, in each the newest first.
func (x *index) candidates(e *prepared, seen map[*summary]bool) []*summary {
	var out []*summary
	look := func(key string) {
		list := x.byKey[key]
		for i := len(list) - 1; i >= 0 && i >= len(list)-maxPerKey && len(out) < maxCandidates; i-- {
			if s := list[i]; !seen[s] && s.near(e) {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	for _, k := range e.places.keys() {
		look(k)
	}
	if e.Located() {
		cx, cy := cell(e.Longitude, e.Latitude)
		for dx := -1; dx <= 1; dx++ {
			for dy := -1; dy <= 1; dy++ {
				look(cellKey(cx+dx, cy+dy))
			}
		}
	}
	if e.Grid != "" {
		look("g" + e.Grid)
	}
	return out
}

// near tells whether an event can still belong: within the longer horizon of the two classes.
func (s *summary) near(e *prepared) bool {
	return s.gap(e.At) <= max(horizonOf(s.class()), horizonOf(e.Class))
}
