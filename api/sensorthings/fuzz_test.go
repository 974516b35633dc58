package sensorthings

import (
	"errors"
	"strings"
	"testing"
	"time"

	"plinth"
	"plinth/sensors"
)

// FuzzFilter reads any filter, holds it against entities, and makes a condition of it: every fault is the caller's, and no
// text of the caller becomes part of the condition.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"name eq 'x'", "not (result gt 1.5e3 add 2) or startswith(name,'a''b')", "phenomenonTime lt 2026-11-24T12:00:00Z",
		"st_within(location,geography'POLYGON((0 0,1 0,1 1,0 0))')", "a/b/c ne null and now() ge time", "((((", "-1 eq -1",
		"Datastream/id eq 'a:b'", "'", "geo.distance(location,geography'POINT(1 2)') lt 5"} {
		f.Add(s)
	}
	d := &sensors.Device{ID: "d", Kind: "lift", Longitude: 1, Latitude: 2, Metrics: []sensors.Metric{{Name: "speed", Unit: "m/s"}}}
	w := world{func() []*sensors.Device { return []*sensors.Device{d} }, func(plinth.DeviceID) *sensors.Device { return d }}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := parseFilter(s)
		if err != nil {
			if !errors.Is(err, plinth.ErrInvalid) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		v := evaluator{world: w, text: s, now: time.Unix(0, 0)}
		for _, set := range setNames {
			if set == "Observations" {
				continue
			}
			for _, x := range w.all(set) {
				if _, err := v.matches(e, x); err != nil && !errors.Is(err, plinth.ErrInvalid) {
					t.Fatalf("%q: %v", s, err)
				}
			}
		}
		c, err := condition(e, s, v.now)
		if err == nil && strings.Count(c.sql, "?") != len(c.args) {
			t.Errorf("%q: %s has %d parameters", s, c.sql, len(c.args))
		}
	})
}

// FuzzExpand reads any expansion.
func FuzzExpand(f *testing.F) {
	f.Add("Datastreams($expand=Observations($top=1;$filter=result gt 1);$select=name),Locations/Things")
	f.Add("A(B(C(")
	f.Fuzz(func(t *testing.T, s string) {
		left := mostExpansions
		if _, err := parseExpand(s, 1, &left); err != nil && !errors.Is(err, plinth.ErrInvalid) {
			t.Fatalf("%q: %v", s, err)
		}
	})
}
