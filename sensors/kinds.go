package sensors

// Kinds are the scenario kinds that ship with the service, with the metrics a device has when none are given. Limits
// are what a sound instrument can show, not what the law allows.
var Kinds = map[string][]Metric{
	"lift": {
		{Name: "speed", Title: Text{"运行速度", "Speed"}, Unit: "m/s", Min: 0, Max: 4, MaxRate: 3},
		{Name: "door_cycles", Title: Text{"开关门次数", "Door cycles"}, Unit: "{count}", Min: 0, Max: 60},
		{Name: "vibration", Title: Text{"振动加速度", "Vibration"}, Unit: "m/s2", Min: 0, Max: 5, StuckAfter: 120},
		{Name: "floor", Title: Text{"所在楼层", "Floor"}, Unit: "{floor}", Min: -3, Max: 60, MaxRate: 2},
	},
	"water_meter": {
		{Name: "flow", Title: Text{"瞬时流量", "Flow"}, Unit: "L/min", Min: 0, Max: 60},
		{Name: "total", Title: Text{"累计用量", "Total"}, Unit: "m3", Min: 0, Max: 99999, MaxRate: 0.01},
	},
	"water_quality": {
		{Name: "ph", Title: Text{"酸碱度", "pH"}, Unit: "[pH]", Min: 0, Max: 14, MaxRate: 0.1, StuckAfter: 60},
		{Name: "do", Title: Text{"溶解氧", "Dissolved oxygen"}, Unit: "mg/L", Min: 0, Max: 20, MaxRate: 0.2, StuckAfter: 60},
		{Name: "nh3n", Title: Text{"氨氮", "Ammonia nitrogen"}, Unit: "mg/L", Min: 0, Max: 30, StuckAfter: 60},
		{Name: "tp", Title: Text{"总磷", "Total phosphorus"}, Unit: "mg/L", Min: 0, Max: 5, StuckAfter: 120},
	},
	"heritage_building": {
		{Name: "tilt", Title: Text{"倾斜", "Tilt"}, Unit: "mm/m", Min: -20, Max: 20, MaxRate: 0.5},
		{Name: "settlement", Title: Text{"沉降", "Settlement"}, Unit: "mm", Min: -100, Max: 100, MaxRate: 0.5},
		{Name: "crack", Title: Text{"裂缝宽度", "Crack width"}, Unit: "mm", Min: 0, Max: 30, MaxRate: 0.5},
		{Name: "vibration", Title: Text{"振动速度", "Vibration"}, Unit: "mm/s", Min: 0, Max: 50},
	},
	"construction_noise": {
		{Name: "leq", Title: Text{"等效声级", "Equivalent level"}, Unit: "dB(A)", Min: 20, Max: 130, StuckAfter: 30},
	},
}

// fromKind completes a device's metrics by what is known of its kind: all of them when it gave none, and the rate and
// the run that its own do not state.
func fromKind(d *Device) {
	if len(d.Metrics) == 0 {
		d.Metrics = append(d.Metrics, Kinds[d.Kind]...)
		return
	}
	kind := Device{Metrics: Kinds[d.Kind]}
	for i := range d.Metrics {
		m := &d.Metrics[i]
		known, ok := kind.Metric(m.Name)
		if !ok || known.Unit != m.Unit {
			continue
		}
		if m.MaxRate == 0 {
			m.MaxRate = known.MaxRate
		}
		if m.StuckAfter == 0 {
			m.StuckAfter = known.StuckAfter
		}
	}
}
