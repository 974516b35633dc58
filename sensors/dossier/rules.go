package dossier

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"plinth"
	"plinth/sensors"
)

// Figure is one of the three.
type Figure string

// The figures.
const (
	Archive  Figure = "archive"
	Accuracy Figure = "accuracy"
	Online   Figure = "online"
)

// figures are the three in their order.
var figures = []Figure{Archive, Accuracy, Online}

// ValidFigure tells whether f is one of the three.
func ValidFigure(f Figure) bool { return slices.Contains(figures, f) }

// Rule is what a device must keep. Of one name there is one Rule.
type Rule struct {
	Name   string // e.g. "missing_grid"
	Figure Figure
	Title  sensors.Text // of what is wrong
	Field  string       // of the device, as it is changed; "" when it is none
}

// Fault is a rule that a device breaks.
type Fault struct {
	Rule   *Rule
	Detail sensors.Text // what is on file, or found
}

var rules []*Rule

func rule(name string, f Figure, field, zh, en string) *Rule {
	r := &Rule{name, f, sensors.Text{ZH: zh, EN: en}, field}
	rules = append(rules, r)
	return r
}

// The rules. Which of the missing ones a device can break is its kind's to say, see onFile.
var (
	unregistered = rule("unregistered", Archive, "", "已上报数据但未登记", "Heard, but not registered")
	missing      = map[string]*Rule{}

	outside        = rule("outside_district", Accuracy, "position", "坐标在区外", "The position is outside the district")
	wrongStreet    = rule("wrong_street", Accuracy, "street", "坐标不在所登记的街镇", "The position lies in another street")
	wrongGrid      = rule("wrong_grid", Accuracy, "grid", "坐标不在所登记的网格", "The position lies in another grid")
	unknownGrid    = rule("unknown_grid", Accuracy, "grid", "网格不存在或不属于该街镇", "There is no such grid in the street")
	calibrationDue = rule("calibration_overdue", Accuracy, "calibration_due", "检定校准已过期", "The calibration is overdue")
	badCode        = rule("bad_code", Accuracy, "attrs."+sensors.CodeAttr, "国标编码不合规则", "The GB/T 28181 code is not well formed")
	codeTwice      = rule("code_twice", Accuracy, "attrs."+sensors.CodeAttr, "国标编码与其他设备重复", "Another device has the same GB/T 28181 code")
	twice          = rule("registered_twice", Accuracy, "", "疑似一机多档：同类同名同址", "Perhaps on file twice: kind, name and place are another's")

	silent    = rule("silent", Online, "", "统计期内无数据", "Nothing was heard in the period")
	irregular = rule("irregular", Online, "", "在线率低于 90%", "Online for less than 90 % of the period")
)

// enough is the share of the period below which a device is named. It is this service's own, not a standard's.
const enough = 0.9

// fields are what may be asked to be on file.
var fields = []struct {
	name, zh, en string
	has          func(*sensors.Device) bool
}{
	{"name", "名称", "name", func(d *sensors.Device) bool { return d.Name.ZH != "" || d.Name.EN != "" }},
	{"street", "街镇", "street", func(d *sensors.Device) bool { return d.Street != "" }},
	{"grid", "网格", "grid", func(d *sensors.Device) bool { return d.Grid != "" }},
	{"site", "点位", "site", func(d *sensors.Device) bool { return d.Site != "" }},
	{"position", "坐标", "position", (*sensors.Device).Placed},
	{"maker", "厂商", "maker", func(d *sensors.Device) bool { return d.Maker != "" }},
	{"model", "型号", "model", func(d *sensors.Device) bool { return d.Model != "" }},
	{"installed", "安装日期", "date of installation", func(d *sensors.Device) bool { return !d.Installed.IsZero() }},
	{"calibration_due", "检定有效期", "end of calibration", func(d *sensors.Device) bool { return !d.CalibrationDue.IsZero() }},
	{"attrs." + sensors.CodeAttr, "国标编码", "GB/T 28181 code", func(d *sensors.Device) bool { return d.Attrs[sensors.CodeAttr] != "" }},
}

// everyKind is what every device has on file.
var everyKind = []string{"name", "street", "grid", "site", "position"}

func init() {
	for _, f := range fields {
		name := f.name[strings.LastIndex(f.name, ".")+1:]
		missing[f.name] = rule("missing_"+name, Archive, f.name, "缺少"+f.zh, "There is no "+f.en)
	}
}

// stranger is what is found of a device that is not registered.
func stranger(s Stranger) Item {
	return Item{ID: s.ID, Kind: s.Kind, Faults: []Fault{{Rule: unregistered}}}
}

// inspector looks at devices, one beside the others.
type inspector struct {
	areas  Areas
	now    time.Time
	codes  map[string]int
	places map[place]int
}

// place is what two files of one device have in common; a cell is about a metre wide.
type place struct {
	kind, name string
	x, y       int
}

func placeOf(d *sensors.Device) place {
	const cells = 1e5 // in a degree
	return place{d.Kind, d.Name.ZH + "\x00" + d.Name.EN, int(math.Round(d.Longitude * cells)), int(math.Round(d.Latitude * cells))}
}

func newInspector(all []*sensors.Device, areas Areas, now time.Time) *inspector {
	in := &inspector{areas, now, map[string]int{}, map[place]int{}}
	for _, d := range all {
		if d.Life == sensors.Retired {
			continue
		}
		if code := d.Attrs[sensors.CodeAttr]; code != "" {
			in.codes[code]++
		}
		if d.Placed() {
			in.places[placeOf(d)]++
		}
	}
	return in
}

// device inspects d, which reported for so long since from.
func (in *inspector) device(d *sensors.Device, from time.Time, reported time.Duration) Item {
	i := Item{ID: d.ID, Kind: d.Kind, Device: d, owner: string(d.Owner), street: d.Street, InUse: d.InUse()}
	i.Faults = append(onFile(d), in.wrong(d)...)
	if !i.InUse {
		return i
	}
	if d.Registered.After(from) {
		from = d.Registered
	}
	if expected := in.now.Sub(from); expected >= d.Interval {
		i.Online = min(1, reported.Seconds()/expected.Seconds())
	} else {
		i.InUse = false // it was not to report yet
		return i
	}
	detail := sensors.Text{ZH: fmt.Sprintf("%.1f%%", 100*i.Online), EN: fmt.Sprintf("%.1f %%", 100*i.Online)}
	switch {
	case i.Online == 0:
		i.Faults = append(i.Faults, Fault{Rule: silent})
	case i.Online < enough:
		i.Faults = append(i.Faults, Fault{irregular, detail})
	}
	return i
}

// onFile tells what is not on file.
func onFile(d *sensors.Device) (out []Fault) {
	asked := d.OnFile()
	for _, f := range fields {
		if (slices.Contains(everyKind, f.name) || slices.Contains(asked, f.name)) && !f.has(d) {
			out = append(out, Fault{Rule: missing[f.name]})
		}
	}
	return out
}

// wrong tells what is on file and is not so. What is not on file is not wrong.
func (in *inspector) wrong(d *sensors.Device) (out []Fault) {
	out = in.misplaced(d)
	if !d.CalibrationDue.IsZero() && d.CalibrationDue.Before(in.now) {
		day := d.CalibrationDue.Format(time.DateOnly)
		out = append(out, Fault{calibrationDue, sensors.Text{ZH: day, EN: day}})
	}
	if code := d.Attrs[sensors.CodeAttr]; code != "" {
		if _, err := sensors.ParseCode(code); err != nil {
			out = append(out, Fault{badCode, sensors.Text{ZH: code, EN: code}})
		}
		if in.codes[code] > 1 {
			out = append(out, Fault{codeTwice, sensors.Text{ZH: code, EN: code}})
		}
	}
	if d.Placed() && in.places[placeOf(d)] > 1 {
		out = append(out, Fault{Rule: twice})
	}
	return out
}

// misplaced compares d's position with its street and grid.
func (in *inspector) misplaced(d *sensors.Device) (out []Fault) {
	if d.Grid != "" {
		if street, ok := in.areas.StreetOf(d.Grid); !ok || d.Street != "" && street != d.Street {
			out = append(out, Fault{unknownGrid, sensors.Text{ZH: d.Grid, EN: d.Grid}})
		}
	}
	if !d.Placed() {
		return out
	}
	found := in.around(d)
	same := func(want, got string) bool { return want == "" || want == got }
	switch {
	case len(found) == 0:
		at := fmt.Sprintf("%.5f, %.5f", d.Longitude, d.Latitude)
		out = append(out, Fault{outside, sensors.Text{ZH: at, EN: at}})
	case !slices.ContainsFunc(found, func(a area) bool { return same(d.Street, a.street) }):
		out = append(out, Fault{wrongStreet, sensors.Text{ZH: found[0].street, EN: found[0].street}})
	case !slices.ContainsFunc(found, func(a area) bool { return same(d.Street, a.street) && same(d.Grid, a.grid) }):
		out = append(out, Fault{wrongGrid, sensors.Text{ZH: found[0].grid, EN: found[0].grid}})
	}
	return out
}

type area struct{ street, grid string }

// around are the areas within 30 m of d, so that a device at an edge is not called misplaced for a few metres.
func (in *inspector) around(d *sensors.Device) (out []area) {
	const metre = 1.0 / 111_320 // degrees of latitude
	east := 30 * metre / math.Max(0.01, math.Cos(d.Latitude*math.Pi/180))
	for _, s := range [][2]float64{{0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}, {.7, .7}, {.7, -.7}, {-.7, .7}, {-.7, -.7}} {
		street, grid, ok := in.areas.At(d.Longitude+s[0]*east, d.Latitude+s[1]*30*metre)
		if a := (area{street, grid}); ok && !slices.Contains(out, a) {
			out = append(out, a)
		}
		if ok && street == d.Street && grid == d.Grid {
			break
		}
	}
	return out
}

// Line is one fault of one device.
type Line struct {
	*Item
	Fault
}

// Narrow says which faults are asked for; empty fields let all through.
type Narrow struct {
	Filter
	Figure       Figure
	Rule         string
	Unregistered bool // only strangers
}

// Validate tells what is wrong with n.
func (n Narrow) Validate() error {
	if n.Figure != "" && !ValidFigure(n.Figure) {
		return plinth.Invalid("figure", "is one of %v", figures)
	}
	if n.Rule != "" && !slices.ContainsFunc(rules, func(r *Rule) bool { return r.Name == n.Rule }) {
		return plinth.Invalid("rule", "there is no rule %.64q", n.Rule)
	}
	return nil
}

// Lines are the faults that pass, in order of devices and rules.
func (s *Survey) Lines(n Narrow) (out []Line) {
	for k := range s.Items {
		i := &s.Items[k]
		if !n.Match(i) || n.Unregistered && i.Device != nil {
			continue
		}
		for _, f := range i.Faults {
			if (n.Figure == "" || n.Figure == f.Rule.Figure) && (n.Rule == "" || n.Rule == f.Rule.Name) {
				out = append(out, Line{i, f})
			}
		}
	}
	return out
}

// Order is the place of a rule among all, for lists that are the same every time.
func Order(r *Rule) int { return slices.Index(rules, r) }
