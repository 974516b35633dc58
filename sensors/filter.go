package sensors

import (
	"math"
	"slices"
	"strings"

	"plinth"
)

// Filter narrows a list of devices; empty fields let all through.
type Filter struct {
	Kind, Street, Grid, Query string
	Owner                     plinth.AgentID
	Life                      Life
	Near                      *Circle
	Box                       *Box
	After                     plinth.DeviceID // the last one of the page before
}

// Circle is all places at most Radius metres from a point (WGS 84 degrees).
type Circle struct{ Longitude, Latitude, Radius float64 }

// Box is the places between two corners (WGS 84 degrees), in the order of RFC 7946 §5. It does not cross the 180th
// meridian.
type Box struct{ West, South, East, North float64 }

// Validate tells what is wrong with c.
func (c Circle) Validate() error {
	if !onEarth(c.Longitude, c.Latitude) || !(c.Radius > 0 && c.Radius <= 100_000) {
		return plinth.Invalid("near", "want a longitude, a latitude and a radius of up to 100,000 m")
	}
	return nil
}

// Validate tells what is wrong with b.
func (b Box) Validate() error {
	if !onEarth(b.West, b.South) || !onEarth(b.East, b.North) || b.West > b.East || b.South > b.North {
		return plinth.Invalid("bbox", "want west, south, east and north in degrees, west below east and south below north")
	}
	return nil
}

func onEarth(longitude, latitude float64) bool {
	return longitude >= -180 && longitude <= 180 && latitude >= -90 && latitude <= 90
}

// Homes are the kinds whose devices tell how people live, and the devices of other kinds that do.
func (r *Registry) Homes() (kinds []string, others []plinth.DeviceID) {
	for name, k := range knownKinds() {
		if k.Privacy.or(Internal) == Home {
			kinds = append(kinds, name)
		}
	}
	for _, d := range r.Devices(Filter{}, func(d *Device) bool { return d.Privacy() == Home && !slices.Contains(kinds, d.Kind) }) {
		others = append(others, d.ID)
	}
	slices.Sort(kinds)
	return kinds, others
}

// Devices lists the devices that f and keep let through, in order of their ids. The caller must not change them.
func (r *Registry) Devices(f Filter, keep func(*Device) bool) []*Device {
	var out []*Device
	devices := r.known.Load().sorted
	f.Query = strings.ToLower(f.Query)
	for i := range devices {
		d := &devices[i]
		if d.ID > f.After && f.match(d) && (keep == nil || keep(d)) {
			out = append(out, d)
		}
	}
	return out
}

func (f Filter) match(d *Device) bool {
	return (f.Kind == "" || d.Kind == f.Kind) && (f.Street == "" || d.Street == f.Street) && (f.Grid == "" || d.Grid == f.Grid) &&
		(f.Owner == "" || d.Owner == f.Owner) && (f.Life == "" || d.Life.or() == f.Life) &&
		(f.Near == nil || d.Placed() && f.Near.holds(d)) && (f.Box == nil || d.Placed() && f.Box.holds(d)) &&
		(f.Query == "" || strings.Contains(string(d.ID), f.Query) ||
			strings.Contains(strings.ToLower(d.Name.ZH+d.Name.EN+d.Site), f.Query))
}

// Placed tells whether it is known where d is.
func (d *Device) Placed() bool { return d.Longitude != 0 || d.Latitude != 0 }

// holds measures on a sphere (the haversine formula): at 100 km that is wrong by half a percent at most.
func (c *Circle) holds(d *Device) bool {
	const radius, degree = 6_371_008.8, math.Pi / 180
	dLat, dLon := (d.Latitude-c.Latitude)*degree/2, (d.Longitude-c.Longitude)*degree/2
	h := math.Sin(dLat)*math.Sin(dLat) + math.Cos(d.Latitude*degree)*math.Cos(c.Latitude*degree)*math.Sin(dLon)*math.Sin(dLon)
	return 2*radius*math.Asin(math.Min(1, math.Sqrt(h))) <= c.Radius
}

func (b *Box) holds(d *Device) bool {
	return d.Longitude >= b.West && d.Longitude <= b.East && d.Latitude >= b.South && d.Latitude <= b.North
}
