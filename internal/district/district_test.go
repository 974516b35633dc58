package district_test

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth/internal/district"
)

var start = time.Date(2026, 11, 24, 6, 0, 0, 0, district.Shanghai)

func lines(d *district.District, hours int) []byte {
	var b bytes.Buffer
	for m := range d.Messages(d.Config().Start.Add(time.Duration(hours) * time.Hour)) {
		b.Write(m.Line())
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func TestSameSeedSaysTheSameBytes(t *testing.T) {
	a := lines(district.New(district.Config{Seed: 7, Start: start}), 2)
	if b := lines(district.New(district.Config{Seed: 7, Start: start}), 2); !bytes.Equal(a, b) {
		t.Error("two districts of one seed differ")
	}
	if b := lines(district.New(district.Config{Seed: 8, Start: start}), 2); bytes.Equal(a, b) {
		t.Error("districts of different seeds are equal")
	}
}

func TestLaterStartRepeatsWhatTheEarlierSaid(t *testing.T) {
	long := lines(district.New(district.Config{Seed: 7, Start: start}), 3)
	late := lines(district.New(district.Config{Seed: 7, Start: start.Add(2 * time.Hour)}), 1)
	if !bytes.HasSuffix(long, late) {
		t.Error("the third hour depends on when the feed began")
	}
}

func TestMessagesAreOrderedAndDevicesCountUp(t *testing.T) {
	d := district.New(district.Config{Seed: 1, Start: start})
	var last time.Time
	seq := map[string]uint64{}
	for m := range d.Messages(start.Add(3 * time.Hour)) {
		if m.At.Before(last) {
			t.Fatalf("message at %v after %v", m.At, last)
		}
		last = m.At
		if m.Reading == nil {
			continue
		}
		if r := m.Reading; r.Seq <= seq[r.Device.ID] {
			t.Fatalf("%s says seq %d after %d", r.Device.ID, r.Seq, seq[r.Device.ID])
		}
		seq[m.Reading.Device.ID] = m.Reading.Seq
		var p struct {
			At  time.Time
			Seq uint64
			V   map[string]float64
		}
		if err := json.Unmarshal(m.Reading.Payload(), &p); err != nil || !p.At.Equal(m.At) || len(p.V) != len(m.Reading.Device.Metrics) {
			t.Fatalf("payload %s: %v", m.Reading.Payload(), err)
		}
	}
	if len(seq) != 200 {
		t.Errorf("%d devices spoke, want 200", len(seq))
	}
}

func TestStreetsAndGridsTileTheDistrict(t *testing.T) {
	d := district.New(district.Config{Seed: 1})
	if len(d.Streets()) != 10 || len(d.Grids()) < 60 || len(d.Grids()) > 100 {
		t.Fatalf("%d streets, %d grids", len(d.Streets()), len(d.Grids()))
	}
	area := map[string]float64{}
	for _, g := range d.Grids() {
		area[g.Street] += g.Shape.Area()
	}
	for _, s := range d.Streets() {
		if a := s.Shape.Area(); a <= 0 || math.Abs(area[s.ID]/a-1) > 1e-3 {
			t.Errorf("%s: grids cover %.4f of it", s.ID, area[s.ID]/a)
		}
		if !s.Shape.Contains(s.Shape.Centre()) {
			t.Errorf("%s does not hold its own centre", s.ID)
		}
	}
	// A fine lattice finds overlaps: no point is in two streets.
	for lon := 121.34513; lon < 121.46; lon += .0007 {
		for lat := 31.21308; lat < 31.30; lat += .0007 {
			var in []string
			for _, s := range d.Streets() {
				if s.Shape.Contains(district.Point{Lon: lon, Lat: lat}) {
					in = append(in, s.ID)
				}
			}
			if len(in) > 1 {
				t.Fatalf("%.4f, %.4f is in %v", lon, lat, in)
			}
		}
	}
}

func TestNeighbouringStreetsShareEdges(t *testing.T) {
	d := district.New(district.Config{Seed: 1})
	edges := map[[2]district.Point]int{}
	for _, s := range d.Streets() {
		for i, p := range s.Shape {
			q := s.Shape[(i+1)%len(s.Shape)]
			if edges[[2]district.Point{p, q}]++; edges[[2]district.Point{p, q}] > 1 {
				t.Errorf("two streets lie on the same side of %v–%v", p, q)
			}
		}
	}
	var outer int
	for e := range edges {
		if edges[[2]district.Point{e[1], e[0]}] == 0 {
			outer++
		}
	}
	if outer < 12 || outer > 20 {
		t.Errorf("%d outer edges of %d: the streets do not hang together", outer, len(edges))
	}
}

func TestDevicesStandInTheirGrids(t *testing.T) {
	d := district.New(district.Config{Seed: 3, Devices: 57})
	kinds := map[district.Kind]int{}
	ids := map[string]bool{}
	for _, dev := range d.Devices() {
		kinds[dev.Kind]++
		ids[dev.ID] = true
		if dev.Site == "" || dev.Address == "" || dev.Interval <= 0 || len(dev.Metrics) == 0 {
			t.Errorf("device %s is unfinished: %+v", dev.ID, dev)
		}
	}
	if len(ids) != 57 || len(kinds) != 5 {
		t.Errorf("%d ids of %v", len(ids), kinds)
	}
}

func TestReadingsStayPossibleExceptInFaults(t *testing.T) {
	d := district.New(district.Config{Seed: 5, Start: start})
	to := start.Add(24 * time.Hour)
	faults := map[string]district.Fault{}
	kinds := map[district.FaultKind]int{}
	for _, f := range d.Faults(start, to) {
		faults[f.Device] = f
		kinds[f.Kind]++
	}
	if len(kinds) != 4 {
		t.Errorf("faults of a day: %v, want all four kinds", kinds)
	}
	for r := range d.Readings(start, to) {
		for i, m := range r.Device.Metrics {
			wild := r.Values[i] < m.Min || r.Values[i] > m.Max
			f, failing := faults[r.Device.ID]
			if wild && !(failing && f.Kind == district.Range) {
				t.Fatalf("%s %s = %v at %v without a fault", r.Device.ID, m.Name, r.Values[i], r.At)
			}
			if math.IsNaN(r.Values[i]) || math.IsInf(r.Values[i], 0) {
				t.Fatalf("%s %s is %v", r.Device.ID, m.Name, r.Values[i])
			}
		}
	}
}

func TestMeterTotalNeverFallsAndAgreesWithFlow(t *testing.T) {
	d := district.New(district.Config{Seed: 5, Devices: 40, Start: start, NoFaults: true})
	type state struct{ total, flowed, first float64 }
	meters := map[string]*state{}
	for r := range d.Readings(start, start.Add(50*time.Hour)) {
		if r.Device.Kind != district.WaterMeter {
			continue
		}
		s := meters[r.Device.ID]
		if s == nil {
			meters[r.Device.ID] = &state{total: r.Values[1], first: r.Values[1]}
			continue
		}
		if r.Values[1] < s.total {
			t.Fatalf("%s falls from %v to %v", r.Device.ID, s.total, r.Values[1])
		}
		s.total = r.Values[1]
		s.flowed += r.Values[0] / 1000
	}
	for id, s := range meters {
		if diff := math.Abs(s.total - s.first - s.flowed); diff > .02 {
			t.Errorf("%s: total grew by %.4f, flow says %.4f", id, s.total-s.first, s.flowed)
		}
	}
}

func TestEventsOfOneIncidentDifferInWords(t *testing.T) {
	d := district.New(district.Config{Seed: 2, Start: start})
	to := start.Add(72 * time.Hour)
	members, texts, sources, ids := map[string][]district.Event{}, map[string]bool{}, map[string]int{}, map[string]bool{}
	var n int
	for e := range d.Events(start, to) {
		n++
		if ids[e.ID()] {
			t.Fatalf("id %s twice", e.ID())
		}
		ids[e.ID()] = true
		members[e.Incident] = append(members[e.Incident], e)
		texts[e.Text] = true
		sources[e.Source]++
		if e.Title == "" || e.Text == "" || e.Class == "" {
			t.Fatalf("unfinished event %+v", e)
		}
	}
	var several, mixed int
	for _, m := range members {
		if len(m) > 1 {
			several++
		}
		if slices.ContainsFunc(m, func(e district.Event) bool { return e.Source != m[0].Source }) {
			mixed++
		}
	}
	if len(texts) < n*95/100 {
		t.Errorf("only %d of %d texts differ", len(texts), n)
	}
	if len(sources) != 3 || several < 100 || mixed < 50 {
		t.Errorf("sources %v, %d incidents of several events, %d of several sources", sources, several, mixed)
	}
	var twins int
	for _, in := range d.Incidents(start, to) {
		if in.Twin != "" {
			twins++
		}
	}
	if twins < 20 {
		t.Errorf("%d look-alikes in three days", twins)
	}
}

func TestNightNoiseIsHeardByTheSitesDevice(t *testing.T) {
	d := district.New(district.Config{Seed: 4, Start: start, NoFaults: true, Devices: 500})
	to := start.Add(72 * time.Hour)
	loud := map[string]int{}
	for r := range d.Readings(start, to) {
		hour := r.At.In(district.Shanghai).Hour()
		if r.Device.Kind == district.ConstructionNoise && (hour >= 22 || hour < 6) && r.Values[0] > 60 {
			loud[r.Device.Site]++
		}
	}
	want := map[string]bool{}
	for _, in := range d.Incidents(start.Add(-24*time.Hour), to) {
		if in.Kind == "night_construction" {
			want[in.Place.ID] = true
		}
	}
	for site := range loud {
		if !want[site] {
			t.Errorf("site %s is loud without an incident", site)
		}
	}
	if len(loud) < 5 {
		t.Errorf("%d loud sites", len(loud))
	}
}

func TestTruthNamesEveryEvent(t *testing.T) {
	d := district.New(district.Config{Seed: 2, Start: start})
	truth := d.Truth(start, start.Add(24*time.Hour))
	want := map[string]string{}
	for e := range d.Events(start, start.Add(24*time.Hour)) {
		want[e.ID()] = e.Incident
	}
	if diff := cmp.Diff(want, truth.Incident); diff != "" {
		t.Error(diff)
	}
}

func TestGeoJSONClosesItsRings(t *testing.T) {
	var doc struct {
		Type     string
		Features []struct {
			Properties map[string]string
			Geometry   struct{ Coordinates [][][2]float64 }
		}
	}
	d := district.New(district.Config{})
	if err := json.Unmarshal(d.GeoJSON(), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Features) != len(d.Streets())+len(d.Grids()) {
		t.Errorf("%d features", len(doc.Features))
	}
	for _, f := range doc.Features {
		ring := f.Geometry.Coordinates[0]
		if ring[0] != ring[len(ring)-1] || len(ring) < 4 {
			t.Errorf("%s: ring %v", f.Properties["id"], ring)
		}
	}
}
