package district

import (
	"fmt"
	"time"
)

// Permit allows night work at a construction site.
type Permit struct {
	ID     string
	Site   string // the place's id
	Name   string
	Street string
	From   time.Time
	To     time.Time
}

// permitOf returns the permit of a site for the night that begins on a day: one site in six has one.
func (d *District) permitOf(site Place, day int64) (Permit, bool) {
	h := mix(d.cfg.Seed, word(site.ID), word("permit"), uint64(day))
	if site.Kind != Construction || unit(h) > 1.0/6 {
		return Permit{}, false
	}
	from := midnight(day).Add(22 * time.Hour)
	return Permit{
		ID:   fmt.Sprintf("YS%s%04d", from.In(Shanghai).Format("20060102"), h%10000),
		Site: site.ID, Name: site.Name, Street: site.Street, From: from, To: from.Add(8 * time.Hour),
	}, true
}

// permitFor returns the permit under which an incident's night work was done, or nothing.
func (d *District) permitFor(in Incident) string {
	if in.Kind != "night_construction" {
		return ""
	}
	for day := dayOf(in.From) - 1; day <= dayOf(in.From); day++ {
		if p, ok := d.permitOf(in.Place, day); ok && !in.From.Before(p.From) && in.From.Before(p.To) {
			return p.ID
		}
	}
	return ""
}

// Permits returns the permits that begin in the period.
func (d *District) Permits(from, to time.Time) []Permit {
	var out []Permit
	for day := dayOf(from); day <= dayOf(to); day++ {
		for _, i := range d.ofKind[Construction] {
			if p, ok := d.permitOf(d.places[i], day); ok && !p.From.Before(from) && p.From.Before(to) {
				out = append(out, p)
			}
		}
	}
	return out
}
