package geodesy

import (
	"bytes"
	_ "embed"
	"encoding/json"

	"plinth"
)

// Plane is the city's plane: a transverse Mercator projection about the city's origin. Its true parameters are not
// public; the bureau has them and gives them as a file. What ships is the convention that is in circulation: it puts a
// thing on the map within about a hundred metres, and is not for surveying.
type Plane struct {
	Version string `json:"version"` // kept with each position that was read by it
	Source  string `json:"source"`  // who says so
	// Accuracy is how far off a position may be, in metres, by the source.
	Accuracy float64 `json:"accuracyM"`
	Axis     float64 `json:"axisM"`             // semi-major axis of the ellipsoid
	Inverse  float64 `json:"inverseFlattening"` // 1/f
	Lon      float64 `json:"originLongitude"`   // of the central meridian, degrees
	Lat      float64 `json:"originLatitude"`
	Scale    float64 `json:"scale"`
	East     float64 `json:"falseEastingM"`
	North    float64 `json:"falseNorthingM"`
	// Where the plane may be used: west, south, east, north in degrees. What falls outside is refused.
	Bounds [4]float64 `json:"bounds"`
}

//go:embed shanghai.json
var shanghai []byte

// Convention is the plane that ships.
func Convention() Plane {
	p, err := ReadPlane(shanghai)
	if err != nil {
		panic("geodesy: " + err.Error()) // the file is embedded and tested
	}
	return p
}

// ReadPlane reads a plane's file.
func ReadPlane(data []byte) (Plane, error) {
	var p Plane
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, plinth.Invalid("plane", "the file of the city's plane is not JSON of its form: %v", err)
	}
	return p, p.Validate()
}

// Validate tells what is wrong with p.
func (p Plane) Validate() error {
	b := p.Bounds
	switch {
	case p.Version == "" || len(p.Version) > 32 || p.Source == "":
		return plinth.Invalid("plane.version", "a plane has a version of up to 32 letters and a source")
	case !(p.Axis > 6.3e6 && p.Axis < 6.4e6):
		return plinth.Invalid("plane.axisM", "the semi-major axis is about 6,378,000 m")
	case !(p.Inverse > 290 && p.Inverse < 310):
		return plinth.Invalid("plane.inverseFlattening", "the inverse flattening is about 298")
	case !(p.Lat >= -80 && p.Lat <= 80) || !(p.Lon >= -180 && p.Lon <= 180):
		return plinth.Invalid("plane.originLatitude", "the origin is in degrees, at most 80 from the equator")
	case !(p.Scale > 0.99 && p.Scale < 1.01) || !finite(p.East) || !finite(p.North):
		return plinth.Invalid("plane.scale", "the scale is about 1, and the false coordinates are finite")
	case !(b[0] < b[2] && b[1] < b[3] && b[0] >= p.Lon-3 && b[2] <= p.Lon+3 && b[1] >= -80 && b[3] <= 80):
		return plinth.Invalid("plane.bounds", "the bounds are west, south, east, north in degrees, at most 3 beside the origin")
	}
	return nil
}

func (p Plane) mercator() mercator {
	return mercator{ellipsoid: ellipsoid{p.Axis, 1 / p.Inverse}, latitude: p.Lat, meridian: p.Lon, scale: p.Scale, east: p.East, north: p.North}.ready()
}

func (p Plane) position(x, y float64) (Position, error) {
	const far = 500_000
	if x < p.East-far || x > p.East+far || y < p.North-far || y > p.North+far {
		return Position{}, p.outside()
	}
	lon, lat := p.mercator().inverse(x, y)
	if lon < p.Bounds[0] || lon > p.Bounds[2] || lat < p.Bounds[1] || lat > p.Bounds[3] {
		return Position{}, p.outside()
	}
	return Position{lon, lat, Shanghai + "@" + p.Version}, nil
}

func (p Plane) outside() error {
	return plinth.Invalid("x", "this lies outside %v, where the plane %s may be used; x is the easting, y the northing", p.Bounds, p.Version)
}
