// Package geodesy turns positions in the coordinate systems that districts meet into WGS 84 degrees, which is what is
// stored. It does not survey: see each system for how near the answer is. Formulas are its own, from the sources cited;
// the few hundred lines of a projection need no module, and none of the well-kept ones knows GCJ-02.
package geodesy

import (
	"math"

	"plinth"
)

// Names of the systems.
const (
	WGS84 = "wgs84"
	// GCJ02 is what Chinese maps show: WGS 84 with a published distortion of some hundred metres.
	GCJ02 = "gcj02"
	// BD09 is GCJ-02 with a further distortion, of Baidu's maps.
	BD09 = "bd09"
	// CGCS2000 in degrees is taken as WGS 84: the two frames differ by centimetres.
	CGCS2000 = "cgcs2000"
	// GaussKruger is CGCS2000 in metres, 3-degree Gauss-Krüger with the central meridian 120°E: EPSG:4549, or EPSG:4528
	// when the zone's number 40 leads the easting.
	GaussKruger = "cgcs2000_gk3"
	// Shanghai is the city's plane, in metres; see Plane.
	Shanghai = "shanghai"
)

// Names are all systems, in the order they are shown.
var Names = []string{WGS84, GCJ02, BD09, CGCS2000, GaussKruger, Shanghai}

// Systems are the coordinate systems of a deployment.
type Systems struct{ plane Plane }

// New returns the systems with the city's plane as given.
func New(plane Plane) (*Systems, error) {
	if err := plane.Validate(); err != nil {
		return nil, err
	}
	return &Systems{plane}, nil
}

// Position is a place in degrees of WGS 84, with the system that it came from; of the city's plane also the version of
// its parameters, e.g. "shanghai@2026-1".
type Position struct {
	Longitude, Latitude float64
	System              string // "" is WGS 84
}

// WGS84 reads x, the longitude or easting, and y, the latitude or northing, in the named system. It refuses what the
// system is not made for instead of guessing: ErrInvalid with the field system, x or y.
func (s *Systems) WGS84(system string, x, y float64) (Position, error) {
	if !finite(x) || !finite(y) {
		return Position{}, plinth.Invalid("x", "a coordinate is a finite number")
	}
	switch system {
	case WGS84, CGCS2000, GCJ02, BD09:
		return degrees(system, x, y)
	case GaussKruger:
		return gaussKruger(x, y)
	case Shanghai:
		return s.plane.position(x, y)
	}
	return Position{}, plinth.Invalid("system", "the coordinate system is one of %v", Names)
}

func degrees(system string, x, y float64) (Position, error) {
	if x < -180 || x > 180 || y < -90 || y > 90 {
		return Position{}, plinth.Invalid("x", "%s is in degrees: x the longitude, -180 to 180, y the latitude, -90 to 90", system)
	}
	switch system {
	case WGS84:
		return Position{x, y, ""}, nil
	case CGCS2000:
		return Position{x, y, system}, nil
	}
	if !inChina(x, y) {
		return Position{}, plinth.Invalid("x", "%s is defined in China alone", system)
	}
	if system == BD09 {
		x, y = gcjFromBaidu(x, y)
	}
	x, y = fromGCJ(x, y)
	return Position{x, y, system}, nil
}

// gaussKruger takes what lies up to three degrees, twice the zone's half, beside the meridian.
func gaussKruger(x, y float64) (Position, error) {
	const zone40, half = 40e6, 300_000
	if x >= zone40 && x < zone40+1e6 {
		x -= zone40
	}
	if math.Abs(x-500_000) > half || y < 0 || y > 6_500_000 {
		return Position{}, plinth.Invalid("x", "want an easting within 300 km of 500,000 m (or 40,500,000 m with the zone) and a northing of 0 to 6,500 km")
	}
	lon, lat := zone40CM120.inverse(x, y)
	return Position{lon, lat, GaussKruger}, nil
}

var zone40CM120 = mercator{ellipsoid: cgcs2000, meridian: 120, scale: 1, east: 500_000}.ready()

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
