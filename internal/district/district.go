// Package district is a simulated Putuo district with ground truth: ten streets and towns with grids, buildings and
// sites; devices of five kinds; tickets, grid reports and camera events of incidents; permits; consumers with habits.
// It generates load and scores fusion and detection. It is not a model of the real district: polygons are schematic,
// names, people and telephone numbers are invented.
//
// Everything is a function of the seed and of absolute time: two districts of one seed say the same about the same
// minute, wherever their start lies, so that a restarted feed repeats itself instead of contradicting itself.
package district

import (
	"sync"
	"time"
)

// Shanghai is the district's time zone. China has kept UTC+8 without daylight saving since 1991, so no time zone
// data is needed.
var Shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// Config says what to simulate. The zero value is a district of 200 devices from midnight of 2026-11-24.
type Config struct {
	Seed      uint64
	Devices   int           // how many devices; 0 is 200
	Start     time.Time     // when Messages begins
	Incidents int           // incidents a day, with background singles; 0 is 160, negative is none
	Interval  time.Duration // overrides the interval of every device when not 0
	NoFaults  bool          // devices never fail
}

func (c Config) withDefaults() Config {
	if c.Devices == 0 {
		c.Devices = 200
	}
	if c.Incidents == 0 {
		c.Incidents = 160
	}
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 11, 24, 0, 0, 0, 0, Shanghai)
	}
	c.Start = c.Start.UTC().Truncate(time.Millisecond)
	return c
}

// District is one simulated district. Its methods are safe for concurrent use.
type District struct {
	cfg     Config
	streets []Street
	grids   []Grid
	places  []Place
	devices []Device
	byPlace map[string][]int // place id → devices there
	ofKind  map[PlaceKind][]int

	mu   sync.Mutex
	days map[int64][]Incident // mu; a cache
}

// New builds the district of a configuration.
func New(cfg Config) *District {
	d := &District{cfg: cfg.withDefaults(), days: map[int64][]Incident{}}
	d.streets = drawStreets()
	for _, s := range d.streets {
		d.grids = append(d.grids, cutGrids(s)...)
	}
	d.places = buildPlaces(d.cfg.Seed, d.streets, d.grids)
	d.ofKind = map[PlaceKind][]int{}
	for i, p := range d.places {
		d.ofKind[p.Kind] = append(d.ofKind[p.Kind], i)
	}
	d.devices = d.installDevices()
	d.byPlace = map[string][]int{}
	for i, dev := range d.devices {
		d.byPlace[dev.Site] = append(d.byPlace[dev.Site], i)
	}
	return d
}

// Config returns the configuration with its defaults filled in.
func (d *District) Config() Config { return d.cfg }

// Streets returns the ten streets and towns.
func (d *District) Streets() []Street { return d.streets }

// Grids returns the grids, street by street.
func (d *District) Grids() []Grid { return d.grids }

// Places returns the buildings, sites, creeks and road sections.
func (d *District) Places() []Place { return d.places }

// Devices returns the devices, sorted by kind and number.
func (d *District) Devices() []Device { return d.devices }
