package sensorthings

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// shape is a point or the outer ring of a polygon, WGS 84 degrees, longitude first.
type shape struct {
	points  [][2]float64
	polygon bool
}

const maxPoints = 1000

// parseWKT reads POINT and POLYGON of well-known text (OGC 06-103r4 §7).
func parseWKT(s string) (shape, error) {
	upper := strings.ToUpper(strings.TrimSpace(s))
	kind, rest, ok := strings.Cut(upper, "(")
	rest, closed := strings.CutSuffix(strings.TrimSpace(rest), ")")
	if !ok || !closed {
		return shape{}, errors.New("a geometry is POINT(lon lat) or POLYGON((lon lat, …))")
	}
	switch strings.TrimSpace(kind) {
	case "POINT":
		points, err := coordinates(rest)
		if err == nil && len(points) != 1 {
			err = errors.New("a point has one pair of coordinates")
		}
		return shape{points: points}, err
	case "POLYGON":
		return polygon(rest)
	}
	return shape{}, errors.New("only POINT and POLYGON are served")
}

func polygon(rest string) (shape, error) {
	rest = strings.TrimSpace(rest)
	if !strings.HasPrefix(rest, "(") || !strings.HasSuffix(rest, ")") || strings.Count(rest, "(") != 1 {
		return shape{}, errors.New("a polygon has one ring, without holes")
	}
	points, err := coordinates(rest[1 : len(rest)-1])
	if err != nil {
		return shape{}, err
	}
	if len(points) < 4 || points[0] != points[len(points)-1] {
		return shape{}, errors.New("a polygon's ring has four points or more, the last one the first")
	}
	return shape{points: points, polygon: true}, nil
}

func coordinates(s string) ([][2]float64, error) {
	var out [][2]float64
	for _, pair := range strings.Split(s, ",") {
		f := strings.Fields(pair)
		if len(f) != 2 || len(out) == maxPoints {
			return nil, errors.New("coordinates are longitude and latitude with a blank between, at most 1000 pairs")
		}
		lon, err1 := strconv.ParseFloat(f[0], 64)
		lat, err2 := strconv.ParseFloat(f[1], 64)
		if err1 != nil || err2 != nil || !(math.Abs(lon) <= 180) || !(math.Abs(lat) <= 90) {
			return nil, errors.New("a longitude is -180 to 180 and a latitude -90 to 90 degrees")
		}
		out = append(out, [2]float64{lon, lat})
	}
	return out, nil
}

// within tells whether a point lies in a polygon: an even-odd count of crossed edges.
func within(p, ring shape) bool {
	x, y, in := p.points[0][0], p.points[0][1], false
	for i, a := range ring.points[:len(ring.points)-1] {
		b := ring.points[i+1]
		if (a[1] > y) != (b[1] > y) && x < (b[0]-a[0])*(y-a[1])/(b[1]-a[1])+a[0] {
			in = !in
		}
	}
	return in
}

// metres is the distance of two points on a sphere (haversine).
func metres(a, b shape) float64 {
	const radius, rad = 6_371_008.8, math.Pi / 180
	p, q := a.points[0], b.points[0]
	h := sq(math.Sin((q[1]-p[1])*rad/2)) + math.Cos(p[1]*rad)*math.Cos(q[1]*rad)*sq(math.Sin((q[0]-p[0])*rad/2))
	return 2 * radius * math.Asin(math.Min(1, math.Sqrt(h)))
}

func sq(x float64) float64 { return x * x }
