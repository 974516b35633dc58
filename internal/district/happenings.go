package district

import (
	"fmt"
	"slices"
	"time"
)

// HappeningKind is something that a device measures truly and that its rules must find.
type HappeningKind string

// The happenings, beside what incidents do to devices.
const (
	EBike     HappeningKind = "ebike"     // an e-bike in a lift
	Overspeed HappeningKind = "overspeed" // a lift runs faster than it may
	Leak      HappeningKind = "leak"      // water runs day and night
	NoUse     HappeningKind = "no_use"    // a home uses no water all day
)

// Happening is a stretch of time in which something happens at a device; the truth that rules are scored against.
type Happening struct {
	Device   string
	Kind     HappeningKind
	From, To time.Time
}

// happeningOf returns what happens at a lift on a day, if something does.
func happeningOf(dev Device, day int64) (Happening, bool) {
	r := dice(dev.seed, word("happening"), uint64(day))
	if dev.Kind != Lift || !chance(r, .04) {
		return Happening{}, false
	}
	h := Happening{Device: dev.ID, Kind: pick(r, []HappeningKind{EBike, EBike, EBike, Overspeed})}
	h.From = midnight(day).Add(time.Duration(7*3600+r.IntN(14*3600)) * time.Second).Truncate(dev.Interval)
	h.To = h.From.Add(max(2*dev.Interval, time.Duration(1+r.IntN(3))*time.Minute))
	return h, true
}

// apply bends the values of one tick of a lift.
func (h Happening) apply(dev Device, v []float64, at time.Time) {
	if at.Before(h.From) || !at.Before(h.To) {
		return
	}
	switch h.Kind {
	case EBike:
		v[4], v[6] = 1, 1
	case Overspeed:
		v[0] = ratedSpeed(dev.seed) * 1.3
	}
}

// litresLost is what a leaking meter loses a minute.
const litresLost = .2

// leaking tells whether a home's tap runs on a day: about one home in fifty for three days on end.
func leaking(s uint64, day int64) bool { return unit(mix(s, uint64(floorDiv(day, 3)), 45)) < .02 }

// lost is the cubic metres that a leak takes on a day.
func lost(s uint64, day int64) float64 {
	if !leaking(s, day) {
		return 0
	}
	return litresLost * 1440 / 1000
}

// Happenings returns what happens at the devices in a period, by device and time.
func (d *District) Happenings(from, to time.Time) []Happening {
	var out []Happening
	for _, dev := range d.devices {
		for day := dayOf(from) - 1; day <= dayOf(to); day++ {
			if h, ok := happeningOf(dev, day); ok && h.From.Before(to) && h.To.After(from) {
				out = append(out, h)
			}
			if dev.Kind != WaterMeter || !midnight(day).Before(to) || !midnight(day+1).After(from) {
				continue
			}
			switch {
			case leaking(dev.seed, day):
				out = append(out, Happening{dev.ID, Leak, midnight(day), midnight(day + 1)})
			case dayUse(dev.seed, day) == 0:
				out = append(out, Happening{dev.ID, NoUse, midnight(day), midnight(day + 1)})
			}
		}
	}
	return slices.Clip(out)
}

func ratedSpeed(s uint64) float64 { return []float64{1, 1.5, 1.75, 2.5}[s%4] }

// attrs are what the rules must know of a device. A few lifts are past their inspection.
func attrs(kind Kind, seed uint64) map[string]string {
	if kind != Lift {
		return nil
	}
	due := time.Unix(referenceUnix, 0).In(Shanghai).AddDate(0, 0, 318+int(seed%400))
	return map[string]string{"rated_speed": fmt.Sprint(ratedSpeed(seed)), "inspection_due": due.Format(time.DateOnly)}
}
