package codec

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// columns are a packed message: moment i, number i and value i of each metric are one observation.
type columns struct {
	used    bool
	at      []time.Time
	seq     []uint64
	metrics []metricColumn
	n       int // values read, absent ones included
}

type metricColumn struct {
	name   string
	values []float64 // NaN where there was none
}

func (c *columns) has(metric string) bool {
	return slices.ContainsFunc(c.metrics, func(m metricColumn) bool { return m.name == metric })
}

// column reads the column of times or of numbers.
func (p *parser) column(key string, c *columns) *Broken {
	c.used = true
	return p.array(key, func(n int) *Broken {
		if n == MaxValues {
			return tooMany(key)
		}
		if key == "at" {
			t, bad := p.instant()
			c.at = append(c.at, t)
			return at(bad, n)
		}
		seq, bad := p.sequence()
		c.seq = append(c.seq, seq)
		return at(bad, n)
	})
}

// metricColumn reads the column of one metric.
func (p *parser) metricColumn(key string, c *columns) *Broken {
	c.used = true
	m := metricColumn{name: key}
	bad := p.array("v."+clip(key), func(n int) *Broken {
		if c.n++; c.n > MaxValues {
			return tooMany("v")
		}
		if p.next() == 'n' && p.literal("null") {
			m.values = append(m.values, math.NaN())
			return nil
		}
		f, bad := p.float("v.", key)
		m.values = append(m.values, f)
		return at(bad, n)
	})
	c.metrics = append(c.metrics, m)
	return bad
}

// at names the element at fault.
func at(bad *Broken, n int) *Broken {
	if bad != nil {
		bad.Field = fmt.Sprintf("%s[%d]", bad.Field, n)
	}
	return bad
}

// rows appends the observations in the order of their index. from is where the message's own values begin, base where the
// payload's do.
func (c *columns) rows(into []Value, from, base int, device string, seen int) ([]Value, *Broken) {
	if bad := c.fit(len(into) > from, seen); bad != nil {
		return into, bad
	}
	for i, t := range c.at {
		var seq uint64
		if c.seq != nil {
			seq = c.seq[i]
		}
		for _, m := range c.metrics {
			if v := m.values[i]; !math.IsNaN(v) {
				into = append(into, Value{Device: device, Metric: m.name, At: t, Seq: seq, Value: v})
			}
		}
	}
	switch {
	case len(into) == from:
		return into, &Broken{"v", "there are no values"}
	case len(into)-base > MaxValues:
		return into, tooMany("v")
	}
	return into, nil
}

// fit tells whether the columns have one length.
func (c *columns) fit(mixed bool, seen int) *Broken {
	if mixed || c.at == nil || (seen&hasSeq != 0 && c.seq == nil) {
		return &Broken{"payload", "at, seq and the values are all arrays, or none is"}
	}
	if c.seq != nil && len(c.seq) != len(c.at) {
		return &Broken{"seq", fmt.Sprintf("there are %d numbers and %d times", len(c.seq), len(c.at))}
	}
	for _, m := range c.metrics {
		if len(m.values) != len(c.at) {
			return &Broken{"v." + clip(m.name), fmt.Sprintf("there are %d values and %d times", len(m.values), len(c.at))}
		}
	}
	return nil
}
