package district

import (
	"cmp"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"
)

// Event is what the city hears: a ticket, a grid worker's report, a camera's finding. Its id is Source/SourceID.
type Event struct {
	Source    string            `json:"source"` // hotline, grid, camera
	SourceID  string            `json:"source_id"`
	At        time.Time         `json:"at"`
	Class     string            `json:"class"`
	Title     string            `json:"title"`
	Text      string            `json:"text"`
	Street    string            `json:"street"`
	Grid      string            `json:"grid"`
	Address   string            `json:"address"`
	Longitude float64           `json:"longitude"` // 0, 0 when nobody placed it
	Latitude  float64           `json:"latitude"`
	Contact   string            `json:"contact,omitempty"` // an invented telephone number
	Attrs     map[string]string `json:"attrs,omitempty"`

	// Incident is the truth, which no reader of the event is told.
	Incident string `json:"-"`
}

// ID names the event in the whole house.
func (e Event) ID() string { return e.Source + "/" + e.SourceID }

// Events yields the events of a period in order of time.
func (d *District) Events(from, to time.Time) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for day := dayOf(from); midnight(day).Before(to); day++ {
			for _, e := range d.eventsOn(day) {
				if e.At.Before(from) || !e.At.Before(to) {
					continue
				}
				if !yield(e) {
					return
				}
			}
		}
	}
}

// eventsOn returns the events heard on a day, of whatever incident, numbered within the day so that the same day always
// gives the same ids.
func (d *District) eventsOn(day int64) []Event {
	from, to := midnight(day), midnight(day+1)
	var out []Event
	for _, in := range d.Incidents(from.Add(-reportsLast), to) {
		for _, e := range d.reports(in) {
			if !e.At.Before(from) && e.At.Before(to) {
				out = append(out, e)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Incident, b.Incident), cmp.Compare(a.Source, b.Source))
	})
	numbers := map[string]int{}
	for i := range out {
		numbers[out[i].Source]++
		prefix := map[string]string{"hotline": "HL", "grid": "WG", "camera": "SP"}[out[i].Source]
		out[i].SourceID = fmt.Sprintf("%s%s%05d", prefix, from.In(Shanghai).Format("20060102"), numbers[out[i].Source])
	}
	return out
}

// reports returns what is heard of one incident: at least one event.
func (d *District) reports(in Incident) []Event {
	r := dice(in.seed, word("reports"))
	var out []Event
	calls := 1
	if !in.alone {
		calls = 2 + r.IntN(in.story.most-1)
	}
	add := func(e Event) {
		e.Incident = in.ID
		out = append(out, e)
	}
	lone := in.alone && r.IntN(3) > 0 // a lone incident is heard of once, by a caller two times in three
	for range calls {
		if !in.alone || lone {
			add(d.ticket(r, in))
		}
	}
	if (!in.alone && chance(r, in.story.patrol)) || (in.alone && !lone) {
		add(d.patrolReport(r, in))
	}
	if !in.alone && chance(r, in.story.camera) && len(in.story.seen) > 0 {
		add(d.cameraEvent(r, in))
	}
	return out
}

// within is a moment in the incident's time; people call early rather than late.
func within(r *rand.Rand, in Incident) time.Time {
	f := r.Float64() * r.Float64()
	return in.From.Add(time.Duration(f * float64(in.To.Sub(in.From)))).Truncate(time.Millisecond)
}

func (d *District) ticket(r *rand.Rand, in Incident) Event {
	e := Event{Source: "hotline", At: within(r, in).Add(time.Duration(2+r.IntN(15)) * time.Minute), Class: in.Class}
	if chance(r, .12) {
		e.Class = pick(r, in.story.also)
	}
	v := voice{r: r, in: in, street: d.streetName(in.Place.Street), at: e.At}
	e.Title, e.Text = v.title(), v.text()
	e.Address = v.address()
	d.place(r, &e, in, in.story.reach/2)
	e.Contact = fmt.Sprintf("1%d%08d", pick(r, []int{30, 35, 38, 50, 59, 77, 86, 89}), r.IntN(100_000_000))
	e.Attrs = map[string]string{"channel": pick(r, []string{"电话", "电话", "电话", "随申办", "微信"}),
		"urgency": pick(r, []string{"一般", "一般", "紧急"})}
	return e
}

// place sets coordinates, street and grid as the source would know them: seven tickets in ten are geocoded well, some
// loosely, some not at all, and then sometimes even the grid is unknown.
func (d *District) place(r *rand.Rand, e *Event, in Incident, spread float64) {
	e.Street, e.Grid = in.Place.Street, in.Place.Grid
	switch u := r.Float64(); {
	case u < .7:
		d.setPoint(e, in.point.Shift(spread*.5*r.NormFloat64(), spread*.5*r.NormFloat64()))
	case u < .85:
		d.setPoint(e, in.point.Shift((60+spread)*r.NormFloat64(), (60+spread)*r.NormFloat64()))
	case u < .95:
	default:
		e.Grid = ""
	}
}

// setPoint places an event and takes street and grid from the map, as a geocoder would.
func (d *District) setPoint(e *Event, p Point) {
	e.Longitude, e.Latitude = round(p.Lon, 6), round(p.Lat, 6)
	if g, ok := d.GridAt(p); ok {
		e.Street, e.Grid = g.Street, g.ID
	}
}

func (d *District) patrolReport(r *rand.Rand, in Incident) Event {
	e := Event{Source: "grid", At: within(r, in).Add(time.Duration(r.IntN(20)) * time.Minute), Class: in.Class}
	if chance(r, .06) {
		e.Class = pick(r, in.story.also)
	}
	v := voice{r: r, in: in, street: d.streetName(in.Place.Street), at: e.At}
	e.Text = v.fill(pick(r, in.story.patrols))
	e.Title = v.fill(pick(r, in.story.titles))
	e.Address = d.streetName(in.Place.Street) + in.Place.Address()
	d.setPoint(&e, in.point.Shift(15*r.NormFloat64(), 15*r.NormFloat64()))
	e.Attrs = map[string]string{"officer": fmt.Sprintf("W%04d", r.IntN(400)), "category": pick(r, []string{"事件", "部件"})}
	return e
}

func (d *District) cameraEvent(r *rand.Rand, in Incident) Event {
	e := Event{Source: "camera", At: within(r, in).Add(time.Duration(r.IntN(5)) * time.Minute), Class: in.Class}
	found := pick(r, in.story.seen)
	trust := .72 + .27*r.Float64()
	e.Title = "智能发现：" + found
	e.Text = fmt.Sprintf("%s%s视频点位于%s识别到%s，置信度%.2f，抓拍%d张。", d.streetName(in.Place.Street), in.Place.Address(),
		e.At.In(Shanghai).Format("15:04"), found, trust, 1+r.IntN(4))
	e.Address = in.Place.Address()
	d.setPoint(&e, in.point.Shift(20*r.NormFloat64(), 20*r.NormFloat64()))
	e.Attrs = map[string]string{"camera": fmt.Sprintf("C%05d", word(in.Place.ID)%20000), "confidence": fmt.Sprintf("%.2f", trust)}
	return e
}

func (d *District) streetName(id string) string {
	for _, s := range d.streets {
		if s.ID == id {
			return s.Name
		}
	}
	return ""
}

// Truth tells what truly happened in a period.
type Truth struct {
	// Incident maps an event's id to the incident that it reports.
	Incident map[string]string
	Faults   []Fault
}

// Truth returns the truth about the events and faults of a period.
func (d *District) Truth(from, to time.Time) Truth {
	t := Truth{Incident: map[string]string{}, Faults: d.Faults(from, to)}
	for e := range d.Events(from, to) {
		t.Incident[e.ID()] = e.Incident
	}
	return t
}
