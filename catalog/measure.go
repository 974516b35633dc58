package catalog

import (
	"context"
	"time"

	"plinth"
)

// Measurement is how far a table's rows reach.
type Measurement struct {
	Until time.Time // the newest row's time; zero when there is none
	Rows  int64
}

// Measurer looks at a table. It returns plinth.ErrNotFound when there is no such table or it has no time.
type Measurer interface {
	Measure(ctx context.Context, table string) (Measurement, error)
}

// MeasureKeeper keeps the newest measurement of each dataset.
type MeasureKeeper interface {
	// Tables are the tables of published datasets.
	Tables(ctx context.Context) (map[plinth.DatasetID]string, error)
	KeepMeasurement(ctx context.Context, id plinth.DatasetID, m Measurement, at time.Time) error
}

// Measure looks at every published dataset's table and keeps what it finds. A table that cannot be measured keeps its
// last measurement, and is logged.
func (c *Catalog) Measure(ctx context.Context, by Measurer) error {
	tables, err := c.store.Tables(ctx)
	if err != nil {
		return err
	}
	measured := map[string]*Measurement{}
	for id, table := range tables {
		m, ok := measured[table]
		if !ok {
			found, err := by.Measure(ctx, table)
			if err != nil {
				c.cfg.Log.WarnContext(ctx, "table not measured", "table", table, "error", err)
			} else {
				m = &found
			}
			measured[table] = m
		}
		if m == nil {
			continue
		}
		if err := c.store.KeepMeasurement(ctx, id, *m, c.cfg.Now()); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Numbers are the catalogue's figures for the first screen. 按时更新率 is Timely of TimelyDue, 应开尽开率 Opened of Openable.
type Numbers struct {
	Datasets, Registered, Late, Open     int
	Timely, TimelyDue                    int
	Opened, Openable                     int
	RegistrationsWaiting, LatestOpenList int
}

// Numbers counts the whole catalogue; it is for the service, not for one caller.
func (c *Catalog) Numbers(ctx context.Context) (Numbers, error) {
	all, total, err := c.store.Datasets(ctx, Filter{AllDrafts: true, Limit: 100_000, Now: c.cfg.Now()})
	if err != nil {
		return Numbers{}, err
	}
	if err := c.judge(ctx, all); err != nil {
		return Numbers{}, err
	}
	listed, number, err := c.listed(ctx)
	if err != nil {
		return Numbers{}, err
	}
	n := Numbers{Datasets: total, LatestOpenList: number}
	for _, d := range all {
		n.add(d, listed[d.Code])
	}
	_, n.RegistrationsWaiting, err = c.store.Registrations(ctx, RegistrationFilter{Limit: 1,
		WaitsOn: []plinth.Role{plinth.RoleRegistrar}})
	return n, err
}

func (n *Numbers) add(d Dataset, listed bool) {
	if d.State != Registered {
		return
	}
	n.Registered++
	if d.Timeliness != Unknown {
		n.TimelyDue++
	}
	switch d.Timeliness {
	case OnTime:
		n.Timely++
	case Late:
		n.Late++
	}
	if d.Openness == "closed" {
		return
	}
	n.Openable++
	if listed {
		n.Opened++
		n.Open++
	}
}
