package district

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Kind is a scenario of devices.
type Kind string

// The five kinds.
const (
	Lift              Kind = "lift"
	WaterMeter        Kind = "water_meter"
	WaterQuality      Kind = "water_quality"
	HeritageBuilding  Kind = "heritage_building"
	ConstructionNoise Kind = "construction_noise"
)

// Metric is one quantity that a device reports. Min and Max bound what a working sensor of this type can say.
type Metric struct {
	Name   string
	Title  string
	En     string
	Unit   string // UCUM
	Min    float64
	Max    float64
	digits int
}

// Device is a sensor at a place.
type Device struct {
	ID       string
	Kind     Kind
	Name     string
	NameEn   string
	Owner    string // the bureau that answers for it
	Street   string
	Grid     string
	Site     string // the place's id
	SiteName string
	Address  string
	At       Point
	Metrics  []Metric
	Interval time.Duration
	Attrs    map[string]string // what rules must know of it, e.g. a lift's rated speed
	seed     uint64
}

// Topic is where the device publishes.
func (d Device) Topic() string { return fmt.Sprintf("plinth/v1/%s/%s/data", d.Kind, d.ID) }

type kindPlan struct {
	kind     Kind
	share    float64 // of all devices
	places   PlaceKind
	owner    string
	name, en string
	interval time.Duration
	metrics  []Metric
}

// kindPlans are the five kinds. Owners follow the responsibility list: lifts by market supervision, elderly water by
// civil affairs, creeks by ecology, heritage by housing, construction sites by construction.
var kindPlans = []kindPlan{
	{Lift, .30, Community, "market", "电梯", "Lift", 10 * time.Second, []Metric{
		{"speed", "运行速度", "Speed", "m/s", 0, 4, 2},
		{"door_cycles", "开关门次数", "Door cycles", "{count}", 0, 60, 0},
		{"vibration", "振动加速度", "Vibration", "m/s2", 0, 5, 3},
		{"floor", "所在楼层", "Floor", "{floor}", -3, 60, 0},
		{"presence", "轿厢有人", "Someone inside", "1", 0, 1, 0},
		{"door_open", "轿门开启", "Door open", "1", 0, 1, 0},
		{"ebike", "识别到电动自行车", "E-bike seen", "1", 0, 1, 0}}},
	{WaterMeter, .34, Community, "civil", "独居老人水表", "Elderly home water meter", 60 * time.Second, []Metric{
		{"flow", "瞬时流量", "Flow", "L/min", 0, 60, 2},
		{"total", "累计用量", "Total", "m3", 0, 99999, 4}}},
	{WaterQuality, .10, Creek, "ecology", "水质监测点", "Water quality station", 60 * time.Second, []Metric{
		{"ph", "酸碱度", "pH", "[pH]", 0, 14, 2},
		{"do", "溶解氧", "Dissolved oxygen", "mg/L", 0, 20, 2},
		{"nh3n", "氨氮", "Ammonia nitrogen", "mg/L", 0, 30, 3},
		{"tp", "总磷", "Total phosphorus", "mg/L", 0, 5, 3}}},
	{HeritageBuilding, .10, Heritage, "housing", "历史建筑监测点", "Heritage building monitor", 60 * time.Second, []Metric{
		{"tilt", "倾斜", "Tilt", "mm/m", -20, 20, 3},
		{"settlement", "沉降", "Settlement", "mm", -100, 100, 2},
		{"crack", "裂缝宽度", "Crack width", "mm", 0, 30, 3},
		{"vibration", "振动速度", "Vibration", "mm/s", 0, 50, 3},
		{"temperature", "气温", "Temperature", "Cel", -30, 60, 1}}},
	{ConstructionNoise, .16, Construction, "construction", "工地噪声", "Construction noise monitor", 10 * time.Second, []Metric{
		{"leq", "等效声级", "Equivalent level", "dB(A)", 20, 130, 1},
		{"peak", "最大声级", "Highest level", "dB(A)", 20, 140, 1}}},
}

// installDevices puts devices at places of their kind in turn, so that every street gets its part. Each kind has at
// least one when there are five or more devices.
func (d *District) installDevices() []Device {
	var out []Device
	for i, n := range shares(d.cfg.Devices) {
		plan := kindPlans[i]
		order := dice(d.cfg.Seed, word("install"), word(string(plan.kind))).Perm(len(d.ofKind[plan.places]))
		for k := range n {
			place := d.places[d.ofKind[plan.places][order[k%len(order)]]]
			out = append(out, d.install(plan, k+1, place))
		}
	}
	return out
}

// shares divides n devices over the kinds by largest remainder.
func shares(n int) []int {
	out, used := make([]int, len(kindPlans)), 0
	for i, p := range kindPlans {
		out[i] = int(math.Floor(float64(n) * p.share))
		used += out[i]
	}
	for i := 0; used < n; i = (i + 1) % len(out) {
		out[i]++
		used++
	}
	return out
}

func (d *District) install(plan kindPlan, n int, at Place) Device {
	id := fmt.Sprintf("%s-%04d", dashed(plan.kind), n)
	seed := mix(d.cfg.Seed, word(id))
	interval := cmp.Or(d.cfg.Interval, plan.interval)
	return Device{
		ID: id, Kind: plan.kind, Owner: plan.owner,
		Name:   fmt.Sprintf("%s%s%d号", at.Name, plan.name, n),
		NameEn: fmt.Sprintf("%s %d", plan.en, n),
		Street: at.Street, Grid: at.Grid, Site: at.ID, SiteName: at.Name, Address: at.Address(),
		At: at.At.Shift(20*bell(mix(seed, 1)), 20*bell(mix(seed, 2))), Metrics: plan.metrics, Interval: interval,
		Attrs: attrs(plan.kind, seed), seed: seed,
	}
}

// dashed is the kind as it stands in device ids; topics keep the underscore.
func dashed(k Kind) string {
	switch k {
	case WaterMeter:
		return "meter"
	case WaterQuality:
		return "water"
	case HeritageBuilding:
		return "heritage"
	case ConstructionNoise:
		return "noise"
	default:
		return string(k)
	}
}
