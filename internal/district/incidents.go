package district

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Incident is one thing that truly happened. Events report it.
type Incident struct {
	ID     string
	Kind   string
	Class  string
	Place  Place
	Detail string // what all witnesses speak of
	From   time.Time
	To     time.Time
	// Twin is the incident that this one only looks like: the same kind, near in place or time, yet another matter.
	Twin string
	// Permit is the permit under which night work was done; empty when there was none.
	Permit string

	story *story
	point Point
	seed  uint64
	alone bool // at most one report
}

// reportsLast is how long after its beginning an incident may still be reported; no story lasts longer.
const reportsLast = 4 * 24 * time.Hour

// Incidents returns the incidents that begin in the period, in order of their beginning.
func (d *District) Incidents(from, to time.Time) []Incident {
	var out []Incident
	for day := dayOf(from) - lookAlikeDays; day <= dayOf(to)+1; day++ {
		for _, in := range d.incidentsOf(day) {
			if !in.From.Before(from) && in.From.Before(to) {
				out = append(out, in)
			}
		}
	}
	slices.SortStableFunc(out, byBeginning)
	return out
}

// lookAlikeDays bounds how many days after its twin a look-alike begins.
const lookAlikeDays = 7

func byBeginning(a, b Incident) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.ID, b.ID)) }

// incidentsOf returns the incidents that belong to a day since the reference. A look-alike may begin a day later.
func (d *District) incidentsOf(day int64) []Incident {
	if d.cfg.Incidents < 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if found, ok := d.days[day]; ok {
		return found
	}
	if len(d.days) > 64 {
		clear(d.days) // a few days are in use at any time; the rest are cheap to make again
	}
	d.days[day] = d.plan(day)
	return d.days[day]
}

func (d *District) plan(day int64) []Incident {
	r := dice(d.cfg.Seed, word("incidents"), uint64(day))
	var out []Incident
	for len(out) < d.cfg.Incidents {
		in := d.incident(r, day, len(out))
		if slices.ContainsFunc(out, in.sameMatter) {
			continue
		}
		out = append(out, in)
		if !in.alone && len(out) < d.cfg.Incidents && chance(r, .3) {
			if twin := d.lookAlike(r, in, len(out)); !slices.ContainsFunc(out, twin.sameMatter) {
				out = append(out, twin)
			}
		}
	}
	slices.SortStableFunc(out, byBeginning)
	return out
}

// sameMatter tells whether nobody could tell two incidents apart: the same kind at the same place at one time. Such
// would be one incident, so the second does not happen.
func (in Incident) sameMatter(o Incident) bool {
	lull := min(in.To.Sub(in.From), o.To.Sub(o.From))
	return in.Kind == o.Kind && in.Place.ID == o.Place.ID && in.From.Before(o.To.Add(lull)) && o.From.Before(in.To.Add(lull))
}

func (d *District) incident(r *rand.Rand, day int64, n int) Incident {
	s := pickStory(r)
	place := d.places[pick(r, d.ofKind[pick(r, s.at)])]
	span := pick(r, s.hours)
	hour := float64(span[0]) + r.Float64()*float64(span[1]-span[0])
	in := Incident{
		ID:   fmt.Sprintf("truth-%s-%04d", midnight(day).In(Shanghai).Format("20060102"), n),
		Kind: s.kind, Class: s.class, Place: place, Detail: pick(r, s.details), story: s,
		From: midnight(day).Add(time.Duration(hour * float64(time.Hour))).Truncate(time.Second),
	}
	in.To = in.From.Add(s.lasts[0] + time.Duration(r.Float64()*float64(s.lasts[1]-s.lasts[0]))).Truncate(time.Second)
	in.point = place.At.Shift(25*r.NormFloat64(), 25*r.NormFloat64())
	in.seed = mix(d.cfg.Seed, word(in.ID))
	in.alone = !chance(r, s.crowd)
	in.Permit = d.permitFor(in)
	return in
}

func pickStory(r *rand.Rand) *story {
	var sum int
	for i := range stories {
		sum += stories[i].weight
	}
	n := r.IntN(sum)
	for i := range stories {
		if n -= stories[i].weight; n < 0 {
			return &stories[i]
		}
	}
	panic("unreachable: the weights changed between two loops")
}

// lookAlike makes an incident of the same kind that is another matter: in a neighbouring place at about the same time,
// or, one time in three, at the same place after the first is over.
func (d *District) lookAlike(r *rand.Rand, in Incident, n int) Incident {
	twin := in
	twin.ID = fmt.Sprintf("%s-%04d", in.ID[:len(in.ID)-5], n)
	twin.Twin, twin.seed = in.ID, mix(d.cfg.Seed, word(twin.ID))
	twin.Detail = pick(r, in.story.details)
	long := in.To.Sub(in.From)
	if chance(r, .33) {
		twin.From = in.To.Add(long + time.Duration(r.Float64()*12*float64(time.Hour))).Truncate(time.Second)
	} else {
		twin.Place = d.neighbour(r, in)
		twin.point = twin.Place.At.Shift(25*r.NormFloat64(), 25*r.NormFloat64())
		twin.From = in.From.Add(time.Duration((r.Float64() - .3) * float64(long))).Truncate(time.Second)
	}
	twin.To = twin.From.Add(long)
	twin.alone = chance(r, .4)
	twin.Permit = d.permitFor(twin)
	return twin
}

// neighbour is one of the three nearest other places where such an incident can be.
func (d *District) neighbour(r *rand.Rand, in Incident) Place {
	var near []int
	for i, p := range d.places {
		if p.ID != in.Place.ID && slices.Contains(in.story.at, p.Kind) {
			near = append(near, i)
		}
	}
	slices.SortFunc(near, func(a, b int) int {
		return cmp.Compare(d.places[a].At.Distance(in.Place.At), d.places[b].At.Distance(in.Place.At))
	})
	return d.places[near[r.IntN(3)]]
}

// effect is what the devices at an incident's place feel.
type effect struct {
	kind     string
	from, to time.Time
	seed     uint64
}

// effectsOn returns the effects on a device that touch a day.
func (d *District) effectsOn(dev Device, day int64) []effect {
	var out []effect
	for k := day - lookAlikeDays; k <= day+1; k++ {
		for _, in := range d.incidentsOf(k) {
			if in.Place.ID == dev.Site && in.story.device == dev.Kind {
				out = append(out, effect{in.Kind, in.From, in.To, in.seed})
			}
		}
	}
	return out
}

func (e effect) apply(dev Device, v []float64, at time.Time) {
	if at.Before(e.from) || !at.Before(e.to) {
		return
	}
	wobble := bell(mix(e.seed, uint64(at.Unix())))
	switch e.kind {
	case "night_construction":
		v[0] = max(v[0], 66+float64(e.seed%9)+2*wobble)
		v[1] = max(v[1], v[0]+6)
	case "lift_trapped":
		v[0], v[1], v[3], v[4], v[5] = 0, 0, 2+float64(e.seed%9), 1, 0
	case "creek_pollution":
		v[1], v[2] = max(.3, v[1]-3.2+.1*wobble), v[2]+1.9+.1*wobble
		v[3] += .21
	}
}
