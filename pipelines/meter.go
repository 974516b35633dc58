package pipelines

import (
	"slices"
	"strings"
	"sync"
	"time"

	"plinth/sensors"
)

// Meter counts what moves, per domain. The zero value is ready. Many goroutines may use it.
type Meter struct {
	mu sync.Mutex
	by map[string]*Counts
}

// Counts are a domain's totals since the start.
type Counts struct {
	Domain   string
	Messages int64         // acknowledged
	Rows     int64         // readings stored
	Dead     int64         // dead letters stored
	Batches  int64         // inserts acknowledged
	Retries  int64         // attempts that the store did not take
	Busy     time.Duration // spent in inserts
	Last     time.Duration // of the newest insert
	Stored   time.Time     // when rows were stored last; zero when none were
	Newest   time.Time     // the newest time that stored rows tell of, by clocks that are not in doubt
	Waiting  int64         // messages taken and not yet acknowledged, now
}

// grow adds what a meter has counted between two of its states.
func (c *Counts) grow(was, is Counts) {
	c.Messages += is.Messages - was.Messages
	c.Rows += is.Rows - was.Rows
	c.Dead += is.Dead - was.Dead
	c.Retries += is.Retries - was.Retries
	c.Busy += is.Busy - was.Busy
	c.Waiting += is.Waiting - was.Waiting
	if is.Batches > was.Batches {
		c.Batches += is.Batches - was.Batches
		c.Last = is.Last
	}
	c.Stored, c.Newest = later(c.Stored, is.Stored), later(c.Newest, is.Newest)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// tell notes when rows were stored and what time they tell of.
func (c *Counts) tell(rows []sensors.Reading) {
	for i := range rows {
		r := &rows[i]
		if r.Flags&sensors.Clock == 0 && r.At.After(c.Newest) {
			c.Newest = r.At
		}
		if r.RX.After(c.Stored) {
			c.Stored = r.RX
		}
	}
}

func (m *Meter) add(domain string, f func(*Counts)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.of(domain))
}

// of returns a domain's counts, to be changed under m's lock.
func (m *Meter) of(domain string) *Counts {
	if m.by == nil {
		m.by = map[string]*Counts{}
	}
	if m.by[domain] == nil {
		m.by[domain] = &Counts{Domain: domain}
	}
	return m.by[domain]
}

func (m *Meter) batch(domain string, b *batch, took time.Duration) {
	m.add(domain, func(c *Counts) {
		c.Messages += int64(b.messages)
		c.Rows += int64(len(b.rows))
		c.Dead += int64(b.useless)
		c.Batches++
		c.Busy += took
		c.Last = took
		c.tell(b.rows)
	})
}

func (m *Meter) retry(domain string) { m.add(domain, func(c *Counts) { c.Retries++ }) }

// Direct counts readings that came by HTTP or a file, under their own domain.
func (m *Meter) Direct(domain string, rows, dead int) {
	m.add(domain, func(c *Counts) { c.Messages++; c.Rows += int64(rows); c.Dead += int64(dead) })
}

// replayed counts rows that a dead letter gave after all.
func (m *Meter) replayed(domain string, rows int) {
	m.add(domain, func(c *Counts) { c.Rows += int64(rows) })
}

// Hold says how many messages of each domain are taken and not yet acknowledged; of one that is not named, none.
func (m *Meter) Hold(waiting map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for domain := range waiting {
		m.of(domain)
	}
	for domain, c := range m.by {
		c.Waiting = waiting[domain]
	}
}

// Tell notes that rows which came by another way than messages are stored.
func (m *Meter) Tell(domain string, rows []sensors.Reading) {
	m.add(domain, func(c *Counts) { c.tell(rows) })
}

// Counts returns all domains' totals by name.
func (m *Meter) Counts() []Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Counts, 0, len(m.by))
	for _, c := range m.by {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Counts) int { return strings.Compare(a.Domain, b.Domain) })
	return out
}

// Of returns one domain's totals.
func (m *Meter) Of(domain string) Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.by[domain]; c != nil {
		return *c
	}
	return Counts{Domain: domain}
}
