package geodesy

import "math"

// The distortion of GCJ-02 is not published by its authority; this is the form in which everybody knows it since 2010
// (e.g. github.com/googollee/eviltransform). It uses the Krassowsky ellipsoid.
const (
	gcjAxis = 6378245.0
	gcjE2   = 0.00669342162296594323
)

// inChina is the box inside which the distortion applies.
func inChina(lon, lat float64) bool {
	return lon >= 72.004 && lon <= 137.8347 && lat >= 0.8293 && lat <= 55.8271
}

// toGCJ distorts WGS 84 degrees.
func toGCJ(lon, lat float64) (float64, float64) {
	x, y := lon-105, lat-35
	wave := (20*math.Sin(6*x*math.Pi) + 20*math.Sin(2*x*math.Pi)) * 2 / 3
	north := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*math.Sqrt(math.Abs(x)) + wave +
		(20*math.Sin(y*math.Pi)+40*math.Sin(y/3*math.Pi))*2/3 + (160*math.Sin(y/12*math.Pi)+320*math.Sin(y*math.Pi/30))*2/3
	east := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*math.Sqrt(math.Abs(x)) + wave +
		(20*math.Sin(x*math.Pi)+40*math.Sin(x/3*math.Pi))*2/3 + (150*math.Sin(x/12*math.Pi)+300*math.Sin(x/30*math.Pi))*2/3
	sin := math.Sin(lat * degree)
	w := 1 - gcjE2*sin*sin
	return lon + east/(gcjAxis/math.Sqrt(w)*math.Cos(lat*degree)*degree),
		lat + north/(gcjAxis*(1-gcjE2)/(w*math.Sqrt(w))*degree)
}

// fromGCJ finds the WGS 84 degrees that toGCJ distorts to these. The distortion changes slowly, so that taking off what
// it is at the last guess gains two digits a step.
func fromGCJ(lon, lat float64) (float64, float64) { return undo(toGCJ, lon, lat) }

// undo solves f(x, y) = (u, v) for an f that hardly differs from a shift.
func undo(f func(x, y float64) (float64, float64), u, v float64) (float64, float64) {
	x, y := u, v
	for range 20 {
		fx, fy := f(x, y)
		dx, dy := u-fx, v-fy
		x, y = x+dx, y+dy
		if math.Abs(dx)+math.Abs(dy) < 1e-13 {
			break
		}
	}
	return x, y
}

// toBaidu distorts GCJ-02 degrees once more, by the form that everybody knows.
func toBaidu(lon, lat float64) (float64, float64) {
	const k = math.Pi * 3000 / 180
	r := math.Hypot(lon, lat) + 0.00002*math.Sin(lat*k)
	a := math.Atan2(lat, lon) + 0.000003*math.Cos(lon*k)
	return r*math.Cos(a) + 0.0065, r*math.Sin(a) + 0.006
}

func gcjFromBaidu(lon, lat float64) (float64, float64) { return undo(toBaidu, lon, lat) }
