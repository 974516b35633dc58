package detect

import (
	"time"

	"plinth"
	"plinth/sensors"
)

// Shanghai is the time zone of the rules that speak of days and nights; it has had no summer time since 1991.
var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// Overdue watches a date among the device's attributes: a notice Ahead of it, a warning when it has passed, urgent when
// it has passed by Grace. The law asks for the inspection of a lift a month before its term ends, and forbids its use
// afterwards (特种设备安全法 2013, art. 40); TSG T7001 sets the term.
//
// What it cannot see: an inspection that was made and not registered.
type Overdue struct {
	Attr  string        `yaml:"attr"`  // attribute with the last good day, 2006-01-02; default inspection_due
	Ahead time.Duration `yaml:"ahead"` // default 720h, 30 days
	Grace time.Duration `yaml:"grace"` // default 720h
}

// Validate refuses times without meaning.
func (p *Overdue) Validate() error {
	const most = 400 * 24 * time.Hour
	switch {
	case p.Ahead < 0 || p.Ahead > most:
		return plinth.Invalid("ahead", "the time ahead is 0 to 400 days")
	case p.Grace < 0 || p.Grace > most:
		return plinth.Invalid("grace", "the grace is 0 to 400 days")
	}
	return nil
}

// Lookback is short: only the date counts.
func (p *Overdue) Lookback() time.Duration { return time.Hour }

// New makes a detector; it takes any metrics and looks at none. The device must have the date.
func (p *Overdue) New(d *sensors.Device, metrics []string) (Detector, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := checked(d, metrics, 0, sensors.MaxMetrics); err != nil {
		return nil, err
	}
	o := &overdue{p: *p}
	if o.p.Attr == "" {
		o.p.Attr = "inspection_due"
	}
	o.p.Ahead, o.p.Grace = or(o.p.Ahead, 30*24*time.Hour), or(o.p.Grace, 30*24*time.Hour)
	day, err := time.ParseInLocation(time.DateOnly, d.Attrs[o.p.Attr], shanghai)
	if err != nil {
		return nil, plinth.Invalid("attrs."+o.p.Attr, "the device %s needs a date here, as 2026-12-31", d.ID)
	}
	o.day, o.end = d.Attrs[o.p.Attr], day.AddDate(0, 0, 1)
	return o, nil
}

// or is d, or the default when it is zero.
func or(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

type overdue struct {
	p   Overdue
	day string
	end time.Time // the first moment after the last good day
	s   struct{ Told Grade }
}

func (o *overdue) Observe(s Sample) (Verdict, bool) {
	if s.Flags&Doubtful != 0 {
		return Verdict{}, false
	}
	return o.Tick(s.At)
}

func (o *overdue) Tick(now time.Time) (Verdict, bool) {
	g := None
	switch {
	case !now.Before(o.end.Add(o.p.Grace)):
		g = Urgent
	case !now.Before(o.end):
		g = Warning
	case !now.Before(o.end.Add(-o.p.Ahead)):
		g = Notice
	}
	if g <= o.s.Told {
		return Verdict{}, false // time does not go back; another date is another detector
	}
	o.s.Told = g
	days := now.Sub(o.end).Hours() / 24
	return Verdict{Grade: g, Since: o.end.Add(-o.p.Ahead).UTC(), At: now, Score: days,
		Facts: map[string]string{"value": o.day, "attr": o.p.Attr, "limit": o.day}}, true
}

func (o *overdue) AppendState(b []byte) []byte { return appendState(b, "overdue", &o.s) }
func (o *overdue) SetState(b []byte) error     { return setState(b, "overdue", &o.s) }
