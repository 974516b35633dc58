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
	Offline   HappeningKind = "offline"   // a home's meter says nothing for hours
	Settling  HappeningKind = "settling"  // a protected building goes down
)

// Happening is a stretch of time in which something happens at a device; the truth that rules are scored against.
type Happening struct {
	Device   string
	Kind     HappeningKind
	From, To time.Time
}

// happeningOf returns what happens at a lift or a meter on a day, if something does.
func happeningOf(dev Device, day int64) (Happening, bool) {
	r := dice(dev.seed, word("happening"), uint64(day))
	if dev.Kind == WaterMeter && chance(r, .01) {
		from := midnight(day).Add(time.Duration(r.IntN(15*3600)) * time.Second).Truncate(dev.Interval)
		return Happening{dev.ID, Offline, from, from.Add(time.Duration(4+r.IntN(5)) * time.Hour)}, true
	}
	if dev.Kind != Lift || !chance(r, .04) {
		return Happening{}, false
	}
	h := Happening{Device: dev.ID, Kind: pick(r, []HappeningKind{EBike, EBike, EBike, Overspeed})}
	h.From = midnight(day).Add(time.Duration(7*3600+r.IntN(14*3600)) * time.Second).Truncate(dev.Interval)
	h.To = h.From.Add(max(2*dev.Interval, time.Duration(1+r.IntN(3))*time.Minute))
	return h, true
}

// apply bends the values of one tick; it reports false when the device is silent.
func (h Happening) apply(dev Device, v []float64, at time.Time) bool {
	if at.Before(h.From) || !at.Before(h.To) {
		return true
	}
	switch h.Kind {
	case Offline:
		return false
	case EBike:
		v[4], v[6] = 1, 1
	case Overspeed:
		v[0] = ratedSpeed(dev.seed) * 1.3
	}
	return true
}

// A protected building settles in one stretch of settlingCycle days out of six, for settlingDays by millimetresADay.
const (
	settlingCycle   = 120
	settlingDays    = 20
	millimetresADay = .2
)

// settlingFrom is the day on which a building begins to settle in a cycle, if it does. The first weeks are quiet, so that
// a detector can learn.
func settlingFrom(s uint64, cycle int64) (int64, bool) {
	day := cycle*settlingCycle + 40 + int64(mix(s, uint64(cycle), 46)%(settlingCycle-settlingDays-40))
	return day, cycle >= 0 && unit(mix(s, uint64(cycle), 47)) < 1./6
}

// settled is how far a building has gone down in such stretches until a moment, in millimetres.
func settled(s uint64, at time.Time) (sum float64) {
	days := float64(at.Unix()-referenceUnix) / 86400
	for cycle := int64(0); float64(cycle*settlingCycle) <= days; cycle++ {
		if from, ok := settlingFrom(s, cycle); ok {
			sum += millimetresADay * min(max(days-float64(from), 0), settlingDays)
		}
	}
	return sum
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

// settlings are the stretches in which a building settles that touch a period.
func settlings(dev Device, from, to time.Time) (out []Happening) {
	for cycle := floorDiv(dayOf(from), settlingCycle); cycle <= floorDiv(dayOf(to), settlingCycle); cycle++ {
		day, ok := settlingFrom(dev.seed, cycle)
		h := Happening{dev.ID, Settling, midnight(day), midnight(day + settlingDays)}
		if ok && h.From.Before(to) && h.To.After(from) {
			out = append(out, h)
		}
	}
	return out
}

// Happenings returns what happens at the devices in a period, by device and time.
func (d *District) Happenings(from, to time.Time) []Happening {
	var out []Happening
	for _, dev := range d.devices {
		if dev.Kind == HeritageBuilding {
			out = append(out, settlings(dev, from, to)...)
		}
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
