package geodesy

import "math"

// ellipsoid is a figure of the Earth: the semi-major axis in metres and the flattening.
type ellipsoid struct{ a, f float64 }

// cgcs2000 is the ellipsoid of CGCS2000 (GB 22021-2008), equal to GRS 80 within a tenth of a millimetre.
var cgcs2000 = ellipsoid{6378137, 1 / 298.257222101}

// mercator is a transverse Mercator projection by Krüger's series to the fourth order of the third flattening, exact
// within a micrometre up to some degrees beside the meridian (C. F. F. Karney, Transverse Mercator with an accuracy of a
// few nanometers, J. Geodesy 85, 2011, eqs. 7 to 36).
type mercator struct {
	ellipsoid
	latitude, meridian float64 // of the origin, in degrees
	scale              float64
	east, north        float64 // of the origin, in metres

	e, radius   float64 // eccentricity; rectifying radius times scale
	alpha, beta [4]float64
	origin      float64 // northing of the origin's latitude from the equator
}

// ready fills in what follows from the parameters.
func (m mercator) ready() mercator {
	n := m.f / (2 - m.f)
	n2, n3, n4 := n*n, n*n*n, n*n*n*n
	m.e = math.Sqrt(m.f * (2 - m.f))
	m.radius = m.scale * m.a / (1 + n) * (1 + n2/4 + n4/64)
	m.alpha = [4]float64{n/2 - 2*n2/3 + 5*n3/16 + 41*n4/180, 13*n2/48 - 3*n3/5 + 557*n4/1440, 61*n3/240 - 103*n4/140, 49561 * n4 / 161280}
	m.beta = [4]float64{n/2 - 2*n2/3 + 37*n3/96 - n4/360, n2/48 + n3/15 - 437*n4/1440, 17*n3/480 - 37*n4/840, 4397 * n4 / 161280}
	_, m.origin = m.plane(0, m.latitude*degree)
	return m
}

const degree = math.Pi / 180

// forward projects degrees to metres.
func (m mercator) forward(lon, lat float64) (x, y float64) {
	x, y = m.plane((lon-m.meridian)*degree, lat*degree)
	return m.east + x, m.north + y - m.origin
}

// plane projects radians from the meridian to metres from it and the equator.
func (m mercator) plane(lambda, phi float64) (x, y float64) {
	t := m.conformal(math.Tan(phi))
	xi, eta := math.Atan2(t, math.Cos(lambda)), math.Asinh(math.Sin(lambda)/math.Hypot(t, math.Cos(lambda)))
	x, y = eta, xi
	for i, a := range m.alpha {
		k := float64(2 * (i + 1))
		y += a * math.Sin(k*xi) * math.Cosh(k*eta)
		x += a * math.Cos(k*xi) * math.Sinh(k*eta)
	}
	return m.radius * x, m.radius * y
}

// inverse finds the degrees that forward projects to x and y.
func (m mercator) inverse(x, y float64) (lon, lat float64) {
	xi, eta := (y-m.north+m.origin)/m.radius, (x-m.east)/m.radius
	u, v := xi, eta
	for i, b := range m.beta {
		k := float64(2 * (i + 1))
		u -= b * math.Sin(k*xi) * math.Cosh(k*eta)
		v -= b * math.Cos(k*xi) * math.Sinh(k*eta)
	}
	t := math.Sin(u) / math.Hypot(math.Sinh(v), math.Cos(u))
	return m.meridian + math.Atan2(math.Sinh(v), math.Cos(u))/degree, math.Atan(m.geographic(t)) / degree
}

// conformal is the tangent of the conformal latitude for that of the geographic one.
func (m mercator) conformal(tan float64) float64 {
	s := math.Sinh(m.e * math.Atanh(m.e*tan/math.Hypot(1, tan)))
	return tan*math.Hypot(1, s) - s*math.Hypot(1, tan)
}

// geographic is the inverse of conformal, by Newton's method; three steps reach the last bit.
func (m mercator) geographic(t float64) float64 {
	tan := t
	for range 5 {
		c := m.conformal(tan)
		e2 := m.e * m.e
		tan += (t - c) / math.Hypot(1, c) * (1 + (1-e2)*tan*tan) / ((1 - e2) * math.Hypot(1, tan))
	}
	return tan
}
