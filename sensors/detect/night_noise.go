package detect

import (
	"math"
	"strconv"
	"time"

	"plinth"
	"plinth/sensors"
)

// NightNoise judges the noise of a building site (GB 12523-2011: 70 dB(A) by day and 55 dB(A) from 22:00 to 06:00;
// at night no peak by more than 15 dB above the limit): it alarms when the equivalent level of the last Window is
// above the limit of the hour, Shanghai time, and at once at a peak. The metric is a level in dB(A). Whether the site has
// a permit for the night is for the alarm's rule to ask.
//
// Samples flagged as spikes are not looked at. What it cannot see: where the noise comes from, and what the background adds: the standard measures at the boundary of
// the site and corrects for the background.
type NightNoise struct {
	Day    float64       `yaml:"day"`    // dB(A); default 70
	Night  float64       `yaml:"night"`  // dB(A); default 55
	Peak   float64       `yaml:"peak"`   // dB above the limit of the night; default 15
	Window time.Duration `yaml:"window"` // default 10m
	// Cover is the share of the window that samples must cover; default 0.8.
	Cover      float64 `yaml:"cover"`
	DayGrade   Grade   `yaml:"day_grade"`   // default notice
	NightGrade Grade   `yaml:"night_grade"` // default warning
}

// Validate refuses numbers without meaning.
func (p *NightNoise) Validate() error {
	switch {
	case !(p.Day >= 0 && p.Day <= 200):
		return plinth.Invalid("day", "the limit is 0 to 200 dB(A)")
	case !(p.Night >= 0 && p.Night <= 200):
		return plinth.Invalid("night", "the limit is 0 to 200 dB(A)")
	case !(p.Peak >= 0 && p.Peak <= 100):
		return plinth.Invalid("peak", "the peak is 0 to 100 dB")
	case p.Window < 0 || p.Window > 0 && p.Window < time.Minute || p.Window > time.Hour:
		return plinth.Invalid("window", "the window is 1 min to 1 h")
	case !(p.Cover >= 0 && p.Cover <= 1):
		return plinth.Invalid("cover", "the share is 0 to 1")
	}
	return nil
}

// Lookback is the window and the hour around it.
func (p *NightNoise) Lookback() time.Duration { return or(p.Window, 10*time.Minute) + time.Hour }

// New makes a detector for one level.
func (p *NightNoise) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 1, 1); err != nil {
		return nil, err
	}
	n := &nightNoise{p: *p, metrics: metrics, interval: d.Interval.Milliseconds()}
	n.p.Day, n.p.Night, n.p.Peak = orNumber(p.Day, 70), orNumber(p.Night, 55), orNumber(p.Peak, 15)
	n.p.Window, n.p.Cover = or(p.Window, 10*time.Minute), orNumber(p.Cover, 0.8)
	n.p.DayGrade, n.p.NightGrade = orGrade(p.DayGrade, Notice), orGrade(p.NightGrade, Warning)
	return n, nil
}

type nightNoise struct {
	p        NightNoise
	metrics  []string
	interval int64
	s        nightNoiseState
}

// noiseBins divide the window.
const noiseBins = 20

type nightNoiseState struct {
	latch
	Last   int64
	Night  bool
	Bin    int64
	Energy [noiseBins]float64 // sum of 10^(L/10) times milliseconds
	Time   [noiseBins]float64 // milliseconds that samples cover
}

func (n *nightNoise) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&(Doubtful|sensors.Spike) != 0 || at < n.s.Last {
		return Verdict{}, false // one wild value would be the whole window's energy
	}
	limit, g, night := n.limit(s.At)
	if night != n.s.Night {
		n.s.Night, n.s.Time, n.s.Energy = night, [noiseBins]float64{}, [noiseBins]float64{} // the day's noise is not the night's
	}
	n.s.keep(s)
	n.add(s.Value, at)
	leq, covered := n.level()
	up, reason, value := None, "leq", leq
	if covered >= n.p.Cover && leq > limit {
		up = g
	}
	if night && s.Value > limit+n.p.Peak {
		up, reason, value = g, "peak", s.Value
	}
	before := n.s.Told
	if !n.s.step(at, up, up, 0, 0) {
		return Verdict{}, false
	}
	if before == None && reason == "leq" {
		n.s.Since = at - n.p.Window.Milliseconds()
	}
	return n.s.verdict(at, value-limit, n.metrics, map[string]string{"metric": n.metrics[0], "reason": reason,
		"value": number(math.Round(value*10) / 10), "limit": number(limit), "unit": "dB(A)", "night": strconv.FormatBool(night)}), true
}

// add gives the time since the last sample, at most two intervals, the level of this one.
func (n *nightNoise) add(level float64, at int64) {
	width := n.p.Window.Milliseconds() / noiseBins
	bin := at / width
	for k := min(bin-n.s.Bin, noiseBins); k > 0; k-- {
		i := (bin - k + 1) % noiseBins
		n.s.Energy[i], n.s.Time[i] = 0, 0
	}
	n.s.Bin = bin
	span := float64(min(at-n.s.Last, 2*n.interval))
	if n.s.Last == 0 {
		span = float64(n.interval)
	}
	n.s.Last = at
	n.s.Energy[bin%noiseBins] += math.Pow(10, level/10) * span
	n.s.Time[bin%noiseBins] += span
}

// level is the equivalent level of the window and the share of it that samples cover.
func (n *nightNoise) level() (leq, covered float64) {
	var energy, time float64
	for i := range n.s.Energy {
		energy, time = energy+n.s.Energy[i], time+n.s.Time[i]
	}
	if time == 0 {
		return 0, 0
	}
	return 10 * math.Log10(energy/time), time / float64(n.p.Window.Milliseconds())
}

func (n *nightNoise) limit(at time.Time) (limit float64, g Grade, night bool) {
	if h := at.In(shanghai).Hour(); h >= 22 || h < 6 {
		return n.p.Night, n.p.NightGrade, true
	}
	return n.p.Day, n.p.DayGrade, false
}

// Tick changes nothing: samples decide.
func (n *nightNoise) Tick(time.Time) (Verdict, bool) { return Verdict{}, false }

func (n *nightNoise) AppendState(b []byte) []byte { return appendState(b, "night_noise", &n.s) }
func (n *nightNoise) SetState(b []byte) error     { return setState(b, "night_noise", &n.s) }
