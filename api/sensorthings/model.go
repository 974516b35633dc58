// Package sensorthings speaks the OGC SensorThings API 1.1 Part 1 (18-088): the sensing core to read, and observations as
// data arrays to create. A device is a Thing with its Location, its Sensor and a FeatureOfInterest; each of its metrics is
// a Datastream; a reading is an Observation. Everything but observations is answered from the registry in memory;
// observations come from the store, filtered there. It keeps nothing itself.
package sensorthings

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"plinth"
	"plinth/sensors"
)

// entity is one of the standard's entities. Which fields it has depends on its kind.
type entity struct {
	kind   *kind
	id     string
	dev    *sensors.Device
	metric *sensors.Metric
	obs    *sensors.Reading
}

// kind is an entity set.
type kind struct {
	name     string // "Things"
	singular string // "Thing"
	navs     []nav
	props    func(e entity) map[string]any
}

// nav leads from an entity to others.
type nav struct {
	name string
	to   string // the name of the set
	many bool
}

// Shapes of what JSON holds, in the field's words.
const timeLayout = "2006-01-02T15:04:05.000Z"

var kinds = map[string]*kind{}

func init() {
	for _, k := range []*kind{
		{"Things", "Thing", []nav{{"Datastreams", "Datastreams", true}, {"Locations", "Locations", true},
			{"HistoricalLocations", "HistoricalLocations", true}}, thing},
		{"Locations", "Location", []nav{{"Things", "Things", true}, {"HistoricalLocations", "HistoricalLocations", true}}, location},
		{"HistoricalLocations", "HistoricalLocation", []nav{{"Thing", "Things", false}, {"Locations", "Locations", true}}, historical},
		{"Datastreams", "Datastream", []nav{{"Thing", "Things", false}, {"Sensor", "Sensors", false},
			{"ObservedProperty", "ObservedProperties", false}, {"Observations", "Observations", true}}, datastream},
		{"Sensors", "Sensor", []nav{{"Datastreams", "Datastreams", true}}, sensor},
		{"ObservedProperties", "ObservedProperty", []nav{{"Datastreams", "Datastreams", true}}, observedProperty},
		{"Observations", "Observation", []nav{{"Datastream", "Datastreams", false},
			{"FeatureOfInterest", "FeaturesOfInterest", false}}, observation},
		{"FeaturesOfInterest", "FeatureOfInterest", []nav{{"Observations", "Observations", true}}, feature},
	} {
		kinds[k.name] = k
	}
}

// setNames are the sets in the order of the service document.
var setNames = []string{"Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties", "Observations",
	"FeaturesOfInterest"}

func (k *kind) nav(name string) (nav, bool) {
	i := slices.IndexFunc(k.navs, func(n nav) bool { return n.name == name })
	if i < 0 {
		return nav{}, false
	}
	return k.navs[i], true
}

func title(d *sensors.Device) string { return cmp.Or(d.Name.ZH, d.Name.EN, string(d.ID)) }

func describeDevice(d *sensors.Device) string { return cmp.Or(d.Name.EN, d.Name.ZH, d.Kind) }

func thing(e entity) map[string]any {
	d := e.dev
	p := map[string]any{"kind": d.Kind, "owner": string(d.Owner), "street": d.Street, "grid": d.Grid, "site": d.Site,
		"interval_s": d.Interval.Seconds(), "life": string(cmp.Or(d.Life, sensors.Active))}
	return map[string]any{"name": title(d), "description": describeDevice(d), "properties": p}
}

func point(d *sensors.Device) map[string]any {
	return map[string]any{"type": "Point", "coordinates": []any{d.Longitude, d.Latitude}}
}

func placed(d *sensors.Device) bool { return d.Longitude != 0 || d.Latitude != 0 }

func location(e entity) map[string]any {
	return map[string]any{"name": cmp.Or(e.dev.Site, title(e.dev)), "description": cmp.Or(e.dev.Street, "-"),
		"encodingType": "application/geo+json", "location": point(e.dev)}
}

// historical is the one place that the registry knows, since the device was installed.
func historical(e entity) map[string]any {
	return map[string]any{"time": since(e.dev)}
}

func since(d *sensors.Device) time.Time {
	if d.Installed.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return d.Installed.UTC()
}

func datastream(e entity) map[string]any {
	m := e.metric
	name := cmp.Or(m.Title.ZH, m.Title.EN, m.Name)
	return map[string]any{"name": title(e.dev) + " " + name, "description": describeDevice(e.dev) + ": " + cmp.Or(m.Title.EN, name),
		"observationType":   "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
		"unitOfMeasurement": map[string]any{"name": m.Unit, "symbol": m.Unit, "definition": "http://unitsofmeasure.org/ucum.html#" + m.Unit},
		"properties":        map[string]any{"metric": m.Name, "kind": e.dev.Kind, "street": e.dev.Street}}
}

func sensor(e entity) map[string]any {
	d := e.dev
	meta := strings.TrimSpace(d.Maker + " " + d.Model)
	p := map[string]any{"maker": d.Maker, "model": d.Model}
	for name, t := range map[string]time.Time{"calibrated": d.Calibrated, "calibration_due": d.CalibrationDue} {
		if !t.IsZero() {
			p[name] = t.UTC()
		}
	}
	return map[string]any{"name": title(d), "description": describeDevice(d), "encodingType": "text/plain",
		"metadata": cmp.Or(meta, "not known"), "properties": p}
}

func observedProperty(e entity) map[string]any {
	m := e.metric
	return map[string]any{"name": cmp.Or(m.Title.ZH, m.Name), "description": cmp.Or(m.Title.EN, m.Name),
		"definition": "urn:plinth:metric:" + e.id, "properties": map[string]any{"metric": m.Name, "kind": e.dev.Kind}}
}

func observation(e entity) map[string]any {
	r := e.obs
	quality := []any{}
	for _, f := range r.Flags.Names() {
		quality = append(quality, f)
	}
	return map[string]any{"phenomenonTime": r.At, "resultTime": r.At, "result": r.Value, "resultQuality": quality,
		"parameters": map[string]any{"seq": float64(r.Seq), "received": r.RX}}
}

func feature(e entity) map[string]any {
	return map[string]any{"name": title(e.dev), "description": cmp.Or(e.dev.Site, "-"), "encodingType": "application/geo+json",
		"feature": point(e.dev)}
}

// world is all entities but observations.
type world struct {
	devices func() []*sensors.Device                 // in order of ids
	device  func(id plinth.DeviceID) *sensors.Device // nil when there is none
}

// find returns one entity of a set by its id. Observations are not in the world.
func (w world) find(set, id string) (entity, bool) {
	first, metric, parted := strings.Cut(id, ":")
	switch {
	case set == "ObservedProperties":
		all := w.all(set)
		i, ok := slices.BinarySearchFunc(all, id, func(e entity, id string) int { return cmp.Compare(e.id, id) })
		if !ok {
			return entity{}, false
		}
		return all[i], true
	case parted != (set == "Datastreams"):
		return entity{}, false
	}
	d := w.device(plinth.DeviceID(first))
	if d == nil {
		return entity{}, false
	}
	if set == "Datastreams" {
		m, ok := d.Metric(metric)
		return entity{kind: kinds[set], id: id, dev: d, metric: m}, ok
	}
	return entity{kind: kinds[set], id: id, dev: d}, set == "Things" || set == "Sensors" || placed(d)
}

// all returns a set, in order of ids.
func (w world) all(set string) []entity {
	var out []entity
	seen := map[string]bool{}
	for _, d := range w.devices() {
		for _, e := range ofDevice(set, d) {
			if !seen[e.id] {
				seen[e.id] = true
				out = append(out, e)
			}
		}
	}
	slices.SortFunc(out, func(a, b entity) int { return cmp.Compare(a.id, b.id) })
	return out
}

// ofDevice returns what of a set a device makes.
func ofDevice(set string, d *sensors.Device) []entity {
	k := kinds[set]
	switch set {
	case "Things", "Sensors":
		return []entity{{kind: k, id: string(d.ID), dev: d}}
	case "Locations", "HistoricalLocations", "FeaturesOfInterest":
		if !placed(d) {
			return nil
		}
		return []entity{{kind: k, id: string(d.ID), dev: d}}
	}
	var out []entity
	for i := range d.Metrics {
		m := &d.Metrics[i]
		id := string(d.ID) + ":" + m.Name
		if set == "ObservedProperties" {
			id = d.Kind + ":" + m.Name
		}
		out = append(out, entity{kind: k, id: id, dev: d, metric: m})
	}
	slices.SortFunc(out, func(a, b entity) int { return cmp.Compare(a.id, b.id) })
	return out
}

// follow returns where a link of an entity leads. Observations are not followed here.
func (w world) follow(e entity, n nav) []entity {
	switch {
	case e.kind.name == "ObservedProperties":
		return slices.DeleteFunc(w.all("Datastreams"), func(d entity) bool {
			return d.dev.Kind != e.dev.Kind || d.metric.Name != e.metric.Name
		})
	case n.to == "ObservedProperties":
		return []entity{{kind: kinds[n.to], id: e.dev.Kind + ":" + e.metric.Name, dev: e.dev, metric: e.metric}}
	case n.to == "Datastreams" && e.obs != nil:
		return []entity{{kind: kinds[n.to], id: string(e.dev.ID) + ":" + e.metric.Name, dev: e.dev, metric: e.metric}}
	}
	return ofDevice(n.to, e.dev)
}

// resolve reads a path from an entity: a property, a part of one, or over links. It gives several values over links to
// many; nothing is one nil.
func (w world) resolve(e entity, path []string) ([]any, error) {
	name, rest := path[0], path[1:]
	if name == "id" || name == "@iot.id" {
		return []any{e.id}, nil
	}
	if n, ok := e.kind.nav(name); ok {
		if n.to == "Observations" {
			return nil, errors.New("observations are filtered on Observations alone")
		}
		if len(rest) == 0 {
			return nil, fmt.Errorf("%s is an entity, name one of its properties", name)
		}
		var out []any
		for _, to := range w.follow(e, n) {
			vals, err := w.resolve(to, rest)
			if err != nil {
				return nil, err
			}
			out = append(out, vals...)
		}
		return out, nil
	}
	v, ok := e.kind.props(e)[name]
	if !ok {
		return nil, fmt.Errorf("%s has no property %.40s", e.kind.singular, name)
	}
	if (name == "location" || name == "feature") && len(rest) == 0 {
		return []any{shape{points: [][2]float64{{e.dev.Longitude, e.dev.Latitude}}}}, nil
	}
	for _, part := range rest {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%.40s has no parts", name)
		}
		v = m[part]
	}
	return []any{v}, nil
}

// observationID names a reading: device, metric, milliseconds and sequence.
func observationID(r sensors.Reading) string {
	return string(r.Device) + ":" + r.Metric + ":" + strconv.FormatInt(r.At.UnixMilli(), 10) + ":" + strconv.FormatUint(r.Seq, 10)
}

// readingOf reads an observation's id.
func readingOf(id string) (sensors.Reading, bool) {
	p := strings.Split(id, ":")
	if len(p) != 4 {
		return sensors.Reading{}, false
	}
	ms, err1 := strconv.ParseInt(p[2], 10, 64)
	seq, err2 := strconv.ParseUint(p[3], 10, 64)
	if err1 != nil || err2 != nil || ms < -2_208_988_800_000 || ms > 9_214_646_400_000 {
		return sensors.Reading{}, false
	}
	return sensors.Reading{Device: plinth.DeviceID(p[0]), Metric: p[1], At: time.UnixMilli(ms).UTC(), Seq: seq}, true
}
