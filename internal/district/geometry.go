package district

import "math"

// Point is a place on Earth, WGS 84 degrees.
type Point struct{ Lon, Lat float64 }

// metresPerDegree at the district's latitude; plane geometry is exact enough over 12 km.
const (
	metresPerLat = 111_132.0
	metresPerLon = 95_100.0
)

// Shift returns the point east and north metres away.
func (p Point) Shift(east, north float64) Point {
	return Point{p.Lon + east/metresPerLon, p.Lat + north/metresPerLat}
}

// Distance returns the metres between two points of the district.
func (p Point) Distance(q Point) float64 {
	return math.Hypot((p.Lon-q.Lon)*metresPerLon, (p.Lat-q.Lat)*metresPerLat)
}

// Polygon is a convex ring, counter-clockwise, its first point not repeated.
type Polygon []Point

// Area is in square degrees; only ratios are used.
func (g Polygon) Area() float64 {
	var a float64
	for i, p := range g {
		q := g[(i+1)%len(g)]
		a += p.Lon*q.Lat - q.Lon*p.Lat
	}
	return a / 2
}

// Centre returns the centroid.
func (g Polygon) Centre() Point {
	// Relative to the first corner: the cross products of degrees near 121 would lose their last digits.
	o := g[0]
	var a, x, y float64
	for i, p := range g {
		q := g[(i+1)%len(g)]
		px, py, qx, qy := p.Lon-o.Lon, p.Lat-o.Lat, q.Lon-o.Lon, q.Lat-o.Lat
		c := px*qy - qx*py
		a, x, y = a+c, x+(px+qx)*c, y+(py+qy)*c
	}
	return Point{o.Lon + x/(3*a), o.Lat + y/(3*a)}
}

// Contains tells whether p lies inside or on the edge.
func (g Polygon) Contains(p Point) bool {
	for i, a := range g {
		b := g[(i+1)%len(g)]
		if (b.Lon-a.Lon)*(p.Lat-a.Lat)-(b.Lat-a.Lat)*(p.Lon-a.Lon) < -1e-12 {
			return false
		}
	}
	return true
}

// At returns a point inside: u and v in [0, 1] spread over the polygon.
func (g Polygon) At(u, v float64) Point {
	c := g.Centre()
	i := min(int(u*float64(len(g))), len(g)-1)
	f := u*float64(len(g)) - float64(i)
	a, b := g[i], g[(i+1)%len(g)]
	edge := Point{a.Lon + (b.Lon-a.Lon)*f, a.Lat + (b.Lat-a.Lat)*f}
	r := math.Sqrt(v) * 0.92
	return Point{c.Lon + (edge.Lon-c.Lon)*r, c.Lat + (edge.Lat-c.Lat)*r}
}

// cut keeps what lies on one side of the line x·n = offset, cut points rounded so that both sides share them.
func (g Polygon) cut(nx, ny, offset float64, keepBelow bool) Polygon {
	side := func(p Point) float64 {
		d := p.Lon*nx + p.Lat*ny - offset
		if !keepBelow {
			d = -d
		}
		return d
	}
	var out Polygon
	for i, p := range g {
		q := g[(i+1)%len(g)]
		dp, dq := side(p), side(q)
		if dp <= 0 {
			out = append(out, p)
		}
		if dp < 0 && dq > 0 || dp > 0 && dq < 0 {
			out = append(out, between(p, q, dp/(dp-dq)))
		}
	}
	return out
}

// between is the point a share f of the way from p to q, the same when asked from q to p.
func between(p, q Point, f float64) Point {
	return Point{round(p.Lon+(q.Lon-p.Lon)*f, 6), round(p.Lat+(q.Lat-p.Lat)*f, 6)}
}

// split cuts a convex polygon into n pieces of about equal area, each cut across the longest extent.
func (g Polygon) split(n int) []Polygon {
	if n <= 1 {
		return []Polygon{g}
	}
	nx, ny := g.longest()
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range g {
		low, high = min(low, p.Lon*nx+p.Lat*ny), max(high, p.Lon*nx+p.Lat*ny)
	}
	first, want := n/2, g.Area()*float64(n/2)/float64(n)
	for range 40 {
		mid := (low + high) / 2
		if g.cut(nx, ny, mid, true).Area() < want {
			low = mid
		} else {
			high = mid
		}
	}
	return append(g.cut(nx, ny, low, true).split(first), g.cut(nx, ny, low, false).split(n-first)...)
}

// longest returns the unit vector, in degrees, along the two corners farthest apart.
func (g Polygon) longest() (nx, ny float64) {
	var best float64
	for i, p := range g {
		for _, q := range g[i+1:] {
			if d := p.Distance(q); d > best {
				best, nx, ny = d, q.Lon-p.Lon, q.Lat-p.Lat
			}
		}
	}
	l := math.Hypot(nx, ny)
	return nx / l, ny / l
}

func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}
