package district

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Consumer is an account that queries governed data, with its habit.
type Consumer struct {
	Account    string
	Department string
	Purpose    string
	Dataset    string
	Hours      [2]int  // local working hours
	PerDay     float64 // queries on a working day
	Rows       float64 // the median number of rows that a query reads
}

// consumers are the habits: a bureau's analyst asks little and in office hours, a duty desk asks round the clock.
var consumers = []Consumer{
	{"analyst", "civil", "独居老人关爱", "elderly-water", [2]int{9, 17}, 14, 220},
	{"civil-duty", "civil", "独居老人关爱", "elderly-water", [2]int{0, 24}, 48, 40},
	{"market-lift", "market", "电梯安全监管", "lift-status", [2]int{8, 18}, 24, 300},
	{"ecology-river", "ecology", "水环境治理", "creek-quality", [2]int{8, 18}, 18, 500},
	{"construction-noise", "construction", "夜间施工监管", "site-noise", [2]int{18, 24}, 20, 350},
	{"opcentre-desk", "opcentre", "热线分析", "hotline-ticket", [2]int{0, 24}, 60, 150},
	{"urban-patrol", "urban", "市容管理", "hotline-ticket", [2]int{7, 19}, 22, 120},
	{"housing-heritage", "housing", "历史建筑保护", "heritage-monitor", [2]int{9, 17}, 8, 260},
	{"emergency-watch", "emergency", "应急值守", "flood-points", [2]int{0, 24}, 30, 60},
	{"health-cdc", "health", "公共卫生", "hotline-ticket", [2]int{9, 17}, 6, 90},
}

// Misuse is a way in which a consumer leaves its habit.
type Misuse string

// The misuses, for the risk rules to find.
const (
	Habit     Misuse = ""
	Bulk      Misuse = "bulk"      // reads far more rows than ever
	OffHours  Misuse = "off_hours" // reads in the night what it reads by day
	Scraping  Misuse = "scraping"  // walks through everything in small steps
	WrongUse  Misuse = "wrong_use" // states a purpose that no grant has
	PryingOne Misuse = "prying"    // asks again and again for one person
)

// Query is one use of data by a consumer. Misuse is the truth.
type Query struct {
	At       time.Time
	Consumer string
	Account  Consumer `json:"-"`
	Purpose  string
	Dataset  string
	Rows     int
	Misuse   Misuse `json:"-"`
}

// Consumers returns the consumers.
func (d *District) Consumers() []Consumer { return slices.Clone(consumers) }

// misusePerDay is the chance that a consumer misuses data on a day.
const misusePerDay = .04

// Queries returns the consumers' queries of a period in order of time.
func (d *District) Queries(from, to time.Time) []Query {
	var out []Query
	for day := dayOf(from); midnight(day).Before(to); day++ {
		for i, c := range consumers {
			for _, q := range d.queriesOf(c, i, day) {
				if !q.At.Before(from) && q.At.Before(to) {
					out = append(out, q)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Query) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Consumer, b.Consumer))
	})
	return out
}

func (d *District) queriesOf(c Consumer, i int, day int64) []Query {
	r := dice(d.cfg.Seed, word("queries"), uint64(i), uint64(day))
	query := func(hour, rows float64, purpose string, m Misuse) Query {
		at := midnight(day).Add(time.Duration(hour * float64(time.Hour))).Truncate(time.Millisecond)
		return Query{At: at, Consumer: c.Account, Account: c, Purpose: purpose, Dataset: c.Dataset, Rows: max(0, int(rows)), Misuse: m}
	}
	open := float64(c.Hours[1] - c.Hours[0])
	n := c.PerDay
	if weekday := midnight(day).In(Shanghai).Weekday(); open < 24 && (weekday == time.Saturday || weekday == time.Sunday) {
		n *= .1
	}
	var out []Query
	for range int(n*(.7+.6*r.Float64()) + .5) {
		hour := float64(c.Hours[0]) + r.Float64()*open
		out = append(out, query(hour, c.Rows*math.Exp(.4*r.NormFloat64()), c.Purpose, Habit))
	}
	if !chance(r, misusePerDay) {
		return out
	}
	hour := float64(c.Hours[0]) + r.Float64()*(open-1)
	switch m := pick(r, []Misuse{Bulk, OffHours, Scraping, WrongUse, PryingOne}); m {
	case Bulk:
		out = append(out, query(hour, c.Rows*(80+200*r.Float64()), c.Purpose, m))
	case OffHours:
		for k := range 6 {
			out = append(out, query(2+float64(k)*.1, c.Rows*(2+r.Float64()), c.Purpose, m))
		}
	case Scraping:
		for k := range 120 {
			out = append(out, query(hour+float64(k)/130, c.Rows, c.Purpose, m))
		}
	case WrongUse:
		out = append(out, query(hour, 0, "商业推广", m))
	case PryingOne:
		for k := range 25 {
			out = append(out, query(hour+float64(k)/40, 1, c.Purpose, m))
		}
	}
	return out
}

// String tells a query in one line, for logs of a simulation.
func (q Query) String() string {
	return fmt.Sprintf("%s %s %s/%s %d rows %s", q.At.Format(time.RFC3339), q.Consumer, q.Dataset, q.Purpose, q.Rows, q.Misuse)
}
