package detect

import (
	"math"
	"time"

	"plinth"
	"plinth/sensors"
)

// WaterUse tells that an elderly person living alone has not used water for worryingly long: when the evidence that they
// came to harm reaches Draws, or after Most, whichever is first. The evidence is the Shiryaev–Roberts statistic, which is
// the quickest for its false alarms when harm may come at any hour: each moment since the last draw may have been that of
// the harm, and counts by the draws that were to be expected since, so that a long night counts before a quiet morning.
//
// Draws are expected by a rate per hour of the day of a Poisson process, −ln of the share of days without a draw in that
// hour and, less, its neighbours: the peers' share with the weight of Peer days, and the home's own days, which fade with
// a half-life of 60 days, so that it works from day one and becomes personal; an hour in which the home is often empty
// expects less than its mean. Fixed rules are 12 h below 0.01 m³ (Shanghai Jiangsu Road, Shenzhen Longgang) and 24 h
// (Taicang); see BenchmarkWater for them side by side.
//
// The alarm is over at the next draw. While the meter is silent nothing is decided: a total that has grown when it comes
// back is use, one that has not is none; a flow counts from its return. That the meter is silent is told by "offline".
// Who is away is told by Away; visits and hospital stays the meter cannot see. Nor can it see who runs the water: a dripping
// tap below Small is no use, a guest is.
type WaterUse struct {
	Draws float64       `yaml:"draws"` // evidence, in draws expected since a harm an hour long ago; default 9.7
	Most  time.Duration `yaml:"most"`  // default 24h
	Small float64       `yaml:"small"` // m³ that a draw has at least, between two samples; default 0.0005
	// Peer is how many days of the home the peers' profile weighs; default 5.
	Peer float64 `yaml:"peer"`
	// Profile is the peers' draws per hour, from midnight in Shanghai, 24 numbers; default: of the simulated homes.
	Profile []float64 `yaml:"profile"`
	Grade   Grade     `yaml:"grade"` // default warning
}

// The peers' profile is that of an elderly person at home: two draws an hour when up, few at night.
var peerProfile = [24]float64{0.15, 0.12, 0.12, 0.12, 0.2, 0.5, 1.1, 1.4, 1.2, 0.9, 0.9, 1.2, 1.2, 0.7, 0.6, 0.7, 0.9, 1.3, 1.4, 1.1, 0.9, 0.7, 0.4, 0.25}

// Validate refuses numbers without meaning.
func (p *WaterUse) Validate() error {
	switch {
	case !(p.Draws >= 0 && p.Draws <= 1000):
		return plinth.Invalid("draws", "the evidence is 0 to 1000 draws")
	case p.Most < 0 || p.Most > 7*24*time.Hour:
		return plinth.Invalid("most", "the longest time is 0 to 7 days")
	case !(p.Small >= 0 && p.Small <= 1):
		return plinth.Invalid("small", "the least draw is 0 to 1 m³")
	case !(p.Peer >= 0 && p.Peer <= 1000):
		return plinth.Invalid("peer", "the peers weigh 0 to 1000 days")
	case len(p.Profile) != 0 && len(p.Profile) != 24:
		return plinth.Invalid("profile", "the profile has 24 hours, here are %d", len(p.Profile))
	}
	for _, rate := range p.Profile {
		if !(rate > 0 && rate <= 1000) {
			return plinth.Invalid("profile", "an hour has more than 0 and at most 1000 draws")
		}
	}
	return nil
}

// Lookback is zero: it learns for ever.
func (p *WaterUse) Lookback() time.Duration { return 0 }

// New makes a detector for one meter, a total or a flow.
func (p *WaterUse) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 1, 1); err != nil {
		return nil, err
	}
	m, err := newMeter(d, metrics[0])
	if err != nil {
		return nil, err
	}
	w := &waterUse{p: *p, metrics: metrics, meter: m, silence: 5 * d.Interval.Milliseconds(), peers: peerProfile}
	w.p.Draws, w.p.Most, w.p.Small = orNumber(p.Draws, 9.7), or(p.Most, 24*time.Hour), orNumber(p.Small, 0.0005)
	w.p.Peer, w.p.Grade = orNumber(p.Peer, 5), orGrade(p.Grade, Warning)
	copy(w.peers[:], p.Profile)
	return w, nil
}

// Absence is a detector that can be told that nobody is at home.
type Absence interface {
	// Away says that nobody is there from one moment to another: nothing is expected and nothing learnt. It ends at the
	// first draw within. The newest such word replaces the one before.
	Away(from, to time.Time)
}

var _ Absence = (*waterUse)(nil)

type waterUse struct {
	p       WaterUse
	metrics []string
	meter   meter
	silence int64
	peers   [24]float64
	s       waterUseState
}

type waterUseState struct {
	latch
	Meter          meterState
	Draw           int64   // the last draw
	Small          float64 // m³ since, in draws too small to count
	Odds           float64 // of harm since the last draw to none, in hours: the Shiryaev–Roberts statistic
	Until          int64   // to where Odds reach
	Idle           int64   // milliseconds counted since the last draw
	AwayFrom, Away int64
	Hours          [24]hourState
}

// hourState is an hour of the day: in how many of how many days there was a draw, faded.
type hourState struct{ Draws, Days float64 }

const (
	hour     = 3600 * 1000
	halfLife = 60 // days
	// together is the share of the expected draws that is evidence: the draws of a day come and fail together.
	together = 0.7
)

func (w *waterUse) Observe(s Sample) (Verdict, bool) {
	at := millis(s.At)
	if s.Flags&Doubtful != 0 || at < w.s.Meter.Last {
		return Verdict{}, false
	}
	w.s.keep(s)
	last := w.s.Meter.Last
	v := w.meter.volume(&w.s.Meter, at, s.Value)
	switch {
	case last == 0:
		w.s.Draw, w.s.Until = at, at
		return Verdict{}, false
	case w.used(v):
		return w.draw(last, at)
	case at-last > w.silence && w.meter.flow:
		w.s.Until = at // the silence is no time without use
	}
	w.pass(at)
	return w.decide(at)
}

// used tells whether this volume, or with what dripped since, is a draw.
func (w *waterUse) used(v float64) bool {
	if v >= w.p.Small {
		return true
	}
	const volume = 0.01 // m³ of the fixed rules: so much in small draws is use as well
	w.s.Small += v
	return w.s.Small >= volume
}

// draw begins anew after a draw between two samples; it is learnt when it is known when it was.
func (w *waterUse) draw(last, at int64) (Verdict, bool) {
	w.pass(at)
	if known := at-last <= w.silence; known && (at-1)/hour != (w.s.Draw-1)/hour {
		w.s.Hours[hourOf(at-1)].Draws++
	}
	w.s.Draw, w.s.Small, w.s.Odds, w.s.Idle = at, 0, 0, 0
	if last >= w.s.AwayFrom { // before, it may be a draw of someone about to leave
		w.s.AwayFrom, w.s.Away = 0, 0
	}
	return w.decide(at)
}

func hourOf(at int64) int64 { return (at/hour + 8) % 24 } // of Shanghai

// pass lets time go by to at, hour by hour: the evidence grows, and the hours learn that they have been.
func (w *waterUse) pass(at int64) {
	if at-w.s.Until > 48*hour {
		w.s.Until = at - 48*hour // enough for any verdict
	}
	for w.s.Until < at {
		end := min((w.s.Until/hour+1)*hour, at)
		if !w.away(w.s.Until) {
			share := float64(end-w.s.Until) / hour
			h := hourOf(w.s.Until)
			w.expect(h, share)
			w.s.Idle += end - w.s.Until
			w.learn(h, share)
		}
		w.s.Until = end
	}
}

// expect adds a share of an hour without a draw to the evidence: the harm may also have come within, at its middle.
func (w *waterUse) expect(h int64, share float64) {
	const most = 1e300 // ends the growth of an alarm that nobody ends
	half := math.Exp(together * w.rate(h) * share / 2)
	w.s.Odds = min(most, (w.s.Odds*half+share)*half)
}

// evidence is as many draws as would give the same odds if the harm had come at one known hour.
func (w *waterUse) evidence() float64 { return math.Log1p(w.s.Odds) / together }

// learn adds exposure to an hour, unless the home is already told of: then it is no usual day.
func (w *waterUse) learn(h int64, share float64) {
	if w.s.Told != None {
		return
	}
	fade := math.Exp2(-share / halfLife)
	st := &w.s.Hours[h]
	st.Draws *= fade
	st.Days = st.Days*fade + share
}

// rate is the hour's hazard: of a Poisson hour its mean, found by the share of days that had a draw in it, so that hours in
// which the home is often empty weigh less.
func (w *waterUse) rate(h int64) float64 {
	st := w.around(h)
	busy := 1 - math.Exp(-w.peers[h])
	const most = 0.9 // of the days; nobody is so regular that one quiet hour proves much
	return -math.Log1p(-min(most, (busy*w.p.Peer+st.Draws)/(w.p.Peer+max(st.Days, st.Draws)+0.5)))
}

// around is what an hour and its neighbours learnt: habits have no edges at the full hour.
func (w *waterUse) around(h int64) hourState {
	const aside = 0.15 // is a neighbour's weight
	st, a, b := w.s.Hours[h], w.s.Hours[(h+23)%24], w.s.Hours[(h+1)%24]
	return hourState{st.Draws + aside*(a.Draws+b.Draws-2*st.Draws), st.Days + aside*(a.Days+b.Days-2*st.Days)}
}

func (w *waterUse) away(at int64) bool { return at >= w.s.AwayFrom && at < w.s.Away }

func (w *waterUse) decide(at int64) (Verdict, bool) {
	up, reason := None, "hazard"
	switch {
	case w.s.Idle >= w.p.Most.Milliseconds():
		up, reason = w.p.Grade, "longest"
	case w.evidence() >= w.p.Draws:
		up = w.p.Grade
	}
	if w.away(at) {
		up = None
	}
	before := w.s.Told
	if !w.s.step(at, up, up, 0, 0) {
		return Verdict{}, false
	}
	if before == None {
		w.s.Since = w.s.Draw
	}
	hours := float64(w.s.Idle) / hour
	return w.s.verdict(at, w.evidence()/w.p.Draws, w.metrics, map[string]string{"reason": reason, "unit": "h",
		"value": number(math.Round(hours*10) / 10), "limit": number(w.p.Most.Hours()), "expected": number(math.Round(w.evidence()*10) / 10),
		"last": instant(w.s.Draw).Format(time.RFC3339)}), true
}

// Tick changes nothing: as long as the meter is silent nothing is decided.
func (w *waterUse) Tick(time.Time) (Verdict, bool) { return Verdict{}, false }

// Away implements Absence.
func (w *waterUse) Away(from, to time.Time) { w.s.AwayFrom, w.s.Away = millis(from), millis(to) }

func (w *waterUse) AppendState(b []byte) []byte { return appendState(b, "water_use", &w.s) }
func (w *waterUse) SetState(b []byte) error     { return setState(b, "water_use", &w.s) }
