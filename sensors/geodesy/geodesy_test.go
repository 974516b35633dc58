package geodesy_test

import (
	"errors"
	"math"
	"testing"

	"plinth"
	"plinth/sensors/geodesy"
)

func systems(t testing.TB) *geodesy.Systems {
	t.Helper()
	s, err := geodesy.New(geodesy.Convention())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPositionsAreReadInTheirSystem(t *testing.T) {
	for _, tt := range []struct {
		system            string
		x, y, lon, lat, e float64
		kept              string
	}{
		{"wgs84", 121.4, 31.25, 121.4, 31.25, 0, ""},
		{"cgcs2000", 121.4, 31.25, 121.4, 31.25, 0, "cgcs2000"},
		{"gcj02", 120.60109998322247, 31.278648624428175, 120.596931, 31.280844, 1e-6, "gcj02"},
		{"cgcs2000_gk3", 500_000, 0, 120, 0, 1e-9, "cgcs2000_gk3"},
		{"cgcs2000_gk3", 40_500_000, 0, 120, 0, 1e-9, "cgcs2000_gk3"},
		{"shanghai", 0, 0, 121.46666666666667, 31.233333333333334, 1e-9, "shanghai@convention-1"},
	} {
		got, err := systems(t).WGS84(tt.system, tt.x, tt.y)
		if err != nil || math.Abs(got.Longitude-tt.lon) > tt.e || math.Abs(got.Latitude-tt.lat) > tt.e || got.System != tt.kept {
			t.Errorf("%s: got %v, %v; want %v %v", tt.system, got, err, tt.lon, tt.lat)
		}
	}
}

func TestWhatASystemIsNotMadeForIsRefused(t *testing.T) {
	for _, tt := range []struct {
		system string
		x, y   float64
	}{
		{"", 121, 31}, {"utm", 121, 31}, {"wgs84", 31.2, 121.4}, {"wgs84", math.NaN(), 0}, {"gcj02", 2.35, 48.85}, {"bd09", 31, 121},
		{"cgcs2000_gk3", 121.4, 31.2}, {"cgcs2000_gk3", 3_456_000, 500_000}, {"cgcs2000_gk3", 39_500_000, 3_400_000},
		{"shanghai", 100_000, 0}, {"shanghai", 121.4, 1e9}, {"shanghai", 500_000, 3_400_000},
	} {
		if got, err := systems(t).WGS84(tt.system, tt.x, tt.y); !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("%s %v %v: got %v, %v; want it refused", tt.system, tt.x, tt.y, got, err)
		}
	}
}

func TestAPlaneNamesItsFault(t *testing.T) {
	for name, spoil := range map[string]func(*geodesy.Plane){
		"no source":  func(p *geodesy.Plane) { p.Source = "" },
		"no axis":    func(p *geodesy.Plane) { p.Axis = 0 },
		"flat":       func(p *geodesy.Plane) { p.Inverse = 0 },
		"pole":       func(p *geodesy.Plane) { p.Lat = 90 },
		"scale":      func(p *geodesy.Plane) { p.Scale = math.NaN() },
		"bounds":     func(p *geodesy.Plane) { p.Bounds[0] = 180 },
		"wide as it": func(p *geodesy.Plane) { p.Bounds = [4]float64{100, 0, 140, 60} },
	} {
		p := geodesy.Convention()
		spoil(&p)
		if _, err := geodesy.New(p); !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// FuzzWGS84 checks that whatever comes out lies on Earth, and in China when it was said to.
func FuzzWGS84(f *testing.F) {
	for i, name := range geodesy.Names {
		f.Add(name, 121.4+float64(i), 31.2)
	}
	f.Add("shanghai", -4000.0, 2500.0)
	f.Add("cgcs2000_gk3", 40_633_000.0, 3_457_000.0)
	s := systems(f)
	f.Fuzz(func(t *testing.T, system string, x, y float64) {
		p, err := s.WGS84(system, x, y)
		if err != nil {
			if !errors.Is(err, plinth.ErrInvalid) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if !(p.Longitude >= -180.1 && p.Longitude <= 180.1 && p.Latitude >= -90 && p.Latitude <= 90) {
			t.Fatalf("%s %v %v lies at %v", system, x, y, p)
		}
	})
}
