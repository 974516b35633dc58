package district

import (
	"math"
	"time"
)

// sample is what a device would truly measure at a tick, in the order of its metrics, before any fault. It depends on
// the device's seed and the tick alone, so that any stretch of time can be replayed.
func (d *District) sample(dev Device, tick int64, at time.Time, w *water) []float64 {
	s := dev.seed
	local := at.In(Shanghai)
	hour := float64(local.Hour()) + float64(local.Minute())/60
	switch dev.Kind {
	case Lift:
		return liftSample(s, tick, hour)
	case WaterMeter:
		return w.at(s, tick, dev.Interval)
	case WaterQuality:
		return creekSample(s, at, hour)
	case HeritageBuilding:
		return heritageSample(s, at, hour)
	default:
		return noiseSample(s, at, tick, hour)
	}
}

// minutes counts minutes since 1970: the time base of slow signals, whatever the device's interval.
func minutes(at time.Time) int64 { return at.Unix() / 60 }

// busy is how much a dwelling house moves at an hour: two peaks, quiet nights.
func busy(hour float64) float64 {
	peak := func(at, width float64) float64 { return math.Exp(-(hour - at) * (hour - at) / (2 * width * width)) }
	return min(1, .04+.8*peak(7.8, 1.1)+.45*peak(12.2, 1.4)+.9*peak(18.6, 1.8)+.2*peak(21, 1.5))
}

func liftSample(s uint64, tick int64, hour float64) []float64 {
	floors := 6 + float64(s%15)
	rated := ratedSpeed(s)
	noise := bell(mix(s, uint64(tick), 3))
	floor := 1 + math.Floor(unit(mix(s, uint64(tick), 1))*floors)
	if unit(mix(s, uint64(tick), 2)) > busy(hour)*.6 {
		// At rest it stays on the floor where the last ten-minute stretch left it.
		floor = 1 + math.Floor(unit(mix(s, uint64(tick/60), 4))*floors)
		return []float64{0, 0, max(0, .012+.003*noise), floor, 0, 0, 0}
	}
	speed := rated * (.7 + .3*unit(mix(s, uint64(tick), 5)))
	doors := math.Floor(unit(mix(s, uint64(tick), 6)) * 3)
	return []float64{speed, doors, max(0, .11*rated+.02*noise), floor, 1, 0, 0}
}

// creekSample: oxygen follows light, so it peaks in the afternoon; ammonia falls when oxygen is high.
func creekSample(s uint64, at time.Time, hour float64) []float64 {
	m := minutes(at)
	light := math.Sin((hour - 9) / 24 * 2 * math.Pi)
	slow := wander(mix(s, 11), m, 720)
	fine := func(n uint64) float64 { return bell(mix(s, uint64(m), n)) }
	return []float64{
		7.35 + .15*light + .12*slow + .02*fine(1),
		6.4 + float64(s%10)/8 + .9*light + .5*slow + .06*fine(2),
		max(.02, .55+float64(s%7)/20-.1*light-.12*slow+.015*fine(3)),
		max(.01, .13+float64(s%5)/90+.02*wander(mix(s, 12), m, 1440)+.003*fine(4)),
	}
}

// heritageSample: settlement creeps by a millimetre or two a year, tilt and crack breathe with the day's temperature.
func heritageSample(s uint64, at time.Time, hour float64) []float64 {
	m := minutes(at)
	warm := math.Sin((hour-9)/24*2*math.Pi) + .6*wander(mix(s, 21), m, 2880)
	years := float64(at.Unix()-referenceUnix) / (365 * 86400)
	fine := func(n uint64) float64 { return bell(mix(s, uint64(m), n)) }
	traffic := .05 + .25*busy(hour)
	return []float64{
		.4 + float64(s%30)/20 + .03*warm + .004*fine(1),
		-2 - float64(s%40)/10 - (.8+float64(s%12)/10)*years + .02*fine(2) - settled(s, at),
		.25 + float64(s%20)/20 + .012*warm + .02*years + .002*fine(3),
		max(.005, traffic+.04*fine(4)),
		14 + 6*warm + .1*fine(5),
	}
}

// noiseSample: a site works from 7 to 19 with a pause at noon; at night it hears the city.
func noiseSample(s uint64, at time.Time, tick int64, hour float64) []float64 {
	level := 47 + 5*busy(hour)
	if working := hour >= 7 && hour < 19 && !(hour >= 11.5 && hour < 12.6); working {
		level = 62 + float64(s%6) + 2.5*wander(mix(s, 31), minutes(at), 30)
	}
	leq := level + 1.3*bell(mix(s, uint64(tick), 32))
	return []float64{leq, leq + 4 + 3*unit(mix(s, uint64(tick), 33))}
}

// referenceUnix is when slow drifts and meter totals began: 2026-01-01 in Shanghai.
var referenceUnix = time.Date(2026, 1, 1, 0, 0, 0, 0, Shanghai).Unix()

// water keeps a meter's day: flow and total of one day agree, and so do days with each other.
type water struct {
	day    int64 // days since the reference
	before float64
	flow   []float64 // L/min at each tick of the day
	total  []float64 // m3 since the meter was fitted, at the end of each tick
}

func (w *water) at(s uint64, tick int64, interval time.Duration) []float64 {
	second := tick * int64(interval) / int64(time.Second)
	day := floorDiv(second-referenceUnix, 86400)
	if w.flow == nil || w.day != day {
		w.fill(s, day, interval)
	}
	i := int(int64(second-referenceUnix-day*86400) * int64(time.Second) / int64(interval))
	i = min(i, len(w.flow)-1)
	return []float64{w.flow[i], w.total[i]}
}

// dayUse is the cubic metres that a home uses on a day: 60 to 200 litres, some days away.
func dayUse(s uint64, day int64) float64 {
	if unit(mix(s, uint64(day), 41)) < .03 {
		return 0
	}
	return (.06 + .14*unit(mix(s, 42))) * (.7 + .6*unit(mix(s, uint64(day), 43)))
}

func (w *water) fill(s uint64, day int64, interval time.Duration) {
	if w.flow != nil && day == w.day+1 {
		w.before += dayUse(s, w.day) + lost(s, w.day)
	} else {
		w.before = 20 + float64(s%200)
		for k := int64(0); k < day; k++ {
			w.before += dayUse(s, k) + lost(s, k)
		}
	}
	n := int(24 * time.Hour / interval)
	w.day, w.flow, w.total = day, make([]float64, n), make([]float64, n)
	var sum float64
	for i := range w.flow {
		hour := float64(i) * interval.Hours()
		// Draws come in bursts of about three minutes.
		burst := mix(s, uint64(day), uint64(hour*20), 44)
		if unit(burst) < busy(hour)*.35 {
			w.flow[i] = .5 + 8*unit(mix(burst, 1))
		}
		sum += w.flow[i] * interval.Minutes()
	}
	use, run := dayUse(s, day), w.before
	for i := range w.flow {
		if sum > 0 {
			w.flow[i] *= use * 1000 / sum
		}
		if leaking(s, day) {
			w.flow[i] += litresLost
		}
		run += w.flow[i] * interval.Minutes() / 1000
		w.total[i] = run
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
