package pipelines

import "context"

// Reports are what members of the ingest tell each other of what they have counted.
type Reports interface {
	// Reported returns the newest counts of each process that is another member, since it began.
	Reported(ctx context.Context) (map[string][]Counts, error)
}

// Company counts what all members of the ingest move, ours included, since this process began. Many goroutines may read
// its Meter while one gathers.
type Company struct {
	Meter
	own     *Meter
	reports Reports
	known   map[string]map[string]Counts // the newest by process and domain; our own process is ""
}

// NewCompany returns the company of the member that own counts for.
func NewCompany(own *Meter, reports Reports) *Company {
	return &Company{own: own, reports: reports, known: map[string]map[string]Counts{"": {}}}
}

// Gather brings the counts up to date. While the others' cannot be read their counts stand still.
func (c *Company) Gather(ctx context.Context) error {
	c.take("", c.own.Counts())
	all, err := c.reports.Reported(ctx)
	if err != nil {
		return err
	}
	for process, counts := range all {
		c.take(process, counts)
	}
	for process := range c.known {
		if _, here := all[process]; !here && process != "" {
			c.forget(process)
		}
	}
	return nil
}

// take adds what a process has counted since its last report. What another had counted before it was first seen is left out.
func (c *Company) take(process string, counts []Counts) {
	before, seen := c.known[process]
	now := map[string]Counts{}
	for _, is := range counts {
		was := before[is.Domain]
		if !seen {
			was = is
			was.Waiting = 0
		}
		now[is.Domain] = is
		c.add(is.Domain, func(sum *Counts) { sum.grow(was, is) })
	}
	c.known[process] = now
}

// forget ends the waiting of a process that is gone: its messages come to others.
func (c *Company) forget(process string) {
	for domain, was := range c.known[process] {
		c.add(domain, func(sum *Counts) { sum.Waiting -= was.Waiting })
	}
	delete(c.known, process)
}
